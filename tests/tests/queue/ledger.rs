//! The ledger's statements, without workers.

use chrono::{DateTime, TimeDelta, Utc};
use jobs::queue::admin::{self, Cancelled, JobFilter, JobState, Retried};
use jobs::queue::dispatch::FAST_PATH;
use jobs::queue::ledger::rows;
use jobs::services::SharedServices;
use jobs::{Decision, Job, JobContext, JobError, NewJob, Priority, Queue};
use schema::audit::Actor;
use schema::ledger::finish::{Finish, Outcome};
use schema::ledger::{claim, epoch, finish, heartbeat, relay, rescue, retention};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tests::base::Base;
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(30);

#[derive(Serialize, Deserialize)]
struct Note {
    key: Option<String>,
}

impl Job for Note {
    const KIND: &'static str = "test_note";
    const QUEUE: Queue = Queue::Maintenance;

    fn unique_key(&self) -> Option<String> {
        self.key.clone()
    }

    async fn run(self, _: JobContext) -> Result<Decision, JobError> {
        Ok(Decision::done())
    }
}

struct Ground {
    base: Base,
    services: SharedServices,
    _storage: tempfile::TempDir,
}

impl Ground {
    async fn new() -> Self {
        let base = Base::new().await;
        let storage = tempfile::tempdir().unwrap();
        let services = base.services(storage.path(), &[]);
        Self { base, services, _storage: storage }
    }

    async fn connection(&self) -> schema::Conn {
        self.services.db.get().await.unwrap()
    }

    async fn sql(&self, text: &str) {
        use diesel_async::SimpleAsyncConnection;
        self.connection().await.batch_execute(text).await.unwrap();
    }

    async fn state(&self, id: Uuid) -> JobState {
        admin::get(&self.services, id).await.unwrap().unwrap().state
    }

    async fn claim(&self, ids: &[Uuid]) -> Vec<claim::Claimed> {
        claim::claim(&mut *self.connection().await, ids, "w1", LEASE).await.unwrap()
    }

    async fn finish(&self, claimed: &claim::Claimed, outcome: Outcome) -> finish::Recorded {
        self.finish_with(claimed, outcome, &[]).await
    }

    async fn finish_with(&self, claimed: &claim::Claimed, outcome: Outcome, next: &[NewJob]) -> finish::Recorded {
        let finish = Finish {
            id: claimed.id,
            attempt: claimed.attempt,
            lease_token: claimed.lease_token,
            parent_id: claimed.parent_id,
            outcome,
            progress: None,
            next: rows(self.now(), next),
        };
        finish::finish(&mut *self.connection().await, self.now(), &[finish]).await.unwrap()
    }

    async fn run(&self, id: Uuid, outcome: Outcome) -> finish::Recorded {
        let claimed = self.claim(&[id]).await;
        assert_eq!(claimed.len(), 1, "{id} is available");
        self.finish(&claimed[0], outcome).await
    }

    fn now(&self) -> DateTime<Utc> {
        self.services.clock.now()
    }
}

fn note() -> NewJob {
    NewJob::of(&Note { key: None }).unwrap()
}

fn keyed(key: &str) -> NewJob {
    NewJob::of(&Note { key: Some(key.to_owned()) }).unwrap()
}

fn done() -> Outcome {
    Outcome::Succeeded(serde_json::Value::Null)
}

#[tokio::test]
async fn a_unique_key_has_one_living_job() {
    let ground = Ground::new().await;
    let first = ground.services.enqueue_now(&[keyed("a"), keyed("b"), keyed("a"), note()]).await.unwrap();
    assert_eq!(first.iter().map(|job| job.existed).collect::<Vec<_>>(), [false, false, true, false]);
    assert_eq!(first[0].id, first[2].id);
    let again = ground.services.enqueue_now(&[keyed("a")]).await.unwrap();
    assert!(again[0].existed && again[0].id == first[0].id);
    ground.run(first[0].id, done()).await;
    let anew = ground.services.enqueue_now(&[keyed("a")]).await.unwrap();
    assert!(!anew[0].existed);
}

