//! What keeps campaigns going: those whose time has come begin, and those that lost their job get another.

use crate::{Next, TickError};
use jobs::{campaigns, provider_events, services::Services};

/// Begins timed campaigns, or asks about those that missed their time.
pub async fn due(services: &Services) -> Result<Next, TickError> {
    let moved = campaigns::fire_due(services).await?;
    Ok(if moved < campaigns::DUE_BATCH { Next::InTime } else { Next::AtOnce })
}

/// Enqueues what campaigns lack.
pub async fn sweep(services: &Services) -> Result<Next, TickError> {
    let found = campaigns::sweep(services).await?;
    if found > 0 {
        tracing::warn!(jobs = found, "campaigns lacked jobs: enqueued again");
    }
    Ok(Next::InTime)
}

/// Has events applied that nothing applies.
pub async fn events(services: &Services) -> Result<Next, TickError> {
    provider_events::wake(services).await?;
    Ok(Next::InTime)
}
