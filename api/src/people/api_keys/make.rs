//! Making a key.

use super::view::{MadeKey, audited};
use crate::{
    auth::{API_KEY_PREFIX, SignedIn, tell},
    error::{ApiError, ApiResult},
    people::{
        rules::{self, holding},
        text::Faults,
    },
    request::{Id, Name},
    state::SharedState,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ids::{ApiKeyId, UserId},
    people::{Refusal, UserStatus},
    permissions::{Permission, PermissionSet, Reach},
    sign_in::SecurityEventKind,
};
use jobs::security::secret_token::SecretToken;
use poem_openapi::Object;
use schema::{
    AsyncConnection, AsyncPgConnection,
    audit::{self, Entity},
    people::{
        accounts::{self, AccountRow},
        api_keys::{self as rows, ApiKeyRow, NewApiKey},
    },
};
use secrecy::ExposeSecret;
use serde_json::json;

/// A key ends at the latest then.
pub(super) const LONGEST: TimeDelta = TimeDelta::days(365);
/// A key about which nothing is said ends then.
const DEFAULT: TimeDelta = TimeDelta::days(90);
/// Characters by which a key is known, after what all keys begin with: 12 of 62, or 71 bits.
const KNOWN_BY: usize = 12;

/// A key to be.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct NewKey {
    /// What people call it.
    #[oai(validator(min_length = 1, max_length = 100))]
    name: String,
    /// What it may do: nothing that its owner, or whoever makes it, may not do.
    #[oai(validator(min_items = 1, max_items = 200))]
    permissions: Vec<Name<Permission>>,
    /// When it ends: within a year, by default in 90 days.
    expires_at: Option<DateTime<Utc>>,
    /// On whose behalf it works; by default one's own. For somebody else, `users.manage` is needed.
    user_id: Option<Id<UserId>>,
}

/// Makes a key.
pub(super) async fn make(state: &SharedState, caller: &SignedIn, given: NewKey) -> ApiResult<MadeKey> {
    let now = state.services.clock.now();
    let mut faults = Faults::default();
    let name = faults.line("name", &given.name);
    let expires_at = given.expires_at.unwrap_or(now + DEFAULT);
    if expires_at <= now || expires_at > now + LONGEST {
        faults.add("expiresAt", "expected a time to come, within a year");
    }
    faults.none()?;
    let permissions: PermissionSet = given.permissions.into_iter().map(|name| name.0).collect();
    let owner = given.user_id.map_or(caller.user_id, |id| id.0);
    let token = Token::new();
    let mut connection = state.services.db.get().await?;
    let row = connection
        .transaction::<_, ApiError, _>(async |connection| {
            let account = owner_of(connection, caller, owner).await?;
            check(caller, &account, permissions)?;
            let key = Made { name: &name, owner, permissions, expires_at, replaces: None };
            let row = add(connection, caller, &token, &key, now).await?;
            let entry = caller.entry("api_key.created", Entity::of(ApiKeyId(row.id)));
            audit::record(connection, &[entry.after(audited(&row))]).await?;
            Ok(row)
        })
        .await?;
    Ok(token.told(row))
}

/// A key's text, of which its beginning is known.
pub(super) struct Token {
    prefix: String,
    secret: SecretToken,
}

impl Token {
    /// A new one.
    pub fn new() -> Self {
        use rand::distr::{Alphanumeric, SampleString};
        let prefix = format!("{API_KEY_PREFIX}{}", Alphanumeric.sample_string(&mut rand::rng(), KNOWN_BY));
        let secret = SecretToken::new(&format!("{prefix}_"));
        Self { prefix, secret }
    }

    /// Told, this once.
    pub fn told(&self, row: ApiKeyRow) -> MadeKey {
        MadeKey { key: self.secret.text.expose_secret().to_owned(), api_key: row.into() }
    }
}

/// What a key is.
pub(super) struct Made<'a> {
    pub name: &'a str,
    pub owner: UserId,
    pub permissions: PermissionSet,
    pub expires_at: DateTime<Utc>,
    pub replaces: Option<i64>,
}

/// Adds a key and tells its owner's account of it.
pub(super) async fn add(
    connection: &mut AsyncPgConnection,
    caller: &SignedIn,
    token: &Token,
    made: &Made<'_>,
    now: DateTime<Utc>,
) -> ApiResult<ApiKeyRow> {
    let key = NewApiKey {
        prefix: &token.prefix,
        key_hash: &token.secret.hash,
        name: made.name,
        user_id: made.owner.0,
        permissions: json!(made.permissions),
        expires_at: made.expires_at,
        rotated_from: made.replaces,
        created_by: caller.user_id.0,
        created_at: now,
    };
    let row = rows::create(connection, &key).await?;
    let details = json!({"prefix": token.prefix, "by": caller.user_id});
    tell(connection, &caller.origin, made.owner, SecurityEventKind::ApiKeyMade, now, details).await?;
    Ok(row)
}

/// The account that a key works for: one's own, or that of somebody one may change.
pub(super) async fn owner_of(
    connection: &mut AsyncPgConnection,
    caller: &SignedIn,
    owner: UserId,
) -> ApiResult<AccountRow> {
    let account = if owner == caller.user_id {
        let own = accounts::lock(connection, owner, Reach::Own(owner)).await?;
        own.ok_or_else(|| ApiError::not_found("user"))?
    } else {
        caller.demand(Permission::UsersManage)?;
        rules::lock(connection, caller, owner).await?
    };
    if account.status()? != UserStatus::Active {
        return Err(ApiError::conflict("account_not_active", "a key works for somebody who is active"));
    }
    Ok(account)
}

/// Whether a key may do that: what its owner may, and whoever makes it.
pub(super) fn check(caller: &SignedIn, owner: &AccountRow, permissions: PermissionSet) -> ApiResult<()> {
    let held = owner.holding().permissions.both(holding(caller).permissions);
    let missing = permissions.without(held);
    if missing.is_empty() { Ok(()) } else { Err(Refusal::NotHeld(missing).into()) }
}
