//! Every tick of the scheduler: one line each.

pub mod campaigns;
pub mod cron;
pub mod queue;

use crate::{Next, SchedulerConfig, Tick, TickError};
use jobs::{kinds::registry, services::SharedServices};
use std::{future::Future, sync::Arc, time::Duration};

/// All ticks, over the services of this process.
pub fn all(services: &SharedServices, config: &SchedulerConfig) -> Vec<Tick> {
    let (registry, keep) = (Arc::new(registry::all()), config.retention);
    let fire = move |services: SharedServices| {
        let registry = registry.clone();
        async move { cron::tick(&services, &registry).await }
    };
    vec![
        tick(services, "relay", 200, |services| async move { queue::relay(services).await }),
        tick(services, "cron", 250, fire),
        tick(services, "campaigns", 250, |services| async move { campaigns::due(&services).await }),
        tick(services, "ladders", 1_000, |services| async move { campaigns::ladders(&services).await }),
        tick(services, "campaign-sweep", 10_000, |services| async move { campaigns::sweep(&services).await }),
        tick(services, "events", 1_000, |services| async move { campaigns::events(&services).await }),
        tick(services, "epoch", 1_000, |services| async move { queue::epoch(&services).await }),
        tick(services, "rescue", 1_000, |services| async move { queue::rescue(&services).await }),
        tick(services, "sweep", 15_000, |services| async move { queue::sweep(&services).await }),
        tick(services, "retention", 60_000, move |services| async move { queue::prune(&services, &keep).await }),
    ]
}

/// `work` over the services, every so many milliseconds.
fn tick<F, Fut>(services: &SharedServices, name: &'static str, every: u64, work: F) -> Tick
where
    F: Fn(SharedServices) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Next, TickError>> + Send + 'static,
{
    let services = services.clone();
    Tick::new(name, Duration::from_millis(every), move || work(services.clone()))
}
