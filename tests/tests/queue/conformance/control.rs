//! What people and time ask of the queue: pause, schedule, unique, cancel, families, drain.

use super::hall::{Hall, QUEUE, SOON, config, labels};
use super::play::Act;
use jobs::NewJob;
use jobs::queue::admin::{self, Cancelled, JobState};
use jobs::queue::redis::Transport;
use schema::audit::Actor;
use std::slice::from_ref;
use std::time::Duration;
use tests::wait::until;
use tokio::time::Instant;
use workers::WorkerConfig;

pub async fn pause_and_resume_take_effect_on_all_workers(transport: Transport) {
    let hall = Hall::new(transport).await;
    let (first, second, _feeder) = (hall.workers(2), hall.workers(2), hall.feeder());
    let running = hall.play.job("running", &[Act::Wait]);
    hall.enqueue(from_ref(&running)).await;
    hall.play.began(1).await;
    assert!(admin::pause(&hall.services, QUEUE, None, &Actor::default()).await.unwrap());
    let labels = labels(8);
    let jobs: Vec<NewJob> = labels.iter().map(|label| hall.play.job(label, &[Act::Done])).collect();
    hall.enqueue(&jobs).await;
    until("workers have dropped the ids", SOON, || async { hall.carried().await == 1 }).await;
    hall.play.cue("running");
    hall.reach(from_ref(&running), JobState::Succeeded).await;
    assert_eq!(hall.play.runs().len(), 1, "what ran runs on, and nothing begins");
    assert!(admin::resume(&hall.services, QUEUE, &Actor::default()).await.unwrap());
    hall.reach(&jobs, JobState::Succeeded).await;
    hall.play.ran_once(labels.iter().map(String::as_str).chain(["running"]));
    first.stop().await;
    second.stop().await;
}

pub async fn scheduled_jobs_run_in_their_time(transport: Transport) {
    let hall = Hall::new(transport).await;
    let (workers, _feeder) = (hall.workers(2), hall.feeder());
    let began = Instant::now();
    let wait = Duration::from_millis(700);
    let later = hall.play.job("later", &[Act::Done]).at(hall.services.clock.now() + wait);
    let now = hall.play.job("now", &[Act::Done]);
    hall.enqueue(&[later.clone(), now.clone()]).await;
    hall.reach(from_ref(&later), JobState::Succeeded).await;
    hall.reach(from_ref(&now), JobState::Succeeded).await;
    let waited = hall.play.runs_of("later")[0].began - began;
    assert!(waited >= wait, "{waited:?}");
    hall.play.ran_once(["now", "later"]);
    workers.stop().await;
}

pub async fn a_unique_job_is_there_once(transport: Transport) {
    let hall = Hall::new(transport).await;
    let (workers, _feeder) = (hall.workers(4), hall.feeder());
    let first = hall.play.unique("one", &[Act::Wait]);
    hall.enqueue(from_ref(&first)).await;
    hall.play.began(1).await;
    let again = hall.services.enqueue_now(&[hall.play.unique("one", &[Act::Wait])]).await.unwrap();
    assert!(again[0].existed && again[0].id == first.id);
    hall.play.cue("one");
    hall.reach(from_ref(&first), JobState::Succeeded).await;
    let next = hall.play.unique("one", &[Act::Wait]);
    hall.enqueue(from_ref(&next)).await;
    hall.reach(from_ref(&next), JobState::Succeeded).await;
    hall.play.ran_once(["one", "one"]);
    workers.stop().await;
}

pub async fn a_job_woken_while_it_runs_runs_once_more(transport: Transport) {
    let hall = Hall::new(transport).await;
    let (workers, _feeder) = (hall.workers(4), hall.feeder());
    let first = hall.play.unique("one", &[Act::Wait, Act::Done]);
    hall.enqueue(from_ref(&first)).await;
    hall.play.began(1).await;
    // however often it is woken
    for _ in 0..3 {
        let woken = hall.services.enqueue_now(&[hall.play.unique("one", &[Act::Wait]).waking()]).await.unwrap();
        assert!(woken[0].existed && woken[0].id == first.id && !woken[0].due);
    }
    hall.play.cue("one");
    until("both are done", SOON, || async { hall.count(JobState::Succeeded).await == 2 }).await;
    for state in [JobState::Scheduled, JobState::Available, JobState::Running] {
        assert_eq!(hall.count(state).await, 0, "it is woken once");
    }
    hall.play.ran_once(["one", "one"]);
    workers.stop().await;
}

