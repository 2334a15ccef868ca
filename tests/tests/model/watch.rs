//! Reading what happened since the model looked last: moves of campaigns, marks of messages, what providers took.

use crate::{
    machine::{Ask, Known, State, asked, own},
    world::{About, Campaign, Mark, World},
};
use chrono::{DateTime, Utc};
use domain::messaging::Correlation;
use std::collections::BTreeMap;

/// From where to where, in order.
pub type Way = Vec<(State, State)>;

impl World {
    /// Takes campaigns along the way they went; each step has to be one of their own, or one that is asked for.
    pub async fn follow(&mut self, asks: &[(Ask, Known)]) -> BTreeMap<i64, Way> {
        self.follow_with(asks, &[]).await
    }

    /// As [`Self::follow`]; these steps are right as well.
    pub async fn follow_with(&mut self, asks: &[(Ask, Known)], more: &[(State, State)]) -> BTreeMap<i64, Way> {
        let query = format!(
            "SELECT id, campaign, old, new, clock, scheduled_at, latest_start FROM model_moves WHERE id > {} ORDER BY id",
            self.read.moves
        );
        let mut ways: BTreeMap<i64, Way> = BTreeMap::new();
        let rows = self.ground.rows(&query).await;
        self.meet().await;
        for row in rows {
            self.read.moves = row.get(0);
            let (number, clock): (i64, DateTime<Utc>) = (row.get(1), row.get(4));
            let (old, new) = (State::named(row.get(2)), State::named(row.get(3)));
            let step = format!("campaign {number}: {old:?} to {new:?} at {clock}");
            let campaign = self.campaigns.iter_mut().find(|campaign| campaign.number == number).unwrap();
            assert_eq!(campaign.state, old, "{step}");
            let wanted = asks.iter().any(|(ask, known)| asked(old, *ask, *known).contains(&new));
            assert!(wanted || more.contains(&(old, new)) || own(old).contains(&new), "nobody asked for {step}");
            if !wanted && old == State::Scheduled {
                let (at, latest): (DateTime<Utc>, Option<DateTime<Utc>>) = (row.get(5), row.get(6));
                assert!(at <= clock, "{step}, before its time {at}");
                let is_late = latest.is_some_and(|latest| latest < clock);
                assert_eq!(is_late, new == State::Missed, "{step}, with the latest start {latest:?}");
            }
            assert!(new != State::Awaiting || self.threshold.is_some(), "nobody needs a second word for {step}");
            if new == State::Draft {
                campaign.is_approved = false;
            }
            if new == State::Preparing {
                campaign.begun = Some(clock);
            }
            campaign.state = new;
            ways.entry(number).or_default().push((old, new));
        }
        for (number, way) in &ways {
            self.story.tell(format!("    campaign {number} went {way:?}"));
        }
        ways
    }

    /// Gets to know the campaigns that began as one time of another.
    async fn meet(&mut self) {
        let known: Vec<String> = self.campaigns.iter().map(|campaign| campaign.number.to_string()).collect();
        let query = format!(
            "SELECT c.id, c.parent_id, c.occurrence_at, c.created_at, t.at FROM campaigns c \
             JOIN model_times t ON t.campaign = c.id WHERE c.id NOT IN ({}) ORDER BY c.id",
            known.join(", ")
        );
        if known.is_empty() {
            return;
        }
        for row in self.ground.rows(&query).await {
            let (number, parent): (i64, i64) = (row.get(0), row.get(1));
            let (time, begun, at): (DateTime<Utc>, DateTime<Utc>, DateTime<Utc>) = (row.get(2), row.get(3), row.get(4));
            let parent = self.campaigns.iter().find(|campaign| campaign.number == parent).unwrap();
            let what = format!("campaign {number} of {}, for {time}, at {begun}", parent.number);
            let daily = parent.terms.daily.unwrap_or_else(|| panic!("{what}, which does not repeat"));
            assert!(daily.is_time(time) && time <= begun, "{what}: {daily:?}");
            for closed in self.closed.iter().filter(|closed| closed.about == About::Campaign(parent.number)) {
                let open = closed.until.is_some_and(|until| until <= at);
                assert!(at <= closed.from || open, "{what}, written at {at}: {closed:?}");
            }
            let is_approved = parent.is_approved;
            let campaign = Campaign::begun(number, parent.terms.occurrence(), begun);
            self.story.tell(format!("    {what}"));
            self.campaigns.push(Campaign { is_approved, ..campaign });
        }
    }

    /// Reads what was marked and taken, and judges it.
    pub async fn look(&mut self) {
        self.follow(&[]).await;
        // what was taken was marked before: marks are read last
        let accepted = self.ground.peers.accepted();
        let query = format!(
            "SELECT k.id, k.message, k.clock, k.at, k.begun, m.campaign_id, m.customer_id, m.policy_id, m.step, \
                m.channel::TEXT, m.status::TEXT, m.enrolment_id IS NOT NULL \
             FROM model_marks k JOIN messages m ON m.id = k.message WHERE k.id > {} ORDER BY k.id",
            self.read.marks
        );
        let rows = self.ground.rows(&query).await;
        self.meet().await;
        for row in rows {
            self.read.marks = row.get(0);
            self.judge_mark(&row);
            let at = self.instant(row.get(3));
            self.marks.entry(row.get(1)).or_default().push(Mark { at });
        }
        for (peer, all) in accepted.into_iter().enumerate() {
            for (correlation, at) in &all[self.read.accepted[peer]..] {
                let correlation: Correlation = correlation.parse().unwrap();
                self.accepted.entry(correlation.message.0).or_default().push(*at);
                self.judge_accepted(correlation.message.0, *at).await;
            }
            self.read.accepted[peer] = all.len();
        }
        self.judge_recipients().await;
    }
}
