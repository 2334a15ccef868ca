//! A run that is cut off in the middle, and what becomes of what it had in hand.

use crate::{
    book,
    ground::{Ground, slow},
};
use jobs::{Job, JobContext, kinds::send_batch::SendBatch};
use schema::ledger::claim::{Claimed, claim};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Takes the lane's job as a worker would.
async fn take_lane(ground: &Ground) -> Claimed {
    let find = "SELECT id FROM jobs WHERE kind = 'send_batch' AND state = 'available'";
    let job: Uuid = ground.client.query_one(find, &[]).await.unwrap().get(0);
    let mut connection = ground.services.db.get().await.unwrap();
    claim(&mut connection, &[job], "test", Duration::from_secs(60)).await.unwrap().remove(0)
}

fn context(ground: &Ground, claimed: &Claimed, stopping: &CancellationToken) -> JobContext {
    JobContext {
        services: ground.services.clone(),
        id: claimed.id,
        attempt: claimed.attempt,
        max_attempts: claimed.max_attempts,
        created_by: None,
        stopping: stopping.clone(),
        progress: Default::default(),
        successors: Default::default(),
    }
}

/// An active campaign whose lane nobody works on yet.
async fn prepared(ground: &Ground, count: i64) -> i64 {
    let preparing = ground.workers(&["campaigns=2"]);
    let id = ground.to_many(count).await;
    ground.until_status(id, "active").await;
    let lane = "SELECT EXISTS (SELECT 1 FROM jobs WHERE kind = 'send_batch' AND state = 'available')";
    ground.until_true("the lane is there", lane).await;
    preparing.stop().await;
    id
}

#[tokio::test]
async fn what_was_handed_over_and_not_recorded_is_unconfirmed_and_the_rest_is_sent() {
    let ground = Ground::new(slow(300)).await;
    let id = prepared(&ground, 200).await;
    let claimed = take_lane(&ground).await;
    let lane = SendBatch { campaign: id, lane: 0, channel: None };
    let stopping = CancellationToken::new();
    tokio::select! {
        _ = lane.run(context(&ground, &claimed, &stopping)) => panic!("it was to be cut off"),
        () = ground.until_accepted(10) => {}
    }
    // given back: the next attempt has the same number
    let back = "UPDATE jobs SET state = 'available', attempt = attempt - 1, lease_token = NULL, leased_until = NULL, \
                dispatched_at = NULL WHERE id = $1";
    ground.client.execute(back, &[&claimed.id]).await.unwrap();
    ground.client.batch_execute("UPDATE jobs SET state = 'scheduled' WHERE state = 'available'").await.unwrap();
    let workers = ground.workers(&[]);
    ground.until_status(id, "completed").await;
    let ends = ground.by_status(id).await;
    let in_doubt = ends["unconfirmed"];
    assert!((10..=64).contains(&in_doubt) && ends["sent"] == 200 - in_doubt, "{ends:?}");
    assert!(ground.meta.accepted_count() >= 190 - 64);
    ground.assert_once();
    let why = "SELECT DISTINCT error_code || ': ' || error_message FROM messages WHERE status = 'unconfirmed'";
    let why = book::texts(&ground.client, why).await;
    assert_eq!(why, ["attempt_cut_short: the worker ended while the message was being handed over"]);
    workers.stop().await;
}

#[tokio::test]
async fn a_run_that_is_told_to_stop_records_what_it_has_in_hand() {
    let ground = Ground::new(slow(100)).await;
    let id = prepared(&ground, 400).await;
    let claimed = take_lane(&ground).await;
    let lane = SendBatch { campaign: id, lane: 0, channel: None };
    let stopping = CancellationToken::new();
    let context = context(&ground, &claimed, &stopping);
    let successors = context.successors.clone();
    let stop = async {
        ground.until_accepted(10).await;
        stopping.cancel();
    };
    let (ended, ()) = tokio::join!(lane.run(context), stop);
    ended.unwrap();
    assert_eq!(successors.take().len(), 1, "the lane goes on elsewhere");
    let ends = ground.by_status(id).await;
    assert_eq!(ends.keys().collect::<Vec<_>>(), ["pending", "sent"], "{ends:?}");
    assert_eq!(usize::try_from(ends["sent"]).unwrap(), ground.meta.accepted_count());
    assert!(ends["pending"] > 200, "{ends:?}");
}
