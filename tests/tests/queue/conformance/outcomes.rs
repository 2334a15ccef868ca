//! What a run says of itself: failed, given up, put off.

use super::hall::Hall;
use super::play::Act;
use jobs::queue::admin::JobState;
use jobs::queue::redis::Transport;
use std::slice::from_ref;
use std::time::Duration;

pub async fn a_failure_is_tried_again_after_its_backoff(transport: Transport) {
    let hall = Hall::new(transport).await;
    let (workers, _feeder) = (hall.workers(2), hall.feeder());
    let job = hall.play.job("one", &[Act::Fail, Act::Panic, Act::Done]);
    hall.enqueue(from_ref(&job)).await;
    hall.reach(from_ref(&job), JobState::Succeeded).await;
    let row = hall.job(job.id).await;
    assert_eq!((row.attempt, row.result, row.error), (3, Some(serde_json::json!(3)), None));
    let runs = hall.play.runs_of("one");
    assert_eq!(runs.iter().map(|run| run.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    // 400 ms, then 800 ms, of which chance takes off up to half
    assert!(runs[1].began - runs[0].began >= Duration::from_millis(200));
    assert!(runs[2].began - runs[1].began >= Duration::from_millis(400));
    workers.stop().await;
}

pub async fn a_job_is_discarded_after_its_last_attempt(transport: Transport) {
    let hall = Hall::new(transport).await;
    let (workers, _feeder) = (hall.workers(2), hall.feeder());
    let [failing, hopeless] = [hall.play.job("failing", &[Act::Fail]), hall.play.job("hopeless", &[Act::Discard])];
    hall.enqueue(&[failing.clone(), hopeless.clone()]).await;
    hall.reach(&[failing.clone(), hopeless.clone()], JobState::Discarded).await;
    hall.play.ran_once(["failing", "failing", "failing", "hopeless"]);
    let row = hall.job(failing.id).await;
    assert_eq!((row.attempt, row.error.as_deref()), (3, Some("attempt 3 failed")));
    assert_eq!(hall.job(hopeless.id).await.error.as_deref(), Some("no attempt can succeed"));
    workers.stop().await;
}

pub async fn a_snooze_is_no_attempt(transport: Transport) {
    let hall = Hall::new(transport).await;
    let (workers, _feeder) = (hall.workers(2), hall.feeder());
    // more often than there are attempts
    let job = hall.play.job("one", &[Act::Snooze, Act::Snooze, Act::Snooze, Act::Snooze, Act::Done]);
    hall.enqueue(from_ref(&job)).await;
    hall.reach(from_ref(&job), JobState::Succeeded).await;
    let row = hall.job(job.id).await;
    assert_eq!((row.attempt, row.snoozes), (1, 4));
    assert!(hall.play.runs().iter().all(|run| run.attempt == 1));
    workers.stop().await;
}
