//! Giving somebody another role.

use super::view::audited;
use crate::{
    auth::{SignedIn, tell},
    error::{ApiError, ApiResult},
    people::rules::{holding, lock_to_reduce},
    state::SharedState,
};
use domain::{
    ids::UserId,
    people::rules::give,
    permissions::Reach,
    sign_in::{SecurityEventKind, SessionEnd},
};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    people::{
        accounts::{self, AccountRow},
        roles, sessions,
    },
};
use serde_json::json;

/// Gives the role, and ends the sessions that were opened with the one before.
pub(super) async fn set(state: &SharedState, caller: &SignedIn, id: UserId, role: &str) -> ApiResult<AccountRow> {
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let row = connection
        .transaction::<_, ApiError, _>(async |connection| {
            let before = lock_to_reduce(connection, caller, id).await?;
            let role = roles::to_give(connection, role.trim()).await?;
            let role = role.ok_or_else(|| ApiError::invalid("role", "there is no such role"))?;
            give(holding(caller), role.holding())?;
            if before.role.as_deref() == Some(&role.name) {
                return Ok(before);
            }
            accounts::set_role(connection, id, role.role(), now).await?;
            let ended = sessions::end_all(connection, id, None, SessionEnd::RoleChanged, now).await?;
            let details = json!({"ended": ended, "reason": SessionEnd::RoleChanged});
            tell(connection, &caller.origin, id, SecurityEventKind::SessionsEnded, now, details).await?;
            let after = accounts::get(connection, id, Reach::All).await?;
            let after = after.ok_or_else(|| ApiError::not_found("user"))?;
            let entry = caller.entry("user.role_changed", Entity::of(id));
            audit::record(connection, &[entry.before(audited(&before)).after(audited(&after))]).await?;
            Ok(after)
        })
        .await?;
    Ok(row)
}
