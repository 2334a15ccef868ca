//! Reading what happened since the model looked last: moves of campaigns, marks of messages, what providers took.

use crate::{
    machine::{Ask, Known, State, asked, own},
    world::{Mark, World},
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
        for row in self.ground.rows(&query).await {
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
        for row in self.ground.rows(&query).await {
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
