//! Leases that run out: the worker was killed, or cut off for a while.

use super::hall::{Hall, SOON};
use super::play::Act;
use diesel_async::SimpleAsyncConnection;
use jobs::queue::admin::{self, JobState};
use jobs::queue::redis::Transport;
use schema::audit::Actor;
use schema::ledger::rescue;
use schema::{AsyncConnection, DbError};
use std::slice::from_ref;
use tests::wait::until;
use uuid::Uuid;

/// As if its worker had been cut off for as long as a lease lasts, and the job been rescued. In one transaction: a
/// heartbeat in between would renew the lease.
async fn expire(hall: &Hall, job: Uuid) {
    let mut connection = hall.services.db.get().await.unwrap();
    let lapsed = format!("UPDATE jobs SET leased_until = now() - interval '1 second' WHERE id = '{job}'");
    let rescued = connection
        .transaction::<_, DbError, _>(async |connection| {
            connection.batch_execute(&lapsed).await?;
            rescue::rescue(connection, hall.services.clock.now(), 10).await
        })
        .await
        .unwrap();
    drop(connection);
    assert_eq!(rescued.ready.len(), 1, "it waits again");
    hall.services.dispatcher.push_ready(&rescued.ready).await;
}

async fn ended(hall: &Hall, attempt: i32) {
    until(&format!("attempt {attempt} ended"), SOON, || async {
        hall.play.runs().iter().any(|run| run.attempt == attempt && run.ended)
    })
    .await;
}

pub async fn a_poison_job_is_rescued_and_ends_discarded(transport: Transport) {
    let hall = Hall::new(transport).await;
    let _feeder = hall.feeder();
    let mut job = hall.play.job("poison", &[Act::WaitDeaf]);
    job.max_attempts = 2;
    hall.enqueue(from_ref(&job)).await;
    for attempt in 1..=2 {
        let doomed = hall.doomed();
        hall.play.began(attempt).await;
        drop(doomed);
    }
    hall.reach(from_ref(&job), JobState::Discarded).await;
    let row = hall.job(job.id).await;
    assert_eq!(row.attempt, 2);
    assert!(row.error.unwrap().contains("was cut short"), "it says why");
    hall.play.ran_once(["poison", "poison"]);
    // the id that the killed workers held comes back in the transport's own time, and nobody runs it
    let other = hall.play.job("other", &[Act::Done]);
    let workers = hall.workers(2);
    hall.enqueue(from_ref(&other)).await;
    hall.reach(from_ref(&other), JobState::Succeeded).await;
    workers.stop().await;
}

pub async fn a_stolen_lease_cannot_finish(transport: Transport) {
    let hall = Hall::new(transport).await;
    // one slot each: the second attempt runs in another worker
    let (first, second, _feeder) = (hall.workers(1), hall.workers(1), hall.feeder());
    let job = hall.play.job("one", &[Act::WaitDeaf]);
    hall.enqueue(from_ref(&job)).await;
    hall.play.began(1).await;
    expire(&hall, job.id).await;
    hall.play.began(2).await;
    hall.play.cue("one/1");
    ended(&hall, 1).await;
    let row = hall.job(job.id).await;
    assert_eq!((row.state, row.attempt), (JobState::Running, 2), "what the first says comes too late");
    hall.play.cue("one/2");
    hall.reach(from_ref(&job), JobState::Succeeded).await;
    assert_eq!(hall.job(job.id).await.result, Some(serde_json::json!(2)));
    first.stop().await;
    second.stop().await;
}

pub async fn attempts_of_one_job_in_one_process_are_told_apart(transport: Transport) {
    let hall = Hall::new(transport).await;
    let (workers, _feeder) = (hall.workers(2), hall.feeder());
    let job = hall.play.job("one", &[Act::WaitDeaf, Act::Wait]);
    hall.enqueue(from_ref(&job)).await;
    hall.play.began(1).await;
    expire(&hall, job.id).await;
    hall.play.began(2).await;
    // the end of the first leaves the second where it is: leased, renewed, and within reach of a cancellation
    hall.play.cue("one/1");
    ended(&hall, 1).await;
    let row = hall.job(job.id).await;
    assert_eq!((row.state, row.attempt), (JobState::Running, 2));
    admin::cancel(&hall.services, job.id, &Actor::default()).await.unwrap();
    hall.reach(from_ref(&job), JobState::Cancelled).await;
    assert!(hall.play.runs()[1].ended, "the second was told to stop, and did");
    assert_eq!(hall.play.runs().len(), 2);
    workers.stop().await;
}
