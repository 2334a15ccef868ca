//! Claiming in batches: whatever ids have come in while the last claim was under way go into the next.
//!
//! Without timers, so that an idle worker adds no delay. A failed claim is tried again until the database answers or
//! the worker closes; then the ids go back to the queue.

use crate::engine::NotTaken;
use jobs::services::SharedServices;
use schema::DbError;
use schema::ledger::claim::{Claimed, claim};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Ids of one claim at most.
const BATCH: usize = 500;

/// The wait after a failure grows to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

struct Request {
    job: Uuid,
    answer: oneshot::Sender<Option<Claimed>>,
}

/// Hands ids to the claiming task.
pub struct Claimer {
    requests: mpsc::Sender<Request>,
}

impl Claimer {
    /// Starts the task, which ends with this value.
    pub fn start(services: SharedServices, worker: String, lease: Duration, closing: CancellationToken) -> Self {
        let (requests, queue) = mpsc::channel(BATCH);
        tokio::spawn(work(services, worker, lease, closing, queue));
        Self { requests }
    }

    /// Leases a job; `None` if it is not there to be run.
    pub async fn claim(&self, job: Uuid) -> Result<Option<Claimed>, NotTaken> {
        let (answer, claimed) = oneshot::channel();
        self.requests.send(Request { job, answer }).await.map_err(|_| NotTaken)?;
        claimed.await.map_err(|_| NotTaken)
    }
}

async fn work(
    services: SharedServices,
    worker: String,
    lease: Duration,
    closing: CancellationToken,
    mut queue: mpsc::Receiver<Request>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let ids: Vec<Uuid> = batch.iter().map(|request| request.job).collect();
        let Some(claimed) = claim_until(&services, &worker, lease, &closing, &ids).await else {
            // dropping the requests tells whoever asked
            batch.clear();
            continue;
        };
        let mut claimed: HashMap<Uuid, Claimed> = claimed.into_iter().map(|job| (job.id, job)).collect();
        for request in batch.drain(..) {
            let _gone = request.answer.send(claimed.remove(&request.job));
        }
    }
}

/// `None` when the worker closes before the database answers.
async fn claim_until(
    services: &SharedServices,
    worker: &str,
    lease: Duration,
    closing: &CancellationToken,
    ids: &[Uuid],
) -> Option<Vec<Claimed>> {
    let mut pause = Duration::from_millis(100);
    loop {
        if closing.is_cancelled() {
            return None;
        }
        let claimed = async { claim(&mut *services.db.get().await?, ids, worker, lease).await };
        let error: DbError = match claimed.await {
            Ok(claimed) => return Some(claimed),
            Err(error) => error,
        };
        tracing::warn!(error = &error as &dyn std::error::Error, "claiming jobs: trying again");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = closing.cancelled() => return None,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
