//! One ladder a term, whoever comes first.

use crate::ground::{Ground, Person, SOON};
use domain::{
    campaigns::{Audience, Grouping, audience::Segments},
    messaging::{Channel, restraint::Rules},
    permissions::Reach,
};
use schema::{
    AsyncConnection, DbError,
    campaigns::Target,
    sequences::{self, Enrolled, Enrolling},
};
use serde_json::json;
use std::sync::Arc;
use tests::wait::until;
use tokio::sync::Notify;

impl Ground {
    /// Puts everybody on a ladder, and stays uncommitted until told to go on.
    async fn enrols(&self, campaign: i64, written: &Notify, go_on: &Notify) -> Enrolled {
        let target = Target {
            upload_id: None,
            audience: Audience::All,
            segments: Segments::default(),
            grouping: Grouping::Policy,
            holdout: None,
            channel: Channel::Email,
            also: Vec::new(),
            today: self.day(0),
            zone: domain::local_day::DEFAULT_ZONE,
            reach: Reach::All,
        };
        let rules = Rules::default();
        let mut connection = self.services().db.get().await.unwrap();
        connection
            .transaction::<_, DbError, _>(async |connection| {
                let enrolling = Enrolling { campaign, target: &target, rules: &rules };
                let enrolled = sequences::enrol(connection, &enrolling, self.now()).await?;
                written.notify_one();
                go_on.notified().await;
                Ok(enrolled)
            })
            .await
            .unwrap()
    }

    async fn at_once(&self, first: i64, second: i64) -> (Enrolled, Enrolled) {
        let (written, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (unheard, at_will) = (Notify::new(), Notify::new());
        at_will.notify_one();
        let last = async {
            written.notified().await;
            let waits = async {
                let blocked = "SELECT count(*) FROM pg_stat_activity \
                               WHERE datname = current_database() AND wait_event_type = 'Lock'";
                until("the second waits", SOON, || async { self.number(blocked).await > 0 }).await;
                go_on.notify_one();
            };
            tokio::join!(self.enrols(second, &unheard, &at_will), waits).0
        };
        tokio::join!(self.enrols(first, &written, &go_on), last)
    }
}

#[tokio::test]
async fn of_two_ladders_that_take_a_term_at_once_one_has_it() {
    let ground = Ground::new().await;
    let ends = ground.day(40);
    ground.people(&(1..=20).map(|number| Person::new(number, ends)).collect::<Vec<_>>()).await;
    let first = ground.ladder(&[ground.step(-30)], &json!({"draft": true})).await;
    let second = ground.ladder(&[ground.step(-20)], &json!({"draft": true})).await;
    let (one, other) = ground.at_once(first, second).await;
    assert_eq!(((one.enrolled, one.excluded), (other.enrolled, other.excluded)), ((20, 0), (0, 20)));
    let why = ground.texts("SELECT DISTINCT campaign_id || ' ' || reason FROM campaign_exclusions").await;
    assert_eq!(why, [format!("{second} on_other_ladder")]);
    let terms =
        "SELECT count(*) FROM (SELECT FROM campaign_enrolments GROUP BY policy_id, term_end HAVING count(*) = 1) x";
    assert_eq!(ground.number(terms).await, 20);
}

#[tokio::test]
async fn two_looks_at_one_ladder_take_nobody_twice_and_blame_no_other_ladder() {
    let ground = Ground::new().await;
    let ends = ground.day(40);
    ground.people(&(1..=20).map(|number| Person::new(number, ends)).collect::<Vec<_>>()).await;
    let ladder = ground.ladder(&[ground.step(-30)], &json!({"draft": true})).await;
    let (one, other) = ground.at_once(ladder, ladder).await;
    assert_eq!(((one.enrolled, one.excluded), (other.enrolled, other.excluded)), ((20, 0), (0, 0)));
}
