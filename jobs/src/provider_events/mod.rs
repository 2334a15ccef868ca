//! What providers tell us: kept once as it came, and applied to messages in bulk, in any order.

mod about;
pub mod apply;
mod clicks;
mod follow;
mod keep;
mod returns;
mod words;

pub use keep::keep;

use crate::{campaigns::request::events_arrived, services::Services};
use schema::{DbError, provider_events};

/// Has events applied that are due, should no job be about to: the one that was may have ended just as they came.
/// Whether there were any.
pub async fn wake(services: &Services) -> Result<bool, DbError> {
    let now = services.clock.now();
    let mut connection = services.db.get().await?;
    if provider_events::next_at(&mut connection).await?.is_none_or(|at| at > now) {
        return Ok(false);
    }
    let enqueued = events_arrived(&mut connection, now).await?;
    drop(connection);
    services.dispatcher.push(&enqueued).await;
    Ok(true)
}