pub async fn a_sleeping_job_wakes(transport: Transport) {
    let hall = Hall::new(transport).await;
    let (workers, _feeder) = (hall.workers(4), hall.feeder());
    let job = hall.play.unique("one", &[Act::Sleep, Act::Sleep, Act::Done]);
    let wake = async || hall.services.enqueue_now(&[hall.play.unique("one", &[Act::Done]).waking()]).await.unwrap();
    hall.enqueue(from_ref(&job)).await;
    hall.play.began(1).await;
    hall.play.cue("one");
    hall.reach(from_ref(&job), JobState::Scheduled).await;
    assert!(wake().await[0].due, "it slept");
    hall.play.began(2).await;
    hall.reach(from_ref(&job), JobState::Scheduled).await;
    // without being asked, nothing wakes it
    let told = hall.services.enqueue_now(&[hall.play.unique("one", &[Act::Done])]).await.unwrap();
    assert!(told[0].existed && !told[0].due);
    assert!(wake().await[0].due);
    hall.reach(from_ref(&job), JobState::Succeeded).await;
    hall.play.ran_once(["one", "one", "one"]);
    workers.stop().await;
}

pub async fn a_running_job_put_off_while_it_is_woken_runs_at_once(transport: Transport) {
    let hall = Hall::new(transport).await;
    let (workers, _feeder) = (hall.workers(4), hall.feeder());
    let job = hall.play.unique("one", &[Act::Sleep, Act::Done]);
    hall.enqueue(from_ref(&job)).await;
    hall.play.began(1).await;
    hall.services.enqueue_now(&[hall.play.unique("one", &[Act::Done]).waking()]).await.unwrap();
    hall.play.cue("one");
    hall.reach(from_ref(&job), JobState::Succeeded).await;
    hall.play.ran_once(["one", "one"]);
    workers.stop().await;
}

pub async fn a_waiting_job_is_cancelled(transport: Transport) {
    let hall = Hall::new(transport).await;
    let [cancelled, other] = ["cancelled", "other"].map(|label| hall.play.job(label, &[Act::Done]));
    hall.enqueue(&[cancelled.clone(), other.clone()]).await;
    assert!(matches!(
        admin::cancel(&hall.services, cancelled.id, &Actor::default()).await.unwrap(),
        Cancelled::Now { .. }
    ));
    let workers = hall.workers(1);
    hall.reach(from_ref(&other), JobState::Succeeded).await;
    until("its id is dropped", SOON, || async { hall.carried().await == 0 }).await;
    hall.play.ran_once(["other"]);
    assert_eq!(hall.job(cancelled.id).await.state, JobState::Cancelled);
    workers.stop().await;
}

pub async fn a_running_job_is_cancelled(transport: Transport) {
    let hall = Hall::new(transport).await;
    let workers = hall.workers(1);
    let job = hall.play.job("one", &[Act::Wait]);
    hall.enqueue(from_ref(&job)).await;
    hall.play.began(1).await;
    assert_eq!(admin::cancel(&hall.services, job.id, &Actor::default()).await.unwrap(), Cancelled::Requested);
    hall.reach(from_ref(&job), JobState::Cancelled).await;
    assert!(hall.play.runs()[0].ended, "it was told, and stopped by itself");
    workers.stop().await;
    hall.play.ran_once(["one"]);
}

pub async fn a_continuation_follows_parent_and_children(transport: Transport) {
    let hall = Hall::new(transport).await;
    let (workers, _feeder) = (hall.workers(4), hall.feeder());
    let parent = hall.play.job("parent", &[Act::Done]);
    let mut jobs = vec![parent.clone(), hall.play.job("after", &[Act::Done]).after_children_of(parent.id)];
    for number in 0..8 {
        // how a child ends does not matter
        let act = if number % 2 == 0 { Act::Done } else { Act::Discard };
        jobs.push(hall.play.job("child", &[act]).child_of(parent.id));
    }
    hall.enqueue(&jobs).await;
    hall.reach(&jobs[1..2], JobState::Succeeded).await;
    let order: Vec<String> = hall.play.runs().into_iter().map(|run| run.label).collect();
    assert_eq!((order.len(), order[9].as_str()), (10, "after"));
    workers.stop().await;
}

pub async fn draining_gives_the_rest_back_without_spending_an_attempt(transport: Transport) {
    let hall = Hall::new(transport).await;
    let labels = labels(6);
    let jobs: Vec<NewJob> = labels.iter().map(|label| hall.play.job(label, &[Act::Wait])).collect();
    hall.enqueue(&jobs).await;
    let workers = hall.workers_with(WorkerConfig { drain_timeout: Duration::from_secs(1), ..config(3) });
    hall.play.began(3).await;
    let finished = hall.play.runs()[0].label.clone();
    workers.begin_stop();
    hall.play.cue(&finished);
    workers.stop().await;
    assert_eq!(hall.play.runs().len(), 3, "nothing began after the signal");
    assert_eq!(hall.taken().await, 0, "nothing is left with a worker that is gone");
    for (label, job) in labels.iter().zip(&jobs) {
        let job = hall.job(job.id).await;
        let expected = if *label == finished { (JobState::Succeeded, 1) } else { (JobState::Available, 0) };
        assert_eq!((job.state, job.attempt), expected, "{label}");
    }
    for label in &labels {
        hall.play.cue(label);
    }
    let (workers, _feeder) = (hall.workers(3), hall.feeder());
    hall.reach(&jobs, JobState::Succeeded).await;
    assert!(hall.play.runs().iter().all(|run| run.attempt == 1));
    workers.stop().await;
}
