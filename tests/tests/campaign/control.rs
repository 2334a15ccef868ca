//! People hold, resume and stop campaigns while they run.

use crate::{
    book,
    ground::{Ground, counts, slow},
};
use domain::campaigns::CampaignStatus::{Active, Cancelled, Paused};
use std::time::Duration;
use tests::wait::until;

const NO_JOB: &str = "SELECT NOT EXISTS (SELECT 1 FROM jobs WHERE kind = 'send_batch' \
                      AND state IN ('scheduled', 'available', 'running'))";
const NOTHING_IN_FLIGHT: &str = "SELECT NOT EXISTS (SELECT 1 FROM messages WHERE status = 'sending')";

#[tokio::test]
async fn a_pause_holds_within_a_second_and_a_resumption_goes_on() {
    let ground = Ground::new(slow(50)).await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(1_500).await;
    ground.until_accepted(100).await;
    assert!(ground.change(id, Active, Paused).await.is_some());
    until("nothing is in flight", Duration::from_secs(1), || async {
        ground.client.query_one(NOTHING_IN_FLIGHT, &[]).await.unwrap().get::<_, bool>(0)
    })
    .await;
    let accepted = ground.meta.accepted_count();
    assert!(accepted < 1_500, "it was paused too late to tell");
    ground.until_true("no job is left that would send", NO_JOB).await;
    assert_eq!(ground.meta.accepted_count(), accepted);
    assert_eq!(ground.status(id).await, "paused");
    let of_both = ground.by_status(id).await;
    assert_eq!((of_both["pending"] + of_both["sent"], of_both.len()), (1_500, 2), "nothing is in doubt");

    assert!(ground.change(id, Active, Paused).await.is_none(), "it no longer stands there");
    assert!(ground.change(id, Paused, Active).await.is_some_and(|follows| follows.len() == 3));
    ground.until_status(id, "completed").await;
    assert_eq!(ground.by_status(id).await, counts([("sent", 1_500)]));
    ground.assert_once();
    ground.until_figure(id, "sent", 1_500).await;
    workers.stop().await;
}

#[tokio::test]
async fn a_quick_resumption_loses_no_lane() {
    let ground = Ground::new(slow(20)).await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(600).await;
    for count in [50, 150, 250] {
        ground.until_accepted(count).await;
        ground.change(id, Active, Paused).await;
        ground.change(id, Paused, Active).await;
    }
    ground.until_status(id, "completed").await;
    ground.assert_once();
    workers.stop().await;
}

#[tokio::test]
async fn a_stop_takes_back_what_was_not_sent() {
    let ground = Ground::new(slow(50)).await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(1_500).await;
    ground.until_accepted(100).await;
    assert!(ground.change(id, Active, Cancelled).await.is_some());
    ground
        .until_true("nothing is pending", "SELECT NOT EXISTS (SELECT 1 FROM messages WHERE status = 'pending')")
        .await;
    ground.until_true("nothing is in flight", NOTHING_IN_FLIGHT).await;
    let ends = ground.by_status(id).await;
    assert_eq!(ends.keys().collect::<Vec<_>>(), ["sent", "suppressed"]);
    assert_eq!(usize::try_from(ends["sent"]).unwrap(), ground.meta.accepted_count());
    assert!(ends["suppressed"] > 500);
    let why = "SELECT DISTINCT error_code::TEXT FROM messages WHERE status = 'suppressed'";
    assert_eq!(book::texts(&ground.client, why).await, ["campaign_stopped"]);
    ground.until_figure(id, "suppressed", ends["suppressed"]).await;
    ground.until_figure(id, "sent", ends["sent"]).await;
    assert_eq!(ground.status(id).await, "cancelled");
    workers.stop().await;
}

#[tokio::test]
async fn a_campaign_that_lost_its_jobs_is_found() {
    let ground = Ground::new(slow(1)).await;
    let id = ground.to_many(30).await;
    ground.client.batch_execute("UPDATE jobs SET state = 'cancelled', finished_at = now()").await.unwrap();
    assert_eq!(jobs::campaigns::sweep(&ground.services).await.unwrap(), 1);
    assert_eq!(jobs::campaigns::sweep(&ground.services).await.unwrap(), 0, "it has its job");
    let preparing = ground.workers(&["campaigns=1"]);
    ground.until_status(id, "active").await;
    preparing.stop().await;
    ground
        .client
        .batch_execute("UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE finished_at IS NULL")
        .await
        .unwrap();
    // its figures too, unless the workers folded them before they ended
    assert!(matches!(jobs::campaigns::sweep(&ground.services).await.unwrap(), 1..=2));
    let lanes = "SELECT count(*)::TEXT FROM jobs WHERE kind = 'send_batch' AND finished_at IS NULL";
    assert_eq!(book::texts(&ground.client, lanes).await, ["1"]);
    let workers = ground.workers(&[]);
    ground.until_status(id, "completed").await;
    workers.stop().await;
    ground.client.batch_execute("UPDATE campaigns SET status = 'active', completed_at = NULL").await.unwrap();
    jobs::campaigns::sweep(&ground.services).await.unwrap();
    assert_eq!(ground.status(id).await, "completed");
}
