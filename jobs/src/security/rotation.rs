//! New keys for access tokens, with overlap: every process knows a key before it signs, and the one before counts until
//! the last of its tokens has expired. Nobody is signed out.
//!
//! Run again, or by two workers at once, it makes one key. Fails as the database does, and when a key cannot be made.

use super::token_keys;
use crate::{Decision, JobContext, JobError};
use chrono::TimeDelta;
use schema::{AsyncConnection, DbError, people::token_keys as rows};
use serde_json::json;

/// A key signs for this long.
const AGE: TimeDelta = TimeDelta::days(30);
/// Processes read the keys every minute; some may be late.
const NOTICE: TimeDelta = TimeDelta::minutes(5);
/// By how much clocks may differ.
const LEEWAY: TimeDelta = TimeDelta::minutes(1);
/// Retired keys are shown to whoever looks into an incident, and then forgotten.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Rotates if it is time.
pub async fn run(context: &JobContext) -> Result<Decision, JobError> {
    let services = &context.services;
    let now = context.now();
    let signs_from = now + NOTICE;
    let key = token_keys::make(&services.security.key_ring, now, signs_from).map_err(JobError::retry)?;
    let lifetime = TimeDelta::from_std(services.security.sessions.access).unwrap_or(TimeDelta::MAX);
    let retire_at = signs_from.checked_add_signed(lifetime).and_then(|at| at.checked_add_signed(LEEWAY));
    let retire_at = retire_at.ok_or_else(|| JobError::discard("ACCESS_TOKEN_LIFETIME is too long to rotate keys"))?;
    let mut connection = services.db.get().await?;
    let (rotated, forgotten) = connection
        .transaction::<_, DbError, _>(async |connection| {
            let rotated = rows::rotate_if_older(connection, &key, now - AGE, retire_at).await?;
            Ok((rotated, rows::prune(connection, now - KEPT).await?))
        })
        .await?;
    if rotated {
        tracing::info!(key = key.id, %signs_from, "a new key for access tokens");
    }
    let new = rotated.then_some(&key.id);
    Ok(Decision::done_with(&json!({"newKey": new, "signsFrom": new.map(|_| signs_from), "forgotten": forgotten})))
}
