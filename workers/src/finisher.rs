//! Recording outcomes in batches: whatever ended while the last batch was being written goes into the next.
//!
//! A failed write is tried again for as long as a lease could have lasted: recording is fenced, so a repetition after a
//! lost answer, or after a rescue, changes nothing. What cannot be recorded by then is rescued and counts as an attempt.

use jobs::queue::events::JobEvent;
use jobs::services::SharedServices;
use schema::DbError;
use schema::ledger::finish::{Finish, Recorded, finish};
use std::error::Error;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Outcomes of one statement at most.
const BATCH: usize = 500;

/// The wait after a failure grows to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

struct Request {
    finish: Finish,
    recorded: oneshot::Sender<()>,
}

/// Hands outcomes to the recording task.
pub struct Finisher {
    requests: mpsc::Sender<Request>,
}

impl Finisher {
    /// Starts the task, which ends with this value.
    pub fn start(services: SharedServices, lease: Duration) -> Self {
        let (requests, queue) = mpsc::channel(BATCH);
        tokio::spawn(work(services, lease, queue));
        Self { requests }
    }

    /// Returns once the outcome is on record, or given up on.
    pub async fn finish(&self, finish: Finish) {
        let (recorded, done) = oneshot::channel();
        if self.requests.send(Request { finish, recorded }).await.is_ok() {
            // an error means the task has ended with the process
            let _ended = done.await;
        }
    }
}

async fn work(services: SharedServices, lease: Duration, mut queue: mpsc::Receiver<Request>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let (finishes, waiting): (Vec<Finish>, Vec<_>) =
            batch.drain(..).map(|request| (request.finish, request.recorded)).unzip();
        if let Some(recorded) = record(&services, lease, &finishes).await {
            tell(&services, recorded).await;
        }
        for recorded in waiting {
            let _gone = recorded.send(());
        }
    }
}

async fn record(services: &SharedServices, lease: Duration, finishes: &[Finish]) -> Option<Recorded> {
    let end = Instant::now() + lease;
    let mut pause = Duration::from_millis(100);
    loop {
        let recorded = async { finish(&mut *services.db.get().await?, services.clock.now(), finishes).await };
        let error: DbError = match recorded.await {
            Ok(recorded) => return Some(recorded),
            Err(error) => error,
        };
        let jobs = finishes.len();
        if Instant::now() >= end {
            tracing::error!(error = &error as &dyn Error, jobs, "outcomes were not recorded: the jobs will be rescued");
            return None;
        }
        tracing::warn!(error = &error as &dyn Error, jobs, "recording outcomes: trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Best effort: the relay and the waiting find out by themselves.
async fn tell(services: &SharedServices, recorded: Recorded) {
    let Recorded { jobs, released, cancelled } = recorded;
    let cancelled = cancelled.into_iter().map(|id| (id, schema::ledger::JobState::Cancelled));
    services.events.publish(jobs.into_iter().chain(cancelled).map(|(id, state)| JobEvent { id, state }).collect());
    services.dispatcher.push_ready(&released).await;
}
