//! The first instant that calendars and clocks allow.
//!
//! What a clock shows decides, so the answer changes only where a day or a window begins or ends and where clocks are
//! put forward or back. Those instants, and no others, are looked at: the search is short and always ends.

use super::{Facts, Rules, Window, judge::DeferReason};
use crate::messaging::Purpose;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Utc};

/// How far ahead an allowed instant is looked for.
pub const HORIZON_DAYS: u64 = 14;

/// What is asked of an instant.
pub struct Calendar<'a> {
    rules: &'a Rules,
    facts: &'a Facts<'a>,
    quiet: Option<Window>,
    legal: Option<Window>,
}

impl<'a> Calendar<'a> {
    pub fn new(rules: &'a Rules, facts: &'a Facts<'a>) -> Self {
        let quiet = rules.quiet_hours.as_ref().filter(|quiet| quiet.keep(facts.channel, facts.purpose));
        let legal = rules
            .legal_windows
            .iter()
            .filter(|_| facts.purpose == Purpose::Marketing)
            .find(|legal| legal.channel == facts.channel && legal.country == facts.country);
        Self { rules, facts, quiet: quiet.map(|quiet| quiet.window()), legal: legal.map(|legal| legal.window()) }
    }

    /// Why nothing may go out at the instant; `None` when it may.
    pub fn forbids(&self, at: DateTime<Utc>) -> Option<DeferReason> {
        let local = at.with_timezone(&self.facts.time_zone).naive_local();
        if self.legal.is_some_and(|window| !window.contains(local.time())) {
            return Some(DeferReason::LegalWindow);
        }
        if self.quiet.is_some_and(|window| window.contains(local.time())) {
            return Some(DeferReason::QuietHours);
        }
        if !self.facts.windows.is_empty() && !self.facts.windows.iter().any(|window| window.contains(local)) {
            return Some(DeferReason::SendWindow);
        }
        self.forbids_day(local.date())
    }

    fn forbids_day(&self, day: NaiveDate) -> Option<DeferReason> {
        if self.facts.purpose != Purpose::Marketing {
            return None;
        }
        if !self.rules.marketing_on_weekends && self.rules.weekend.contains(&day.weekday()) {
            return Some(DeferReason::Weekend);
        }
        (!self.rules.marketing_on_holidays && self.facts.holidays.contains(&day)).then_some(DeferReason::Holiday)
    }

    /// The first allowed instant from the given one on; `None` when there is none before the horizon.
    pub fn first_allowed(&self, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.forbids(from).is_none() {
            return Some(from);
        }
        let end = from.checked_add_days(Days::new(HORIZON_DAYS))?;
        let edges = self.edges(from).into_iter().chain(self.changes_of_clocks(from));
        edges.filter(|at| from <= *at && *at <= end).filter(|at| self.forbids(*at).is_none()).min()
    }

    /// Where days and windows begin and end.
    fn edges(&self, from: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let windows = [self.quiet, self.legal];
        let times: Vec<NaiveTime> = windows
            .into_iter()
            .flatten()
            .chain(self.facts.windows.iter().map(|window| window.hours))
            .flat_map(|window| [window.from, window.until])
            .chain([NaiveTime::MIN])
            .collect();
        let today = from.with_timezone(&self.facts.time_zone).date_naive();
        let days = (0..=HORIZON_DAYS + 1).filter_map(|ahead| today.checked_add_days(Days::new(ahead)));
        let at = |local| {
            let read = self.facts.time_zone.from_local_datetime(&local);
            [read.earliest(), read.latest()].into_iter().flatten().map(|at| at.to_utc())
        };
        days.flat_map(|day| times.iter().map(move |time| day.and_time(*time))).flat_map(at).collect()
    }

    /// Where clocks are put forward or back, to the second.
    fn changes_of_clocks(&self, from: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let zone = self.facts.time_zone;
        let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        let steps = 0..=i64::try_from(HORIZON_DAYS).unwrap_or_default();
        let days = steps.map(|day| (from + TimeDelta::days(day), from + TimeDelta::days(day + 1)));
        days.filter(|(before, after)| offset(*before) != offset(*after))
            .map(|(mut before, mut after)| {
                while after - before > TimeDelta::seconds(1) {
                    let middle = before + (after - before) / 2;
                    if offset(middle) == offset(before) { before = middle } else { after = middle }
                }
                // clocks change on a full second
                DateTime::from_timestamp(after.timestamp(), 0).unwrap_or(after)
            })
            .collect()
    }
}
