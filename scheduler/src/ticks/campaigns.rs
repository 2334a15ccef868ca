//! What keeps campaigns going: those whose time has come begin, and those that lost their job get another.

use crate::{Next, TickError};
use jobs::{campaigns, provider_events, sequences, services::Services};

/// Begins timed and recurring campaigns, or asks about those that missed their time.
pub async fn due(services: &Services) -> Result<Next, TickError> {
    let moved = campaigns::fire_due(services).await?;
    let begun = campaigns::fire_recurring(services).await?;
    let all = moved < campaigns::DUE_BATCH && begun < campaigns::RECURRING_BATCH;
    Ok(if all { Next::InTime } else { Next::AtOnce })
}

/// Has due steps of ladders taken, and newcomers looked for.
pub async fn ladders(services: &Services) -> Result<Next, TickError> {
    sequences::wake(services).await?;
    Ok(Next::InTime)
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
