//! What keeps the queue going: relay, sweep, epoch, rescue, retention.

use crate::{Next, TickError};
use chrono::TimeDelta;
use jobs::{
    process::config::RetentionConfig,
    queue::{
        relay::{self, Relay},
        rescue, retention,
    },
    sending::files,
    services::{Services, SharedServices},
};

/// Pushes what is due.
pub async fn relay(services: SharedServices) -> Result<Next, TickError> {
    let done = Relay::new(services).tick().await?;
    Ok(if done.full { Next::AtOnce } else { Next::InTime })
}

/// Has jobs pushed again whose push was lost.
pub async fn sweep(services: &Services) -> Result<Next, TickError> {
    let found = relay::sweep(services).await?;
    if found > 0 {
        tracing::warn!(jobs = found, "dispatched long ago and still unclaimed: pushed again");
    }
    Ok(Next::InTime)
}

/// Notices a Redis that lost its data.
pub async fn epoch(services: &Services) -> Result<Next, TickError> {
    match relay::check_epoch(services).await? {
        None => {}
        Some(0) => tracing::info!("Redis is new or has lost its data; nothing waits"),
        Some(jobs) => tracing::warn!(jobs, "Redis is new or has lost its data: what waits is pushed again"),
    }
    Ok(Next::InTime)
}

/// Brings back jobs of lost workers.
pub async fn rescue(services: &Services) -> Result<Next, TickError> {
    rescue::rescue(services).await?;
    Ok(Next::InTime)
}

/// Deletes what is old.
pub async fn prune(services: &Services, keep: &RetentionConfig) -> Result<Next, TickError> {
    let age = TimeDelta::from_std(keep.message_files).unwrap_or(TimeDelta::MAX);
    if let Some(before) = services.clock.now().checked_sub_signed(age) {
        let mails = files::drop_old(services, before).await?;
        if mails > 0 {
            tracing::info!(mails, "their files are removed");
        }
    }
    for (what, rows) in retention::prune(services, keep).await? {
        if rows > 0 {
            tracing::info!(?what, rows, "pruned");
        }
    }
    Ok(Next::InTime)
}
