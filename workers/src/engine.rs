//! What the workers of all queues of a process share: one claimer, one finisher, one heart.

use crate::attempt;
use crate::claimer::Claimer;
use crate::config::WorkerConfig;
use crate::finisher::Finisher;
use crate::heart;
use crate::running::{Reason, Running};
use jobs::kinds::registry::Registry;
use jobs::services::SharedServices;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a run that was told to stop may take to do so by itself before it is dropped.
pub const GRACE: Duration = Duration::from_secs(5);

/// The shared parts.
pub struct Engine {
    pub services: SharedServices,
    pub registry: Registry,
    pub running: Running,
    pub claimer: Claimer,
    pub finisher: Finisher,
    /// Unique to the process, as the ledger and Redis know it.
    pub name: String,
    /// Cancelled when nothing is claimed any more.
    pub closing: CancellationToken,
    heart: JoinHandle<()>,
}

/// A job was not taken on: its id goes back.
#[derive(Debug, thiserror::Error)]
#[error("the worker is closing")]
pub struct NotTaken;

impl Engine {
    /// Starts the shared tasks.
    pub fn start(services: SharedServices, registry: Registry, config: &WorkerConfig) -> Self {
        let name = name();
        let running = Running::default();
        let closing = CancellationToken::new();
        let claimer = Claimer::start(services.clone(), name.clone(), config.lease, closing.clone());
        let finisher = Finisher::start(services.clone(), config.lease);
        let heart = tokio::spawn(heart::beat(services.clone(), name.clone(), config.clone(), running.clone()));
        Self { services, registry, running, claimer, finisher, name, closing, heart }
    }

    /// Leases, runs and records one job. A job that is not there to be run is nothing to do.
    pub async fn handle(&self, job: Uuid) -> Result<(), NotTaken> {
        match self.claimer.claim(job).await {
            Ok(Some(claimed)) => {
                attempt::run(self, claimed).await;
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(closed) => Err(closed),
        }
    }

    /// After `shutdown`, waits for the runs under way; past `timeout` it has them stop and give their jobs back.
    pub async fn drain(self: Arc<Self>, timeout: Duration, shutdown: CancellationToken) {
        shutdown.cancelled().await;
        self.closing.cancel();
        if tokio::time::timeout(timeout, self.running.empty()).await.is_err() {
            tracing::info!(left = self.running.len(), "giving back what could not be finished in time");
            self.running.stop_all(Reason::Drain);
        }
    }

    /// Ends the shared tasks and takes leave of the ledger.
    pub async fn stop(&self) {
        self.closing.cancel();
        self.heart.abort();
        let leave = async {
            let mut connection = self.services.db.get().await?;
            schema::ledger::workers::leave(&mut connection, &self.name).await
        };
        match tokio::time::timeout(Duration::from_secs(2), leave).await {
            Ok(Ok(())) => {}
            // its row goes stale and is pruned
            Ok(Err(error)) => tracing::debug!(%error, "the worker could not take its leave"),
            Err(_) => tracing::debug!("the worker could not take its leave in time"),
        }
    }
}

fn name() -> String {
    let unique = Uuid::new_v4().simple().to_string();
    format!("{}-{}-{}", heart::host(), std::process::id(), &unique[..8])
}
