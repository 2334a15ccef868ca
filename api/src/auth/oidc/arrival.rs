//! Whose account it is that somebody came with from an issuer.
//!
//! An identity that is known is its user's. Else a verified address links it to the account of that address; an address
//! that anybody may have typed links nothing. Else there is a new account, where that is configured.

use crate::{
    auth::{login::tell, session::Entrance},
    error::{ApiError, ApiResult},
};
use domain::{ids::RoleId, permissions::SystemRole, sign_in::SecurityEventKind};
use providers::oidc::Identity;
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    audit::{self, Actor, Entity, Entry},
    people::{
        accounts, administrators,
        identities::{self, Guest, NewGuest},
        roles::{self, RoleRow},
    },
};
use serde_json::json;

/// Longer names are cut (characters).
const LONGEST_NAME: usize = 100;

/// Why somebody has no account here.
enum Outcome {
    In(Guest),
    NotActive,
    NotVerified,
    Unknown,
}

/// The account of somebody who has come from an issuer.
pub async fn account(entrance: &Entrance<'_>, identity: &Identity) -> ApiResult<Guest> {
    let mut connection = entrance.state.services.db.get().await?;
    let outcome =
        connection.transaction::<_, DbError, _>(async |connection| find(connection, entrance, identity).await).await?;
    let guest = match outcome {
        Outcome::In(guest) => guest,
        Outcome::NotActive => {
            let message = "the account is not active; ask an administrator";
            return Err(ApiError::forbidden("account_not_active", message));
        }
        Outcome::NotVerified => {
            let message = "the address is not verified there; verify it, or ask an administrator";
            return Err(ApiError::forbidden("email_not_verified", message));
        }
        Outcome::Unknown => {
            return Err(ApiError::forbidden("no_account", "you have no account here; ask an administrator"));
        }
    };
    if let Some(role) = mapped(&mut connection, entrance, identity).await?
        && guest.role_id != Some(role.id)
    {
        connection
            .transaction::<_, DbError, _>(async |connection| give(connection, entrance, identity, &guest, &role).await)
            .await?;
    }
    Ok(guest)
}

async fn find(
    connection: &mut AsyncPgConnection,
    entrance: &Entrance<'_>,
    identity: &Identity,
) -> Result<Outcome, DbError> {
    let Identity { issuer, subject, .. } = identity;
    if let Some(guest) = identities::find(connection, issuer, subject).await? {
        return Ok(if guest.is_active() { Outcome::In(guest) } else { Outcome::NotActive });
    }
    let Some(email) = identity.email.as_deref().filter(|email| email.contains('@') && email.len() <= 255) else {
        return Ok(Outcome::Unknown);
    };
    if !identity.email_verified {
        return Ok(Outcome::NotVerified);
    }
    let guest = match identities::by_email(connection, email).await? {
        Some(guest) if !guest.is_active() => return Ok(Outcome::NotActive),
        Some(guest) => guest,
        None if entrance.state.single_sign_on.settings.create_users => {
            create(connection, entrance, identity, email).await?
        }
        None => return Ok(Outcome::Unknown),
    };
    let now = entrance.state.services.clock.now();
    if identities::link(connection, guest.user(), issuer, subject, now).await? {
        let details = json!({"issuer": issuer});
        let kind = SecurityEventKind::IdentityLinked;
        tell(connection, &entrance.origin, guest.user(), kind, now, details.clone()).await?;
        audit::record(connection, &[entry(entrance, &guest, "user.identity_linked").after(details)]).await?;
    }
    Ok(Outcome::In(guest))
}

async fn create(
    connection: &mut AsyncPgConnection,
    entrance: &Entrance<'_>,
    identity: &Identity,
    email: &str,
) -> Result<Guest, DbError> {
    let role = match mapped(connection, entrance, identity).await? {
        Some(role) => Some(role.role()),
        None => roles::by_name(connection, SystemRole::ReadOnly.as_str()).await?,
    };
    let name = |name: &Option<String>, other: &str| -> String {
        let name = name.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(other);
        name.chars().take(LONGEST_NAME).collect()
    };
    let local = email.split('@').next().unwrap_or_default();
    let (first_name, last_name) = (name(&identity.first_name, local), name(&identity.last_name, "-"));
    let guest = NewGuest { email, first_name: &first_name, last_name: &last_name, role };
    let guest = identities::create(connection, &guest).await?;
    let after = json!({"roleId": role, "issuer": identity.issuer});
    audit::record(connection, &[entry(entrance, &guest, "user.created").after(after)]).await?;
    Ok(guest)
}

/// The first role of the map whose group they are in.
async fn mapped(
    connection: &mut AsyncPgConnection,
    entrance: &Entrance<'_>,
    identity: &Identity,
) -> Result<Option<RoleRow>, DbError> {
    let map = &entrance.state.single_sign_on.settings.role_map;
    let Some((group, name)) = map.iter().find(|(group, _)| identity.groups.contains(group)) else { return Ok(None) };
    let role = roles::to_give(connection, name).await?;
    if role.is_none() {
        tracing::warn!(group, role = name, "OIDC_ROLE_MAP names a role that is not there");
    }
    Ok(role)
}

/// Gives somebody the role of their groups; the last administrator keeps theirs.
async fn give(
    connection: &mut AsyncPgConnection,
    entrance: &Entrance<'_>,
    identity: &Identity,
    guest: &Guest,
    role: &RoleRow,
) -> Result<(), DbError> {
    administrators::lock(connection).await?;
    if administrators::is_last(connection, guest.user()).await? {
        tracing::warn!(user = guest.id, role = role.name, "the last administrator keeps the role");
        return Ok(());
    }
    accounts::set_role(connection, guest.user(), role.role(), entrance.state.services.clock.now()).await?;
    let changed = entry(entrance, guest, "user.role_changed").before(json!({"roleId": guest.role_id.map(RoleId)}));
    let after = json!({"roleId": role.role(), "role": role.name, "issuer": identity.issuer});
    audit::record(connection, &[changed.after(after)]).await
}

/// The issuer's word, through somebody's sign-in.
fn entry(entrance: &Entrance<'_>, guest: &Guest, action: &'static str) -> Entry {
    let actor = Actor { user: Some(guest.user()), ..entrance.origin.anonymous() };
    Entry { actor, action, entity: Entity::of(guest.user()), before: None, after: None }
}
