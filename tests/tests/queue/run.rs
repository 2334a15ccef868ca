//! Jobs on their whole way: enqueued, carried, leased, run, recorded.

use jobs::kinds::registry::Registry;
use jobs::queue::admin::{self, JobState};
use jobs::{Decision, Job, JobContext, JobError, NewJob, Queue};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tests::base::Base;
use tests::crew::{Feeder, Workers};
use tests::wait::until;
use workers::{QueueSlots, WorkerConfig};

const SOON: Duration = Duration::from_secs(20);

#[derive(Serialize, Deserialize)]
struct Echo {
    text: String,
}

impl Job for Echo {
    const KIND: &'static str = "test_echo";
    const QUEUE: Queue = Queue::Events;

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        context.report(1, Some(1), "said it".to_owned());
        Ok(Decision::done_with(&self.text))
    }
}

#[tokio::test]
async fn a_job_runs_and_its_result_is_kept() {
    let (base, storage) = (Base::new().await, tempfile::tempdir().unwrap());
    let services = base.services(storage.path(), &[]);
    let config = WorkerConfig::new(vec![QueueSlots { queue: Queue::Events, slots: 4 }]);
    let workers = Workers::start(&services, Registry::new().with::<Echo>(), config);
    let _feeder = Feeder::start(&services);
    let job = NewJob::of(&Echo { text: "hello".to_owned() }).unwrap();
    services.enqueue_now(std::slice::from_ref(&job)).await.unwrap();
    until("the job succeeded", SOON, || async {
        admin::get(&services, job.id).await.unwrap().unwrap().state == JobState::Succeeded
    })
    .await;
    let row = admin::get(&services, job.id).await.unwrap().unwrap();
    assert_eq!(row.result, Some(serde_json::json!("hello")));
    assert_eq!((row.attempt, row.progress_done, row.progress_total), (1, 1, Some(1)));
    workers.stop().await;
}