#[tokio::test]
async fn rivals_for_a_unique_key_agree_on_one_job() {
    let ground = Ground::new().await;
    let jobs: Vec<NewJob> = (0..8).map(|_| keyed("one")).collect();
    let answers =
        futures_util::future::join_all(jobs.iter().map(|job| ground.services.enqueue_now(std::slice::from_ref(job))))
            .await;
    let ids: std::collections::HashSet<Uuid> = answers.iter().map(|answer| answer.as_ref().unwrap()[0].id).collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn a_rolled_back_enqueue_leaves_nothing() {
    use schema::AsyncConnection;
    let ground = Ground::new().await;
    let job = note();
    let mut connection = ground.connection().await;
    let outcome = connection
        .transaction::<(), schema::DbError, _>(async |connection| {
            jobs::queue::ledger::enqueue(connection, ground.now(), std::slice::from_ref(&job)).await?;
            Err(schema::DbError::Url("rolled back".into()))
        })
        .await;
    assert!(outcome.is_err());
    assert_eq!(admin::get(&ground.services, job.id).await.unwrap(), None);
}

#[tokio::test]
async fn only_the_first_of_many_jobs_take_the_fast_path() {
    let ground = Ground::new().await;
    let jobs: Vec<NewJob> = (0..FAST_PATH + 10).map(|_| note()).collect();
    let enqueued = ground.services.enqueue_now(&jobs).await.unwrap();
    assert_eq!(enqueued.iter().filter(|job| job.due).count(), FAST_PATH);
    let rooms = [relay::Room { queue: "maintenance".into(), priority: 1, room: 100 }];
    let now = ground.now();
    let before = now - TimeDelta::seconds(2);
    let picked = relay::pick(&mut *ground.connection().await, now, before, &rooms).await.unwrap();
    let left: Vec<Uuid> = enqueued.iter().filter(|job| !job.due).map(|job| job.id).collect();
    assert_eq!(picked.iter().map(|ready| ready.id).collect::<Vec<_>>(), left, "in their order, without grace");
    let overview = admin::overview(&ground.services).await.unwrap();
    let queue = overview.iter().find(|queue| queue.queue == Queue::Maintenance).unwrap();
    assert_eq!(queue.available.count, 266);
}

#[tokio::test]
async fn an_attempt_is_fenced() {
    let ground = Ground::new().await;
    let id = ground.services.enqueue_now(&[note()]).await.unwrap()[0].id;
    let stale = ground.claim(&[id, id]).await;
    assert_eq!((stale.len(), stale[0].attempt), (1, 1));
    assert!(ground.claim(&[id]).await.is_empty(), "a duplicate delivery finds nothing");
    ground.sql("UPDATE jobs SET leased_until = now() - interval '1 second'").await;
    let rescued = rescue::rescue(&mut *ground.connection().await, ground.now(), 100).await.unwrap();
    assert_eq!(rescued.ready.len(), 1);
    let fresh = ground.claim(&[id]).await;
    assert_eq!(fresh[0].attempt, 2);
    for outcome in [done(), Outcome::Discarded("x".into()), Outcome::GivenBack] {
        assert_eq!(ground.finish(&stale[0], outcome).await, finish::Recorded::default());
    }
    let beat = |claimed: &claim::Claimed| heartbeat::Beat { id, lease_token: claimed.lease_token, progress: None };
    let alive = heartbeat::extend(&mut *ground.connection().await, LEASE, &[beat(&stale[0])]).await.unwrap();
    assert!(alive.is_empty());
    let progress = Some(heartbeat::Progress { done: 3, total: Some(9), note: Some("reading".into()) });
    let beat = heartbeat::Beat { progress, ..beat(&fresh[0]) };
    let alive = heartbeat::extend(&mut *ground.connection().await, LEASE, &[beat]).await.unwrap();
    assert_eq!(alive, [heartbeat::Alive { id, lease_token: fresh[0].lease_token, cancel_requested: false }]);
    assert_eq!(ground.finish(&fresh[0], done()).await.jobs, [(id, JobState::Succeeded)]);
    let job = admin::get(&ground.services, id).await.unwrap().unwrap();
    assert_eq!((job.progress_done, job.progress_total, job.progress_note.as_deref()), (3, Some(9), Some("reading")));
    assert_eq!(job.error, None, "an error of an earlier attempt is history once the job is done");
}

#[tokio::test]
async fn a_successor_exists_if_and_only_if_the_run_is_recorded_as_done() {
    let ground = Ground::new().await;
    let keyed = || NewJob::of(&Note { key: Some("lane".to_owned()) }).unwrap();
    let first = keyed();
    ground.services.enqueue_now(std::slice::from_ref(&first)).await.unwrap();
    let claimed = ground.claim(&[first.id]).await;
    let next = keyed();
    let stale = claim::Claimed { attempt: 2, ..claimed[0].clone() };
    let done = || Outcome::Succeeded(serde_json::Value::Null);
    let recorded = ground.finish_with(&stale, done(), std::slice::from_ref(&next)).await;
    assert!(recorded.jobs.is_empty() && recorded.released.is_empty());
    let again = Outcome::Snooze { run_at: ground.now(), reason: "not now".to_owned() };
    ground.finish_with(&claimed[0], again, std::slice::from_ref(&next)).await;
    assert!(admin::get(&ground.services, next.id).await.unwrap().is_none(), "a run that is not done has no successor");
    ground.sql("UPDATE jobs SET state = 'available'").await;
    let claimed = ground.claim(&[first.id]).await;
    let recorded = ground.finish_with(&claimed[0], done(), std::slice::from_ref(&next)).await;
    assert_eq!(recorded.released.iter().map(|job| job.id).collect::<Vec<_>>(), [next.id]);
    assert_eq!(ground.state(first.id).await, JobState::Succeeded);
    assert_eq!(ground.state(next.id).await, JobState::Available, "the key was free again");
}

#[tokio::test]
async fn a_poison_job_is_discarded_and_can_be_retried() {
    let ground = Ground::new().await;
    let mut job = note();
    job.max_attempts = 2;
    let id = ground.services.enqueue_now(&[job]).await.unwrap()[0].id;
    for _ in 0..2 {
        assert_eq!(ground.claim(&[id]).await.len(), 1);
        ground.sql("UPDATE jobs SET leased_until = now() - interval '1 second'").await;
        rescue::rescue(&mut *ground.connection().await, ground.now(), 100).await.unwrap();
    }
    assert_eq!(ground.state(id).await, JobState::Discarded);
    assert!(matches!(admin::retry(&ground.services, id, &Actor::default()).await.unwrap(), Retried::Ready(_)));
    assert_eq!(
        admin::retry(&ground.services, id, &Actor::default()).await.unwrap(),
        Retried::NotEnded(JobState::Available)
    );
    assert_eq!(ground.claim(&[id]).await[0].attempt, 1);
}

#[tokio::test]
async fn snoozing_and_giving_back_are_no_attempts() {
    let ground = Ground::new().await;
    let id = ground.services.enqueue_now(&[note()]).await.unwrap()[0].id;
    ground.run(id, Outcome::GivenBack).await;
    assert_eq!(ground.state(id).await, JobState::Available);
    let run_at = ground.now() + TimeDelta::hours(1);
    ground.run(id, Outcome::Snooze { run_at, reason: "quiet hours".into() }).await;
    let job = admin::get(&ground.services, id).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempt, job.snoozes, job.run_at), (JobState::Scheduled, 0, 1, run_at));
    assert_eq!(job.progress_note.as_deref(), Some("quiet hours"));
}

