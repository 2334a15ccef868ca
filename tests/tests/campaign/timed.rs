//! Campaigns with a time of their own.

use crate::{
    book::{self, Entry},
    ground::Ground,
};
use chrono::TimeDelta;
use domain::campaigns::CampaignStatus::{Missed, Preparing};
use futures_util::future::join_all;
use schema::campaigns::Schedule;
use tests::{meta::Behaviour, wait::until};

#[tokio::test]
async fn of_several_schedulers_one_begins_it_and_not_before_its_time() {
    let ground = Ground::new(Behaviour::default()).await;
    let upload = book::write(&ground.client, &[Entry::new(1), Entry::new(2)]).await;
    let now = ground.services.clock.now();
    let schedule = Schedule::At { at: now + TimeDelta::minutes(5), latest: Some(now + TimeDelta::minutes(6)) };
    let id = ground.campaign(upload, "Dear {name}", schedule).await;
    assert_eq!(jobs::campaigns::fire_due(&ground.services).await.unwrap(), 0);
    assert_eq!(ground.status(id).await, "scheduled");
    ground.services.clock.advance(TimeDelta::minutes(5));
    let looks = join_all((0..8).map(|_| jobs::campaigns::fire_due(&ground.services))).await;
    assert_eq!(looks.into_iter().map(|moved| moved.unwrap()).sum::<usize>(), 1);
    assert_eq!(ground.status(id).await, "preparing");
    let jobs = "SELECT count(*) FROM jobs WHERE kind = 'build_audience'";
    assert_eq!(book::number(&ground.client, jobs).await, 1);
    let workers = ground.workers(&[]);
    ground.until_status(id, "completed").await;
    assert_eq!(ground.meta.accepted_count(), 2);
    workers.stop().await;
}

#[tokio::test]
async fn one_that_missed_its_time_asks_and_goes_out_when_confirmed() {
    let ground = Ground::new(Behaviour::default()).await;
    let upload = book::write(&ground.client, &[Entry::new(1)]).await;
    let now = ground.services.clock.now();
    let schedule = Schedule::At { at: now - TimeDelta::hours(3), latest: Some(now - TimeDelta::hours(1)) };
    let id = ground.campaign(upload, "Dear {name}", schedule).await;
    assert_eq!(jobs::campaigns::fire_due(&ground.services).await.unwrap(), 1);
    assert_eq!(ground.status(id).await, "missed");
    assert_eq!(book::texts(&ground.client, "SELECT kind::TEXT FROM jobs").await, ["compute_analytics"]);
    let workers = ground.workers(&[]);
    assert!(ground.change(id, Missed, Preparing).await.is_some());
    ground.until_status(id, "completed").await;
    until("it was sent", crate::ground::SOON, || async { ground.meta.accepted_count() == 1 }).await;
    workers.stop().await;
}
