//! A ladder of steps that leads each policy to its renewal: which step is due when, whom it leaves out, and what ends it.
//!
//! A step's time is a time of the recipient's day, so many days from the last day of the term. The statements of
//! `schema` decide by the same rules for thousands at a time; these say what is right, and are what tests hold those
//! against. [`check`] tells what cannot be meant, by the field at fault.

use super::plan::local_instant;
use crate::{messaging::Channel, text_enum::text_enum};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// The most steps of a ladder.
pub const MOST_STEPS: usize = 24;
/// Steps are at most so many days from the last day of the term.
pub const FARTHEST_DAYS: i16 = 366;
/// A fallback waits at most so many hours.
pub const LONGEST_FALLBACK: i16 = 720;
/// In a rehearsal a step follows the one before after so many seconds, so that a whole ladder is seen within the hour.
pub const REHEARSED_STEP_SECONDS: i32 = 120;
/// In a rehearsal a fallback waits so many seconds, in place of its hours: less than a step.
pub const REHEARSED_FALLBACK_SECONDS: i32 = 60;

text_enum! {
    /// Of whom a step is, by how the messages of the earlier steps fared.
    pub enum Condition {
        /// None of them arrived.
        NotDelivered = "not_delivered",
        /// None of them was read.
        NotRead = "not_read",
        /// No link of them was followed.
        NotClicked = "not_clicked",
        /// None of them was answered.
        NotReplied = "not_replied",
    }
}

text_enum! {
    /// How far a message has to get, so that no other channel is tried.
    pub enum Reached {
        /// It arrived.
        Delivered = "delivered",
        /// It was read.
        Read = "read",
    }
}

text_enum! {
    /// Where somebody stands on a ladder.
    pub enum EnrolmentState {
        /// Steps, or a fallback, are ahead.
        Active = "active",
        /// The last step was taken, or as many messages were written as there may be.
        Finished = "finished",
        /// What it was about is done with.
        Stopped = "stopped",
        /// The campaign was stopped: another ladder may take the term.
        Withdrawn = "withdrawn",
    }
}

/// Another channel for those whom a step's message did not reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// Which channel.
    pub channel: Channel,
    /// What it says.
    pub template: i64,
    /// Unless the step's message got so far,
    pub unless: Reached,
    /// within so many hours.
    pub hours: i16,
}

/// A step of a ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// From the last day of the term: -30 is 30 days before it, 7 is a week after it.
    pub days: i16,
    /// Of the recipient's day.
    pub at: NaiveTime,
    /// How it goes out.
    pub channel: Channel,
    /// What it says.
    pub template: i64,
    /// Of whom it is; `None`: of all.
    pub condition: Option<Condition>,
    /// What follows when it does not reach them.
    pub fallback: Option<Fallback>,
}

/// What a ladder says wrongly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct LadderError {
    /// The field's JSON path.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Every fault of a ladder.
pub fn check(steps: &[Step]) -> Vec<LadderError> {
    let mut faults = Vec::new();
    let mut add = |field: String, problem: String| faults.push(LadderError { field, problem });
    if steps.is_empty() || steps.len() > MOST_STEPS {
        add("steps".to_owned(), format!("a ladder has 1 to {MOST_STEPS} steps"));
    }
    for (index, step) in steps.iter().enumerate() {
        let at = |field: &str| format!("steps[{index}].{field}");
        if !(-FARTHEST_DAYS..=FARTHEST_DAYS).contains(&step.days) {
            add(at("days"), format!("must be -{FARTHEST_DAYS} to {FARTHEST_DAYS}"));
        }
        if index > 0 && (steps[index - 1].days, steps[index - 1].at) >= (step.days, step.at) {
            add(at("days"), "is not after the step before it".to_owned());
        }
        if let Some(fallback) = &step.fallback {
            if fallback.channel == step.channel {
                add(at("fallback.channel"), "is the channel of the step itself".to_owned());
            }
            if !(1..=LONGEST_FALLBACK).contains(&fallback.hours) {
                add(at("fallback.hours"), format!("must be 1 to {LONGEST_FALLBACK}"));
            }
        }
    }
    faults
}

/// When a step is due for a term that ends that day, for somebody who lives by these clocks.
pub fn due_at(step: &Step, term_end: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let day = term_end + TimeDelta::days(step.days.into());
    local_instant(day.and_time(step.at), zone)
}

/// The step that somebody begins with who enters now, and when it is due: the first whose day is not over. `None`: they
/// are too late for all of them.
pub fn entry(steps: &[Step], term_end: NaiveDate, zone: Tz, now: DateTime<Utc>) -> Option<(usize, DateTime<Utc>)> {
    let today = now.with_timezone(&zone).date_naive();
    let first = steps.iter().position(|step| term_end + TimeDelta::days(step.days.into()) >= today)?;
    Some((first, due_at(&steps[first], term_end, zone)))
}