#[tokio::test]
async fn a_cancelled_run_is_not_tried_again() {
    let ground = Ground::new().await;
    let id = ground.services.enqueue_now(&[note()]).await.unwrap()[0].id;
    let claimed = ground.claim(&[id]).await;
    assert_eq!(admin::cancel(&ground.services, id, &Actor::default()).await.unwrap(), Cancelled::Requested);
    let to_cancel = heartbeat::to_cancel(&mut *ground.connection().await, &[id]).await.unwrap();
    assert_eq!(to_cancel, [claimed[0].lease_token]);
    let retry = Outcome::Retry { run_at: ground.now(), error: "failed".into() };
    assert_eq!(ground.finish(&claimed[0], retry).await.jobs, [(id, JobState::Cancelled)]);
    assert_eq!(
        admin::cancel(&ground.services, id, &Actor::default()).await.unwrap(),
        Cancelled::TooLate(JobState::Cancelled)
    );
    assert_eq!(admin::cancel(&ground.services, Uuid::now_v7(), &Actor::default()).await.unwrap(), Cancelled::Unknown);
}

#[tokio::test]
async fn a_continuation_runs_after_its_parent_and_all_children() {
    let ground = Ground::new().await;
    let parent = note();
    let after = note().after_children_of(parent.id);
    let children: Vec<NewJob> = (0..20).map(|_| note().child_of(parent.id)).collect();
    let mut all = vec![parent.clone(), after.clone()];
    all.extend(children.iter().cloned());
    ground.services.enqueue_now(&all).await.unwrap();
    assert_eq!(ground.state(after.id).await, JobState::Scheduled);
    ground.run(parent.id, done()).await;
    assert_eq!(ground.state(after.id).await, JobState::Scheduled);
    // all at once, each in a transaction of its own; how a child ends does not matter
    let ends = children.iter().enumerate().map(|(i, child)| {
        let outcome = if i % 2 == 0 { done() } else { Outcome::Discarded("no".into()) };
        ground.run(child.id, outcome)
    });
    let recorded = futures_util::future::join_all(ends).await;
    assert_eq!(recorded.iter().map(|recorded| recorded.released.len()).sum::<usize>(), 1);
    assert_eq!(ground.state(after.id).await, JobState::Available);
}

