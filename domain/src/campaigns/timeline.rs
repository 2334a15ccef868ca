//! When things happened, in spans wide enough to be shown and narrow enough to say something.

use super::report::Span;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Widths of spans, in seconds: a minute to a week.
pub const WIDTHS: [i64; 8] = [60, 300, 900, 3_600, 21_600, 86_400, 259_200, 604_800];
/// Spans this wide and wider are cut where local clocks show it.
const BY_THE_CLOCK: i64 = 21_600;
const WEEK: i64 = 604_800;
/// The first Monday of 1970.
const MONDAY: i64 = 4 * 86_400;
/// The most spans a timeline should have.
const SPANS: i64 = 60;

/// What happened in the piece of time that begins so many seconds after 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Piece {
    /// Its start.
    pub at: i64,
    /// Accepted in it.
    pub sent: i64,
    /// Delivered in it.
    pub delivered: i64,
    /// Opened in it.
    pub opened: i64,
    /// Links followed for the first time in it.
    pub clicked: i64,
    /// Answered in it.
    pub replied: i64,
    /// Failed in it.
    pub failed: i64,
}

/// The narrowest width that does not make too many spans of pieces, which are in order.
pub fn width(pieces: &[Piece]) -> i64 {
    let long = match pieces {
        [first, .., last] => last.at - first.at,
        _ => 0,
    };
    WIDTHS.into_iter().find(|width| long / width < SPANS).unwrap_or(WIDTHS[WIDTHS.len() - 1])
}

/// Puts pieces together, which are in order and no wider than `width`; spans in which nothing happened are left out.
pub fn spans(pieces: &[Piece], width: i64, zone: Tz) -> Vec<Span> {
    let (mut spans, mut end): (Vec<Span>, _) = (Vec::new(), DateTime::<Utc>::MIN_UTC.timestamp());
    for piece in pieces {
        if piece.at >= end {
            let Some((at, next)) = bounds(piece.at, width, zone) else { continue };
            end = next.timestamp();
            spans.push(Span { at, sent: 0, delivered: 0, opened: 0, clicked: 0, replied: 0, failed: 0 });
        }
        let Some(span) = spans.last_mut() else { continue };
        span.sent += piece.sent;
        span.delivered += piece.delivered;
        span.opened += piece.opened;
        span.clicked += piece.clicked;
        span.replied += piece.replied;
        span.failed += piece.failed;
    }
    spans
}

/// Where the span begins and ends that so many seconds after 1970 are in. People think of the wide ones by their own
/// clock: they begin at midnight, or every six hours after it, and weeks on Mondays.
fn bounds(seconds: i64, width: i64, zone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    if width < BY_THE_CLOCK {
        let cut = seconds.div_euclid(width) * width;
        return Some((instant(cut)?, instant(cut + width)?));
    }
    let at = instant(seconds)?;
    let local = at.with_timezone(&zone).naive_local().and_utc().timestamp();
    let offset = if width == WEEK { MONDAY } else { 0 };
    let cut = (local - offset).div_euclid(width) * width + offset;
    let (begin, end) = (first_at(cut, zone)?, first_at(cut + width, zone)?);
    // a clock that was put back past a cut has shown it already
    if end <= at { Some((end, first_at(cut + 2 * width, zone)?)) } else { Some((begin, end)) }
}