/// The step to take now of somebody whose step `next` is due: the latest whose time has come. Those before it, whose
/// time passed while nobody took them, are passed over.
pub fn take(steps: &[Step], next: usize, term_end: NaiveDate, zone: Tz, now: DateTime<Utc>) -> Option<usize> {
    (next..steps.len()).rev().find(|index| due_at(&steps[*index], term_end, zone) <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn step(days: i16, hour: u32) -> Step {
        Step {
            days,
            at: NaiveTime::from_hms_opt(hour, 0, 0).unwrap(),
            channel: Channel::Email,
            template: 1,
            condition: None,
            fallback: None,
        }
    }

    fn ladder() -> Vec<Step> {
        [-60, -30, -15, -7, -1, 7].map(|days| step(days, 10)).to_vec()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn steps_keep_their_hour_across_a_change_of_clocks() {
        let zone = Tz::America__New_York;
        let times: Vec<_> = ladder().iter().map(|step| due_at(step, day("2026-03-20"), zone).to_rfc3339()).collect();
        assert_eq!(times[2], "2026-03-05T15:00:00+00:00");
        assert_eq!(times[3], "2026-03-13T14:00:00+00:00");
    }

    #[test]
    fn who_enters_late_begins_with_the_first_step_whose_day_is_not_over() {
        let entered = |now| entry(&ladder(), day("2026-06-30"), Tz::Asia__Kolkata, at(now)).map(|(index, _)| index);
        assert_eq!(entered("2026-01-01T00:00:00Z"), Some(0));
        assert_eq!(entered("2026-06-10T00:00:00Z"), Some(2));
        // 15:00 in Kolkata of the day of a step that was due at 10:00
        assert_eq!(entered("2026-06-15T09:30:00Z"), Some(2));
        assert_eq!(entered("2026-06-15T19:00:00Z"), Some(3));
        assert_eq!(entered("2026-07-07T01:00:00Z"), Some(5));
        assert_eq!(entered("2026-07-08T01:00:00Z"), None);
    }

    #[test]
    fn of_steps_that_passed_while_nobody_worked_the_latest_is_taken() {
        let taken = |next, now| take(&ladder(), next, day("2026-06-30"), Tz::Asia__Kolkata, at(now));
        assert_eq!(taken(0, "2026-05-02T00:00:00Z"), Some(0));
        assert_eq!(taken(0, "2026-06-24T00:00:00Z"), Some(3));
        assert_eq!(taken(4, "2026-06-24T00:00:00Z"), None);
    }

    #[test]
    fn faults_are_told_by_their_fields() {
        assert_eq!(check(&ladder()), []);
        let fields = |steps: &[Step]| check(steps).into_iter().map(|fault| fault.field).collect::<Vec<_>>();
        assert_eq!(fields(&[]), ["steps"]);
        assert_eq!(fields(&[step(-7, 10), step(-7, 10), step(-7, 11)]), ["steps[1].days"]);
        assert_eq!(fields(&[step(400, 1)]), ["steps[0].days"]);
        let fallback = Fallback { channel: Channel::Email, template: 1, unless: Reached::Read, hours: 0 };
        let wrong = Step { fallback: Some(fallback), ..step(0, 1) };
        assert_eq!(fields(&[wrong]), ["steps[0].fallback.channel", "steps[0].fallback.hours"]);
    }

    proptest! {
        #[test]
        fn a_ladder_goes_up_and_ends(
            mut days in prop::collection::btree_set(-90_i16..30, 1..10),
            entered in -100_i64..40,
            looks in prop::collection::vec(1_i64..400, 1..200),
        ) {
            let steps: Vec<Step> = std::mem::take(&mut days).into_iter().map(|days| step(days, 9)).collect();
            let (term, zone) = (day("2026-04-01"), Tz::Australia__Lord_Howe);
            let mut now = local_instant(term.and_hms_opt(12, 0, 0).unwrap(), zone) + TimeDelta::days(entered);
            let mut next = entry(&steps, term, zone, now).map_or(steps.len(), |(index, _)| index);
            let mut taken = Vec::new();
            for hours in looks {
                if let Some(index) = take(&steps, next, term, zone, now) {
                    prop_assert!(due_at(&steps[index], term, zone) <= now);
                    taken.push(index);
                    next = index + 1;
                }
                now += TimeDelta::hours(hours);
            }
            prop_assert!(taken.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
