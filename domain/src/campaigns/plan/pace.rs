//! How fast a campaign goes out.

use super::PlanError;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The most messages an hour that are worth being counted.
const FASTEST: u32 = 3_600_000;
/// The most days that a campaign is spread over.
const LONGEST: u32 = 366;

/// Not faster than.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Pace {
    /// So many messages in an hour.
    PerHour(u32),
    /// Evenly over so many days.
    OverDays(u32),
}

impl Pace {
    /// The time between two messages of so many.
    pub fn gap(self, messages: i64) -> TimeDelta {
        let hour = TimeDelta::hours(1);
        match self {
            Self::PerHour(count) => hour / i32::try_from(count.max(1)).unwrap_or(i32::MAX),
            Self::OverDays(days) => {
                let span = TimeDelta::days(days.into());
                let micros = span.num_microseconds().unwrap_or(i64::MAX) / messages.max(1);
                TimeDelta::microseconds(micros)
            }
        }
    }

    pub(super) fn check(self) -> Result<(), PlanError> {
        let (given, most) = match self {
            Self::PerHour(count) => (count, FASTEST),
            Self::OverDays(days) => (days, LONGEST),
        };
        match (1..=most).contains(&given) {
            true => Ok(()),
            false => Err(PlanError::new("pace", format!("must be 1 to {most}"))),
        }
    }
}

/// What a pace that was not used for a while lets go at once: that of so much time,
const AT_ONCE: TimeDelta = TimeDelta::minutes(1);
/// and at least so many: what is a little late must not put off all that come after it.
const AT_LEAST: i64 = 2;
/// What comes within this time of the next message is waited for, so that several go together,
const TOGETHER: TimeDelta = TimeDelta::seconds(10);
/// up to so many.
const FEW: i64 = 16;

/// What a pace allows now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// So many messages may go.
    pub messages: usize,
    /// They spend the pace until this time.
    pub spent_until: DateTime<Utc>,
    /// When it is worth asking for more.
    pub next: DateTime<Utc>,
}

/// How many of the messages that want to go may, one in each `gap`, given until when earlier ones have spent it. In any
/// time no more go than fit in it, and those of a minute, or two.
pub fn allowance(gap: TimeDelta, spent_until: DateTime<Utc>, now: DateTime<Utc>, wanted: usize) -> Allowance {
    let micros = |time: TimeDelta| time.num_microseconds().unwrap_or(i64::MAX);
    let each = micros(gap).max(1);
    let at_once = (micros(AT_ONCE) / each).max(AT_LEAST).saturating_mul(each);
    // a clock that was set back spends no more than there is
    let ahead = micros(spent_until - now).clamp(0, at_once);
    let room = usize::try_from((at_once - ahead) / each).unwrap_or(usize::MAX);
    let messages = wanted.min(room);
    let spent = ahead.saturating_add(i64::try_from(messages).unwrap_or(i64::MAX).saturating_mul(each));
    let first = (spent + each - at_once).max(0);
    let more = (micros(TOGETHER) / each).min(FEW - 1) * each;
    let after = |micros: i64| now + TimeDelta::microseconds(micros);
    Allowance { messages, spent_until: after(spent), next: after(first + more) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_span_of_time_sees_more_than_the_pace(
            gap in 1_i64..100_000,
            asked in prop::collection::vec((0_i64..200_000, 0_usize..40), 1..60),
        ) {
            let gap = TimeDelta::milliseconds(gap);
            let at_once = (AT_ONCE.num_milliseconds() / gap.num_milliseconds()).max(AT_LEAST);
            let mut now: DateTime<Utc> = "2026-05-01T08:00:00Z".parse().unwrap();
            let (mut spent, mut gone) = (now, Vec::new());
            for (later, wanted) in asked {
                now += TimeDelta::milliseconds(later);
                let allowed = allowance(gap, spent, now, wanted);
                prop_assert!(allowed.messages <= wanted);
                prop_assert!(allowed.messages == wanted || allowed.next > now);
                spent = allowed.spent_until;
                gone.extend(std::iter::repeat_n(now, allowed.messages));
            }
            for (from, begin) in gone.iter().enumerate() {
                for (to, end) in gone.iter().enumerate().skip(from) {
                    let fit = (*end - *begin).num_milliseconds() / gap.num_milliseconds() + at_once;
                    prop_assert!(i64::try_from(to - from).unwrap() < fit + 1);
                }
            }
        }
    }

    #[test]
    fn what_is_a_little_late_puts_off_nothing() {
        let gap = TimeDelta::minutes(6);
        let begin: DateTime<Utc> = "2026-05-01T08:00:00Z".parse().unwrap();
        let mut spent = begin;
        for turn in 0..1_000 {
            let late = TimeDelta::milliseconds(i64::from(turn % 7) * 90);
            let allowed = allowance(gap, spent, begin + gap * turn + late, 1);
            assert_eq!(allowed.messages, 1, "{turn}");
            spent = allowed.spent_until;
        }
    }

    #[test]
    fn who_waits_as_told_is_let_go() {
        let now: DateTime<Utc> = "2026-05-01T08:00:00Z".parse().unwrap();
        for gap in [1, 40, 900, 3_600].map(TimeDelta::seconds) {
            let all = allowance(gap, now, now, 1_000);
            assert!(all.messages >= 1 && all.messages <= 60);
            let then = allowance(gap, all.spent_until, all.next, 1);
            assert_eq!(then.messages, 1, "{gap}");
            let first = allowance(gap, all.spent_until, now, 1);
            assert_eq!(first.messages, 0, "{gap}");
        }
    }

    #[test]
    fn the_last_of_all_goes_out_before_the_time_is_over() {
        assert_eq!(Pace::PerHour(3_600).gap(10), TimeDelta::seconds(1));
        for messages in [1_i64, 7, 1_000, 999_999] {
            let span = Pace::OverDays(3).gap(messages) * i32::try_from(messages).unwrap();
            assert!(
                span <= TimeDelta::days(3) && span > TimeDelta::days(3) - TimeDelta::seconds(2),
                "{messages} {span}"
            );
        }
    }
}
