//! What holds of every message that goes out: nobody gets one twice, none after a stop, none at the wrong hour.

use crate::{
    terms::within,
    world::{About, Campaign, World},
};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio_postgres::Row;

/// A call that was under way when an hour ended may come in so much later.
const CALL: TimeDelta = TimeDelta::seconds(20);

/// What a pace that was not used lets go at once: that of so much time, or two.
const AT_ONCE: TimeDelta = TimeDelta::minutes(1);
/// Workers read the clock so much before they mark.
const READ: TimeDelta = TimeDelta::seconds(2);

impl Campaign {
    /// In no time more are handed over than its pace lets go in it.
    fn judge_pace(&self, what: &str) {
        let (Some(most), Some(last)) = (self.terms.per_hour, self.handed.last()) else { return };
        let gap = TimeDelta::hours(1) / i32::try_from(most).unwrap();
        let at_once = (AT_ONCE.num_milliseconds() / gap.num_milliseconds()).max(2);
        for (place, first) in self.handed.iter().enumerate() {
            let count = i64::try_from(self.handed.len() - place).unwrap();
            let fit = (*last - *first + READ).num_milliseconds() / gap.num_milliseconds() + at_once;
            assert!(count <= fit, "{what}: {count} since {first}, of {most} an hour");
        }
    }
}

impl World {
    /// A message was marked as being handed over: it had to be let out at that time.
    pub fn judge_mark(&mut self, row: &Row) {
        let (message, clock): (i64, DateTime<Utc>) = (row.get(1), row.get(2));
        let (at, begun): (DateTime<Utc>, DateTime<Utc>) = (row.get(3), row.get(4));
        let (number, customer, policy): (i64, i64, Option<i64>) = (row.get(5), row.get(6), row.get(7));
        let (step, channel): (i16, &str) = (row.get(8), row.get(9));
        let zone = self.book.zones[&customer];
        let place = self.campaigns.iter().position(|campaign| campaign.number == number).unwrap();
        let what = format!("message {message} of campaign {number} to customer {customer}, step {step}, at {clock}");
        self.judge_hour(place, clock, zone, &what);
        let campaign = &mut self.campaigns[place];
        let from = campaign.begun.unwrap_or_else(|| panic!("{what}: it has not begun"));
        let due = match campaign.terms.is_ladder {
            // a ladder is rehearsed within the hour
            true if campaign.terms.is_rehearsal => from,
            true => {
                let (step, ends) = (usize::try_from(step).unwrap(), self.book.ends[&policy.unwrap()]);
                campaign.terms.step_due(step, ends, zone)
            }
            false => campaign.terms.earliest(from, zone),
        };
        assert!(clock >= due, "{what}: it is due at {due}, its campaign began at {from}");
        if !self.marks.contains_key(&message) {
            campaign.handed.push(clock);
            let (handed, most) = (campaign.handed.len(), self.threshold.unwrap_or(usize::MAX));
            let may = campaign.is_approved || campaign.terms.is_rehearsal;
            assert!(handed <= most || may, "{what}: the {handed}., nobody agreed to more than {most}");
            campaign.judge_pace(&what);
        }
        // one message about several policies may go out for the others
        let is_together = campaign.terms.request["grouping"] == "together";
        for closed in &self.closed {
            let (concerns, known_at) = match closed.about {
                About::Campaign(stopped) => (stopped == number, at),
                // the window in which it was judged had begun: it was under way
                About::Customer(who, on) => (who == customer && on == channel, begun),
                About::Policy(which) => (Some(which) == policy && !is_together, begun),
            };
            let open = closed.until.is_some_and(|until| until <= known_at);
            assert!(!concerns || known_at <= closed.from || open, "{what}, marked at {at}: {closed:?}");
        }
    }

    fn judge_hour(&self, place: usize, at: DateTime<Utc>, zone: Tz, what: &str) {
        let local = at.with_timezone(&zone).naive_local();
        if let Some((from, until)) = self.quiet {
            assert!(!within(local.time(), from, until), "{what}: it is {local} in {zone}, and quiet");
        }
        let terms = &self.campaigns[place].terms;
        assert!(terms.lets(at, zone), "{what}: it is {local} in {zone}, not within {terms:?}");
    }

    /// A provider took a message: once, after it was marked, and at a good hour by the clock of that moment.
    pub async fn judge_accepted(&self, message: i64, at: Instant) {
        let times = &self.accepted[&message];
        assert_eq!(times.len(), 1, "message {message} was taken more than once");
        let marks = self.marks.get(&message).map(Vec::as_slice).unwrap_or_default();
        let early = Duration::from_millis(50);
        assert!(marks.iter().any(|mark| mark.at <= at + early), "message {message} was taken before it was marked");
        if self.ground.moves.was_moved(at, Duration::from_secs(30)) {
            return;
        }
        let query = format!("SELECT campaign_id, customer_id FROM messages WHERE id = {message}");
        let row = self.ground.rows(&query).await.remove(0);
        let (number, customer): (i64, i64) = (row.get(0), row.get(1));
        let place = self.campaigns.iter().position(|campaign| campaign.number == number).unwrap();
        assert!(!self.campaigns[place].terms.is_rehearsal, "message {message} of a rehearsal was taken");
        let (clock, zone) = (self.ground.moves.at(at), self.book.zones[&customer]);
        let what = format!("message {message} of campaign {number}, taken at {clock}");
        let before = clock - CALL;
        let quiet = |at: DateTime<Utc>| {
            self.quiet.is_some_and(|(from, until)| within(at.with_timezone(&zone).time(), from, until))
        };
        assert!(!quiet(clock) || !quiet(before), "{what}: it is quiet in {zone}");
        let terms = &self.campaigns[place].terms;
        assert!(terms.lets(clock, zone) || terms.lets(before, zone), "{what}: not within {terms:?} in {zone}");
    }

    /// Whatever message it was: a recipient of a campaign got one a step.
    pub async fn judge_recipients(&self) {
        if self.accepted.is_empty() {
            return;
        }
        let ids: Vec<String> = self.accepted.keys().map(i64::to_string).collect();
        let query = format!(
            "SELECT m.id, m.campaign_id, m.step, m.channel::TEXT, m.address::TEXT, m.customer_id, m.policy_id, \
                c.mode::TEXT, c.plan ->> 'grouping' FROM messages m JOIN campaigns c ON c.id = m.campaign_id \
             WHERE m.id IN ({})",
            ids.join(", ")
        );
        let mut got: BTreeMap<String, i64> = BTreeMap::new();
        for row in self.ground.rows(&query).await {
            let (id, campaign, step): (i64, i64, i16) = (row.get(0), row.get(1), row.get(2));
            let (channel, address, customer): (&str, &str, i64) = (row.get(3), row.get(4), row.get(5));
            let policy: Option<i64> = row.get(6);
            let who = match (row.get::<_, &str>(7), row.get::<_, Option<&str>>(8)) {
                ("sequence", _) | (_, Some("policy")) => format!("policy {policy:?}"),
                (_, Some("customer" | "together")) => format!("customer {customer}"),
                // of a household at least nobody twice
                (_, Some("household")) => format!("customer {customer}"),
                _ => address.to_owned(),
            };
            // a fallback is a message of the same step over another channel
            let key = format!("campaign {campaign}, step {step}, {channel}: {who}");
            if let Some(other) = got.insert(key.clone(), id) {
                panic!("{key} got messages {other} and {id}");
            }
        }
    }
}