/// When clocks of the zone show a time for the first time, or a later one where they skip it.
fn first_at(local: i64, zone: Tz) -> Option<DateTime<Utc>> {
    let local = instant(local)?.naive_utc();
    let found = zone.from_local_datetime(&local).earliest();
    found.map(|at| at.with_timezone(&Utc)).or_else(|| {
        // the end of the gap, somewhere around: no zone is farther from UTC than that
        let (mut low, mut high) = ((local - TimeDelta::days(2)).and_utc(), (local + TimeDelta::days(2)).and_utc());
        let is_past = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local() >= local;
        while high - low > TimeDelta::seconds(1) {
            let middle = low + TimeDelta::seconds((high - low).num_seconds() / 2);
            if is_past(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    })
}

fn instant(seconds: i64) -> Option<DateTime<Utc>> {
    Utc.timestamp_opt(seconds, 0).single()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Datelike;
    use proptest::prelude::*;

    #[test]
    fn spans_are_as_wide_as_they_must() {
        let at = |at: i64| Piece { at, sent: 1, ..Piece::default() };
        assert_eq!(width(&[]), 60);
        assert_eq!(width(&[at(0), at(59 * 60)]), 60);
        assert_eq!(width(&[at(0), at(60 * 60)]), 300);
        assert_eq!(width(&[at(0), at(400 * 86_400)]), 604_800);
        assert_eq!(width(&[at(0), at(4_000 * 86_400)]), 604_800);
        let found = spans(&[at(60), at(120), at(300), at(3_000)], 300, Tz::Asia__Kolkata);
        assert_eq!(
            found.iter().map(|span| (span.at.timestamp(), span.sent)).collect::<Vec<_>>(),
            [(0, 2), (300, 1), (3_000, 1)]
        );
    }

    #[test]
    fn wide_spans_begin_by_the_local_clock() {
        let begins = |at: &str, width: i64, zone: Tz| {
            let at: DateTime<Utc> = at.parse().unwrap();
            bounds(at.timestamp(), width, zone).unwrap().0.with_timezone(&zone).format("%a %F %R %z").to_string()
        };
        for (at, width, zone, expected) in [
            ("2026-01-01T18:29:59Z", 86_400, Tz::Asia__Kolkata, "Thu 2026-01-01 00:00 +0530"),
            ("2026-01-01T18:30:00Z", 86_400, Tz::Asia__Kolkata, "Fri 2026-01-02 00:00 +0530"),
            ("2026-01-01T12:00:00Z", 21_600, Tz::Asia__Kolkata, "Thu 2026-01-01 12:00 +0530"),
            ("2026-01-01T12:00:00Z", 604_800, Tz::Asia__Kolkata, "Mon 2025-12-29 00:00 +0530"),
            ("2026-01-04T18:30:00Z", 604_800, Tz::Asia__Kolkata, "Mon 2026-01-05 00:00 +0530"),
            // the day of 23 hours, and that of 25
            ("2026-03-29T21:59:59Z", 86_400, Tz::Europe__Berlin, "Sun 2026-03-29 00:00 +0100"),
            ("2026-03-29T22:00:00Z", 86_400, Tz::Europe__Berlin, "Mon 2026-03-30 00:00 +0200"),
            ("2026-10-25T22:59:59Z", 86_400, Tz::Europe__Berlin, "Sun 2026-10-25 00:00 +0200"),
            // no midnight
            ("2018-11-04T12:00:00Z", 86_400, Tz::America__Sao_Paulo, "Sun 2018-11-04 01:00 -0200"),
            // an hour after a midnight, clocks went back behind it
            ("2006-10-29T03:00:00Z", 86_400, Tz::America__St_Johns, "Sun 2006-10-29 00:00 -0230"),
            // no 30th of December
            ("2011-12-31T12:00:00Z", 259_200, Tz::Pacific__Apia, "Sat 2011-12-31 00:00 +1400"),
        ] {
            assert_eq!(begins(at, width, zone), expected, "{at} by {width}");
        }
    }

    proptest! {
        #[test]
        fn spans_follow_each_other_without_a_gap(
            from in 946_684_800_i64..1_893_456_000,
            width in prop::sample::select(&WIDTHS[..]),
            zone in prop::sample::select(vec![
                Tz::UTC, Tz::Asia__Kolkata, Tz::Asia__Kathmandu, Tz::Europe__London, Tz::America__New_York,
                Tz::America__St_Johns, Tz::America__Sao_Paulo, Tz::Australia__Lord_Howe, Tz::Pacific__Apia,
                Tz::Pacific__Chatham, Tz::America__Havana,
            ]),
        ) {
            let quarter = from.div_euclid(900) * 900;
            let pieces: Vec<Piece> = (0..2_000).map(|n| Piece { at: quarter + n * 900, sent: 1, ..Piece::default() }).collect();
            let found = spans(&pieces, width, zone);
            prop_assert_eq!(found.iter().map(|span| span.sent).sum::<i64>(), 2_000);
            prop_assert!(found.is_sorted_by(|a, b| a.at < b.at));
            let mut rest = pieces.iter().map(|piece| piece.at);
            let mut last = None;
            for span in &found {
                let (at, end) = bounds(span.at.timestamp(), width, zone).unwrap();
                prop_assert_eq!(at, span.at);
                // no hour is of two spans or of none
                prop_assert!(bounds(at.timestamp() - 1, width, zone).unwrap().1 == at);
                prop_assert!(last.is_none_or(|last| last == at) || width < 900);
                last = Some(end);
                for piece in rest.by_ref().take(usize::try_from(span.sent).unwrap()) {
                    prop_assert!(at.timestamp() <= piece && piece < end.timestamp());
                }
                let local = span.at.with_timezone(&zone);
                let seconds = local.naive_local().and_utc().timestamp();
                if width >= BY_THE_CLOCK && seconds % width.min(86_400) != 0 {
                    // the clock never showed it
                    let cut = instant(seconds - seconds % width.min(86_400)).unwrap().naive_utc();
                    prop_assert_eq!(zone.from_local_datetime(&cut), chrono::LocalResult::None);
                } else if width == WEEK {
                    prop_assert_eq!(local.weekday(), chrono::Weekday::Mon);
                }
            }
        }
    }
}
