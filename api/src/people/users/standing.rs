//! Keeping somebody out and letting them in again, and what helps them when they are in trouble.

use super::view::audited;
use crate::{
    auth::{SignedIn, tell},
    error::{ApiError, ApiResult},
    people::rules::{lock, lock_to_reduce},
    state::SharedState,
};
use domain::{
    ids::UserId,
    people::{UserStatus, rules::other_than},
    permissions::Reach,
    sign_in::{AccountMail, SecurityEventKind, SessionEnd},
};
use jobs::accounts::notice;
use schema::{
    AsyncConnection, AsyncPgConnection,
    audit::{self, Entity},
    people::{
        accounts::{self, AccountRow},
        sessions,
    },
};
use serde_json::json;

/// Keeps somebody out, at once.
pub(super) async fn suspend(state: &SharedState, caller: &SignedIn, id: UserId) -> ApiResult<AccountRow> {
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let row = connection
        .transaction::<_, ApiError, _>(async |connection| {
            let before = lock_to_reduce(connection, caller, id).await?;
            if before.status()? == UserStatus::Suspended {
                return Err(ApiError::conflict("already_suspended", "the account is suspended already"));
            }
            accounts::set_status(connection, id, UserStatus::Suspended, now).await?;
            let ended = sessions::end_all(connection, id, None, SessionEnd::Suspended, now).await?;
            let details = json!({"ended": ended, "reason": SessionEnd::Suspended});
            tell(connection, &caller.origin, id, SecurityEventKind::SessionsEnded, now, details).await?;
            changed(connection, caller, "user.suspended", &before).await
        })
        .await?;
    Ok(row)
}

/// Lets somebody in again; whoever never answered an invitation, is invited again.
pub(super) async fn activate(state: &SharedState, caller: &SignedIn, id: UserId) -> ApiResult<AccountRow> {
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let row = connection
        .transaction::<_, ApiError, _>(async |connection| {
            let before = lock(connection, caller, id).await?;
            other_than(caller.user_id, id)?;
            let status = match before.status()? {
                UserStatus::Active => {
                    return Err(ApiError::conflict("already_active", "the account is active already"));
                }
                UserStatus::Invited => {
                    let message = "they have not answered the invitation yet; it can be sent again";
                    return Err(ApiError::conflict("invited", message));
                }
                UserStatus::Suspended | UserStatus::Inactive if before.has_means => UserStatus::Active,
                UserStatus::Suspended | UserStatus::Inactive => UserStatus::Invited,
            };
            accounts::set_status(connection, id, status, now).await?;
            changed(connection, caller, "user.activated", &before).await
        })
        .await?;
    Ok(row)
}

async fn changed(
    connection: &mut AsyncPgConnection,
    caller: &SignedIn,
    action: &'static str,
    before: &AccountRow,
) -> ApiResult<AccountRow> {
    let after = accounts::get(connection, before.user(), Reach::All).await?;
    let after = after.ok_or_else(|| ApiError::not_found("user"))?;
    let entry = caller.entry(action, Entity::of(before.user()));
    audit::record(connection, &[entry.before(audited(before)).after(audited(&after))]).await?;
    Ok(after)
}

/// Lets strangers try the account again.
pub(super) async fn unlock(state: &SharedState, caller: &SignedIn, id: UserId) -> ApiResult<AccountRow> {
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let row = connection
        .transaction::<_, ApiError, _>(async |connection| {
            let row = lock(connection, caller, id).await?;
            accounts::unlock(connection, id).await?;
            tell(connection, &caller.origin, id, SecurityEventKind::Unlocked, now, json!({})).await?;
            audit::record(connection, &[caller.entry("user.unlocked", Entity::of(id))]).await?;
            Ok(row)
        })
        .await?;
    drop(connection);
    // written down first: what follows can be done again, and a record without it harms nobody
    state.attempts.unlock(&row.email).await?;
    Ok(row)
}

/// Signs somebody out everywhere; how many sessions that were.
pub(super) async fn end_sessions(state: &SharedState, caller: &SignedIn, id: UserId) -> ApiResult<usize> {
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let ended = connection
        .transaction::<_, ApiError, _>(async |connection| {
            lock(connection, caller, id).await?;
            let ended = sessions::end_all(connection, id, None, SessionEnd::Administrator, now).await?;
            let details = json!({"ended": ended, "reason": SessionEnd::Administrator});
            tell(connection, &caller.origin, id, SecurityEventKind::SessionsEnded, now, details.clone()).await?;
            let entry = caller.entry("user.sessions_ended", Entity::of(id)).after(details);
            audit::record(connection, &[entry]).await?;
            Ok(ended)
        })
        .await?;
    Ok(ended)
}

/// Takes somebody's second factor away, for whoever has lost it.
pub(super) async fn disable_mfa(state: &SharedState, caller: &SignedIn, id: UserId) -> ApiResult<AccountRow> {
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let (row, mail) = connection
        .transaction::<_, ApiError, _>(async |connection| {
            other_than(caller.user_id, id)?;
            let mut row = lock(connection, caller, id).await?;
            if !row.mfa_enabled {
                return Err(ApiError::conflict("mfa_not_enabled", "no second factor is set up"));
            }
            accounts::clear_mfa(connection, id, now).await?;
            let details = json!({"by": "administrator"});
            let event = tell(connection, &caller.origin, id, SecurityEventKind::MfaDisabled, now, details).await?;
            let entry = caller.entry("user.mfa_disabled", Entity::of(id));
            let entry = entry.before(json!({"mfaEnabled": true})).after(json!({"mfaEnabled": false}));
            audit::record(connection, &[entry]).await?;
            row.mfa_enabled = false;
            Ok((row, notice(connection, now, id, AccountMail::MfaDisabled, Some(event)).await?))
        })
        .await?;
    drop(connection);
    state.services.dispatcher.push(&[mail]).await;
    Ok(row)
}
