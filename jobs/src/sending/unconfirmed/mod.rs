//! Messages of unknown outcome: looked up where the provider can be asked, otherwise waited for, and closed by their
//! account's policy when no word has come.
//!
//! A message goes out again only when its provider proved that it never had it. An account that cannot be asked now is
//! asked with the next run; a late word of a provider counts whatever stood in for it.

mod ask;
mod close;
mod settle;

use crate::{Decision, JobContext, JobError};
use serde_json::json;

/// Asks, and closes what was waited for long enough.
pub async fn run(context: &JobContext) -> Result<Decision, JobError> {
    let asked = ask::all(context).await?;
    let closed = close::all(context).await?;
    Ok(Decision::done_with(&json!({
        "found": asked.found, "neverTaken": asked.never_taken, "later": asked.later, "closed": closed,
    })))
}
