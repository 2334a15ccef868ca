//! Redis emptied or restarted: nothing is lost, nothing runs twice, and what runs does not notice.

use super::hall::{Hall, SOON, labels};
use super::play::Act;
use jobs::NewJob;
use jobs::queue::admin::JobState;
use jobs::queue::redis::Transport;
use jobs::queue::relay;
use tests::wait::until;

pub async fn what_waited_in_an_emptied_redis_is_pushed_again(transport: Transport) {
    let hall = Hall::with_own_redis(transport).await;
    // an epoch begins, as it has wherever a scheduler runs
    relay::check_epoch(&hall.services).await.unwrap();
    let labels = labels(50);
    let jobs: Vec<NewJob> = labels.iter().map(|label| hall.play.job(label, &[Act::Done])).collect();
    hall.enqueue(&jobs).await;
    hall.sql("UPDATE jobs SET dispatched_at = now()").await;
    assert_eq!(hall.carried().await, 50);
    redis::cmd("FLUSHALL").query_async::<()>(&mut hall.redis().await).await.unwrap();
    assert_eq!(hall.carried().await, 0);
    let (workers, _feeder) = (hall.workers(4), hall.feeder());
    hall.reach(&jobs, JobState::Succeeded).await;
    hall.play.ran_once(labels.iter().map(String::as_str));
    workers.stop().await;
}

pub async fn running_jobs_do_not_notice_an_emptied_redis(transport: Transport) {
    let hall = Hall::with_own_redis(transport).await;
    let (labels, jobs) = waiting(&hall);
    let (first, second, _feeder) = (hall.workers(2), hall.workers(2), hall.feeder());
    hall.enqueue(&jobs).await;
    hall.play.began(4).await;
    redis::cmd("FLUSHALL").query_async::<()>(&mut hall.redis().await).await.unwrap();
    all_run_once(&hall, &labels, &jobs).await;
    first.stop().await;
    second.stop().await;
}

pub async fn running_jobs_do_not_notice_a_redis_that_restarts(transport: Transport) {
    let hall = Hall::with_own_redis(transport).await;
    let (labels, jobs) = waiting(&hall);
    let (first, second, _feeder) = (hall.workers(2), hall.workers(2), hall.feeder());
    hall.enqueue(&jobs).await;
    hall.play.began(4).await;
    hall.redis_server().restart_with_data().await.unwrap();
    for run in hall.play.runs() {
        hall.play.cue(&run.label);
    }
    hall.play.began(8).await;
    hall.redis_server().restart_without_data().await.unwrap();
    all_run_once(&hall, &labels, &jobs).await;
    first.stop().await;
    second.stop().await;
}

fn waiting(hall: &Hall) -> (Vec<String>, Vec<NewJob>) {
    let labels = labels(20);
    let jobs = labels.iter().map(|label| hall.play.job(label, &[Act::Wait])).collect();
    (labels, jobs)
}

async fn all_run_once(hall: &Hall, labels: &[String], jobs: &[NewJob]) {
    for label in labels {
        hall.play.cue(label);
    }
    hall.reach(jobs, JobState::Succeeded).await;
    hall.play.ran_once(labels.iter().map(String::as_str));
    assert!(hall.play.runs().iter().all(|run| run.attempt == 1), "no attempt was cut short");
    until("nothing is left in Redis", SOON, || async { hall.carried().await == 0 }).await;
}
