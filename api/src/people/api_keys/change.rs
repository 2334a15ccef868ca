//! Ending a key, and replacing it.

use super::{
    make::{LONGEST, Made, Token, add, check, owner_of},
    view::{ApiKey, MadeKey, audited},
};
use crate::{
    auth::{SignedIn, tell},
    error::{ApiError, ApiResult},
    people::rules,
    state::SharedState,
};
use chrono::TimeDelta;
use domain::{
    ids::{ApiKeyId, UserId},
    permissions::Permission,
    sign_in::SecurityEventKind,
};
use schema::{
    AsyncConnection, AsyncPgConnection,
    audit::{self, Entity},
    people::api_keys as rows,
};
use serde_json::json;

/// How long a replaced key goes on when nothing is said.
const OVERLAP: TimeDelta = TimeDelta::days(1);

/// Ends a key at once.
pub(super) async fn revoke(state: &SharedState, caller: &SignedIn, id: ApiKeyId) -> ApiResult<ApiKey> {
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let row = connection
        .transaction::<_, ApiError, _>(async |connection| {
            let owner = visible(connection, caller, id).await?;
            if owner != caller.user_id {
                rules::lock(connection, caller, owner).await?;
            }
            let before = rows::lock(connection, id).await?.ok_or_else(not_found)?;
            if before.revoked_at.is_some() {
                return Err(ApiError::conflict("already_revoked", "the key is revoked already"));
            }
            rows::revoke(connection, id, now).await?;
            let details = json!({"prefix": before.prefix, "by": caller.user_id});
            tell(connection, &caller.origin, owner, SecurityEventKind::ApiKeyRevoked, now, details).await?;
            let mut after = before.clone();
            after.revoked_at = Some(now);
            let entry = caller.entry("api_key.revoked", Entity::of(id));
            audit::record(connection, &[entry.before(audited(&before)).after(audited(&after))]).await?;
            Ok(after)
        })
        .await?;
    Ok(row.into())
}

/// Makes a key in place of another, which goes on for a while.
pub(super) async fn rotate(
    state: &SharedState,
    caller: &SignedIn,
    id: ApiKeyId,
    overlap: Option<i64>,
) -> ApiResult<MadeKey> {
    let now = state.services.clock.now();
    let overlap = overlap.and_then(TimeDelta::try_seconds).unwrap_or(OVERLAP);
    let token = Token::new();
    let mut connection = state.services.db.get().await?;
    let row = connection
        .transaction::<_, ApiError, _>(async |connection| {
            let owner = visible(connection, caller, id).await?;
            let account = owner_of(connection, caller, owner).await?;
            let old = rows::lock(connection, id).await?.ok_or_else(not_found)?;
            if !old.counts(now) {
                return Err(ApiError::conflict("key_ended", "the key has ended; make a new one"));
            }
            // what its owner has lost meanwhile is not given again
            let permissions = old.permissions().both(account.holding().permissions);
            check(caller, &account, permissions)?;
            let lifetime = old.expires_at.map_or(LONGEST, |at| (at - old.created_at).min(LONGEST));
            let expires_at = now + lifetime;
            let made = Made { name: &old.name, owner, permissions, expires_at, replaces: Some(old.id) };
            let row = add(connection, caller, &token, &made, now).await?;
            let ends = old.expires_at.map_or(now + overlap, |at| at.min(now + overlap));
            rows::expire(connection, id, ends).await?;
            let entry = caller.entry("api_key.rotated", Entity::of(ApiKeyId(row.id)));
            audit::record(connection, &[entry.before(audited(&old)).after(audited(&row))]).await?;
            Ok(row)
        })
        .await?;
    Ok(token.told(row))
}

/// Whose key it is, if the caller may know of it.
async fn visible(connection: &mut AsyncPgConnection, caller: &SignedIn, id: ApiKeyId) -> ApiResult<UserId> {
    let owner = rows::get(connection, id).await?.map(|row| UserId(row.user_id)).ok_or_else(not_found)?;
    if owner == caller.user_id || caller.may(Permission::UsersManage) { Ok(owner) } else { Err(not_found()) }
}

fn not_found() -> ApiError {
    ApiError::not_found("key")
}