#[tokio::test]
async fn a_continuation_of_a_childless_parent_runs_when_that_is_done() {
    let ground = Ground::new().await;
    let parent = note();
    let after = note().after_children_of(parent.id);
    ground.services.enqueue_now(&[parent.clone(), after.clone()]).await.unwrap();
    let recorded = ground.run(parent.id, done()).await;
    assert_eq!(recorded.released.len(), 1);
    // and at once when it was done before
    let late = note().after_children_of(parent.id);
    ground.services.enqueue_now(std::slice::from_ref(&late)).await.unwrap();
    assert_eq!(ground.state(late.id).await, JobState::Available);
}

#[tokio::test]
async fn a_failed_parent_cancels_what_waits_for_it() {
    let ground = Ground::new().await;
    let parent = note();
    let after = note().after_children_of(parent.id);
    let last = note().after_children_of(after.id);
    ground.services.enqueue_now(&[parent.clone(), after.clone(), last.clone()]).await.unwrap();
    let recorded = ground.run(parent.id, Outcome::Discarded("broken".into())).await;
    assert_eq!(recorded.cancelled.len(), 2);
    let job = admin::get(&ground.services, after.id).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Cancelled);
    assert!(job.error.unwrap().contains(&parent.id.to_string()));
    let late = note().after_children_of(parent.id);
    ground.services.enqueue_now(std::slice::from_ref(&late)).await.unwrap();
    assert_eq!(ground.state(late.id).await, JobState::Cancelled);
    // retried with its parent, it waits again
    admin::retry(&ground.services, parent.id, &Actor::default()).await.unwrap();
    assert_eq!(admin::retry(&ground.services, after.id, &Actor::default()).await.unwrap(), Retried::Waiting);
    ground.run(parent.id, done()).await;
    assert_eq!(ground.state(after.id).await, JobState::Available);
}

#[tokio::test]
async fn a_paused_queue_is_left_alone() {
    let ground = Ground::new().await;
    let id = ground.services.enqueue_now(&[note()]).await.unwrap()[0].id;
    assert!(admin::pause(&ground.services, Queue::Maintenance, Some("me"), &Actor::default()).await.unwrap());
    assert!(!admin::pause(&ground.services, Queue::Maintenance, None, &Actor::default()).await.unwrap());
    assert!(ground.claim(&[id]).await.is_empty());
    let rooms = [relay::Room { queue: "maintenance".into(), priority: 1, room: 100 }];
    let later = ground.now() + TimeDelta::minutes(1);
    assert!(relay::pick(&mut *ground.connection().await, later, later, &rooms).await.unwrap().is_empty());
    assert!(admin::resume(&ground.services, Queue::Maintenance, &Actor::default()).await.unwrap());
    assert_eq!(relay::pick(&mut *ground.connection().await, later, later, &rooms).await.unwrap().len(), 1);
    assert_eq!(ground.claim(&[id]).await.len(), 1);
}

