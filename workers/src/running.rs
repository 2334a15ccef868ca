//! The runs under way in this process, so that the heart can renew their leases and stop them.
//!
//! A run is known by its lease token and not by its job: a run that lost its lease may still be stopping when the next
//! attempt of the same job begins here, and what happens to one must not touch the other.

use jobs::queue::context::ProgressCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Why a run was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Somebody cancelled the job.
    Cancelled,
    /// The lease went to somebody else: nothing is to be recorded.
    LeaseLost,
    /// The process stops.
    Drain,
}

/// One run.
#[derive(Clone)]
pub struct Run {
    /// The job.
    pub job: Uuid,
    /// Proves the attempt is ours.
    pub lease_token: Uuid,
    /// Tells the run to stop.
    pub stopping: CancellationToken,
    /// Not yet written progress.
    pub progress: ProgressCell,
    reason: Arc<Mutex<Option<Reason>>>,
}

impl Run {
    /// A run that nobody has told to stop.
    pub fn new(job: Uuid, lease_token: Uuid) -> Self {
        Self {
            job,
            lease_token,
            stopping: CancellationToken::new(),
            progress: ProgressCell::default(),
            reason: Arc::default(),
        }
    }

    /// Tells the run to stop; the first reason stands, but for a lost lease, which outdoes the others.
    pub fn stop(&self, reason: Reason) {
        let mut standing = lock(&self.reason);
        if standing.is_none() || reason == Reason::LeaseLost {
            *standing = Some(reason);
        }
        drop(standing);
        self.stopping.cancel();
    }

    /// Why it was told to stop, if it was.
    pub fn reason(&self) -> Option<Reason> {
        *lock(&self.reason)
    }
}

/// All runs of the process, by lease token.
#[derive(Clone)]
pub struct Running {
    runs: Arc<Mutex<HashMap<Uuid, Run>>>,
    count: Arc<watch::Sender<usize>>,
}

impl Default for Running {
    fn default() -> Self {
        Self { runs: Arc::default(), count: Arc::new(watch::channel(0).0) }
    }
}

impl Running {
    /// Adds a run until the guard is dropped.
    pub fn enter(&self, run: Run) -> Entered {
        let lease_token = run.lease_token;
        let mut runs = lock(&self.runs);
        runs.insert(lease_token, run);
        self.count.send_replace(runs.len());
        Entered { running: self.clone(), lease_token }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        *self.count.borrow()
    }

    /// A copy of all runs.
    pub fn all(&self) -> Vec<Run> {
        lock(&self.runs).values().cloned().collect()
    }

    /// Tells all to stop.
    pub fn stop_all(&self, reason: Reason) {
        for run in self.all() {
            run.stop(reason);
        }
    }

    /// Waits until there is none.
    pub async fn empty(&self) {
        let mut count = self.count.subscribe();
        // the sender lives in self: waiting cannot fail
        let _none = count.wait_for(|count| *count == 0).await;
    }
}

/// A run that is under way.
pub struct Entered {
    running: Running,
    lease_token: Uuid,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut runs = lock(&self.running.runs);
        runs.remove(&self.lease_token);
        self.running.count.send_replace(runs.len());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_attempts_of_one_job_are_two_runs() {
        let (running, job) = (Running::default(), Uuid::now_v7());
        let [first, second] = [Run::new(job, Uuid::new_v4()), Run::new(job, Uuid::new_v4())];
        let entered = running.enter(first.clone());
        let _entered = running.enter(second.clone());
        assert_eq!(running.len(), 2);
        first.stop(Reason::LeaseLost);
        assert_eq!((first.reason(), second.reason()), (Some(Reason::LeaseLost), None));
        drop(entered);
        let left: Vec<Uuid> = running.all().iter().map(|run| run.lease_token).collect();
        assert_eq!(left, [second.lease_token], "the end of the first takes nothing from the second");
    }
}
