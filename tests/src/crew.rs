//! Workers and a scheduler inside the test's process, over the test's servers.

use jobs::kinds::registry::Registry;
use jobs::queue::{relay, rescue};
use jobs::services::SharedServices;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use workers::{WorkerConfig, WorkersError};

/// One worker process's worth of workers.
pub struct Workers {
    stop: CancellationToken,
    task: JoinHandle<Result<(), WorkersError>>,
}

impl Workers {
    /// Starts them.
    pub fn start(services: &SharedServices, registry: Registry, config: WorkerConfig) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(workers::run(services.clone(), registry, config, stop.clone()));
        Self { stop, task }
    }

    /// Stops them in order, as SIGTERM would.
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("the workers end").expect("the workers end in order");
    }

    /// Tells them to stop without waiting for it.
    pub fn begin_stop(&self) {
        self.stop.cancel();
    }
}

/// Workers on a runtime of their own, to be killed as SIGKILL would: no task of theirs goes on.
pub struct Doomed {
    runtime: Option<Runtime>,
}

impl Doomed {
    /// Starts them over what `services` makes, so that they share no connection with the test.
    pub fn start(services: impl FnOnce() -> SharedServices, registry: Registry, config: WorkerConfig) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let entered = runtime.enter();
        let services = services();
        drop(entered);
        runtime.spawn(workers::run(services, registry, config, CancellationToken::new()));
        Self { runtime: Some(runtime) }
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The parts of the scheduler that the queue needs, until dropped.
pub struct Feeder {
    task: JoinHandle<()>,
}

impl Feeder {
    /// Relays, rescues and watches over Redis, often.
    pub fn start(services: &SharedServices) -> Self {
        let services = services.clone();
        let task = tokio::spawn(async move {
            let relay = relay::Relay::new(services.clone());
            let mut tick = tokio::time::interval(Duration::from_millis(50));
            loop {
                tick.tick().await;
                // servers that a test breaks answer again later
                let _epoch = relay::check_epoch(&services).await;
                let _relayed = relay.tick().await;
                let _rescued = rescue::rescue(&services).await;
            }
        });
        Self { task }
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.task.abort();
    }
}
