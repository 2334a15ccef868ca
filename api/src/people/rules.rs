//! The rules about people, as endpoints ask and answer them.

use crate::{
    auth::{Principal, SignedIn},
    error::{ApiError, ApiResult},
};
use domain::{
    ids::UserId,
    people::{Holding, Refusal, UserStatus, rules},
    permissions::{Reach, Scope},
};
use schema::{
    AsyncPgConnection,
    people::{
        accounts::{self, AccountRow},
        administrators,
    },
};
use serde_json::json;

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::NotHeld(missing) => {
                Self::forbidden("not_held", message).with_details(json!({"permissions": missing}))
            }
            Refusal::WiderScope => Self::forbidden("wider_scope", message),
            Refusal::HoldsMore => Self::forbidden("holds_more", message),
            Refusal::OwnAccount => Self::forbidden("own_account", message),
            Refusal::LastAdministrator => Self::conflict("last_administrator", message),
        }
    }
}

/// What the caller holds; with a key, what the key gives.
pub(super) fn holding(caller: &Principal) -> Holding {
    let scope = match caller.reach {
        Reach::Own(_) => Scope::Own,
        Reach::Branch(..) => Scope::Branch,
        Reach::All => Scope::All,
    };
    Holding { permissions: caller.permissions, scope }
}

/// The account, locked, which the caller may change. 404 out of reach.
pub(super) async fn lock(connection: &mut AsyncPgConnection, caller: &SignedIn, id: UserId) -> ApiResult<AccountRow> {
    let row = accounts::lock(connection, id, caller.reach).await?.ok_or_else(|| ApiError::not_found("user"))?;
    rules::change((caller.user_id, holding(caller)), (id, row.holding()))?;
    Ok(row)
}

/// The account of somebody else, locked, which the caller may take rights from: one that is not the last
/// administrator's.
pub(super) async fn lock_to_reduce(
    connection: &mut AsyncPgConnection,
    caller: &SignedIn,
    id: UserId,
) -> ApiResult<AccountRow> {
    rules::other_than(caller.user_id, id)?;
    administrators::lock(connection).await?;
    let row = lock(connection, caller, id).await?;
    if row.status()? == UserStatus::Active && administrators::is_last(connection, id).await? {
        return Err(Refusal::LastAdministrator.into());
    }
    Ok(row)
}