#[tokio::test]
async fn what_redis_lost_is_pushed_again() {
    let ground = Ground::new().await;
    ground.services.enqueue_now(&[note(), note()]).await.unwrap();
    let rooms = [relay::Room { queue: "maintenance".into(), priority: 1, room: 100 }];
    let later = ground.now() + TimeDelta::minutes(1);
    let mut connection = ground.connection().await;
    let picked = relay::pick(&mut connection, later, later, &rooms).await.unwrap();
    assert_eq!(picked.len(), 2);
    assert!(relay::pick(&mut connection, later, later, &rooms).await.unwrap().is_empty());
    assert_eq!(relay::take_back(&mut connection, &[picked[0].id]).await.unwrap(), 1);
    assert_eq!(relay::pick(&mut connection, later, later, &rooms).await.unwrap().len(), 1);
    assert_eq!(relay::sweep(&mut connection, later, &rooms).await.unwrap(), 0);
    assert_eq!(relay::sweep(&mut connection, later + TimeDelta::seconds(1), &rooms).await.unwrap(), 2);
    assert_eq!(relay::pick(&mut connection, later, later, &rooms).await.unwrap().len(), 2);
    assert_eq!(epoch::known(&mut connection).await.unwrap(), None);
    assert_eq!(epoch::lock(&mut connection).await.unwrap(), "");
    epoch::record(&mut connection, "e1").await.unwrap();
    assert_eq!(epoch::known(&mut connection).await.unwrap().as_deref(), Some("e1"));
    assert_eq!(epoch::forget_dispatches(&mut connection).await.unwrap(), 2);
    assert_eq!(relay::pick(&mut connection, later, later, &rooms).await.unwrap().len(), 2);
}

#[tokio::test]
async fn lists_are_filtered_newest_first() {
    let ground = Ground::new().await;
    let parent = note();
    let mut all: Vec<NewJob> = vec![parent.clone()];
    all.extend((0..5).map(|_| note().child_of(parent.id).created_by(Some(7)).priority(Priority::Low)));
    ground.services.enqueue_now(&all).await.unwrap();
    ground.run(all[1].id, done()).await;
    ground.run(all[2].id, Outcome::Discarded("no".into())).await;
    let list = async |filter: JobFilter| {
        let page = admin::page(&ground.services, &filter, 1, 10).await.unwrap();
        assert_eq!(page.total.count, page.jobs.len() as i64);
        page.jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let ids: Vec<Uuid> = all.iter().rev().map(|job| job.id).collect();
    let queue = Some("maintenance".to_owned());
    assert_eq!(list(JobFilter::default()).await, ids);
    assert_eq!(list(JobFilter { queue: queue.clone(), ..Default::default() }).await, ids);
    assert!(list(JobFilter { queue: Some("uploads".into()), ..Default::default() }).await.is_empty());
    assert_eq!(list(JobFilter { parent: Some(parent.id), ..Default::default() }).await, ids[..5]);
    assert_eq!(
        list(JobFilter { created_by: Some(7), kind: Some(Note::KIND.into()), ..Default::default() }).await,
        ids[..5]
    );
    let succeeded = JobFilter { state: Some(JobState::Succeeded), queue, ..Default::default() };
    assert_eq!(list(succeeded).await, [all[1].id]);
    assert_eq!(list(JobFilter { state: Some(JobState::Discarded), ..Default::default() }).await, [all[2].id]);
    assert_eq!(list(JobFilter { before: Some(all[1].id), ..Default::default() }).await, [parent.id]);
    let second = admin::page(&ground.services, &JobFilter::default(), 2, 4).await.unwrap();
    assert_eq!(second.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), ids[4..]);
}

#[tokio::test]
async fn throughput_is_counted_and_old_rows_are_pruned() {
    let ground = Ground::new().await;
    let jobs = [note(), note(), note()];
    ground.services.enqueue_now(&jobs).await.unwrap();
    ground.run(jobs[0].id, done()).await;
    ground.run(jobs[1].id, Outcome::Retry { run_at: ground.now(), error: "again".into() }).await;
    admin::cancel(&ground.services, jobs[2].id, &Actor::default()).await.unwrap();
    let overview = admin::overview(&ground.services).await.unwrap();
    let queue = overview.iter().find(|queue| queue.queue == Queue::Maintenance).unwrap();
    let counts = queue.last_hour;
    assert_eq!((counts.succeeded, counts.retried, counts.cancelled), (1, 1, 1));
    let mut connection = ground.connection().await;
    let future = ground.now() + TimeDelta::days(1);
    let mut pruned = Vec::new();
    for what in retention::Prunable::ALL {
        pruned.push(retention::prune(&mut connection, what, future, 5_000).await.unwrap());
    }
    assert_eq!(pruned[..3], [2, 0, 1]);
    assert!(pruned[3..].iter().all(|count| *count == 0), "{pruned:?}");
    assert!(ground.base.database.url().starts_with("postgres"));
}
