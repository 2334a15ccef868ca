//! Sign-ins that are under way at an issuer: known by the hash (SHA-256) of their state, and good for one answer.

use crate::{DbError, tables::oidc_logins};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// A sign-in that is under way.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = oidc_logins)]
pub struct OidcLogin {
    /// Of what comes back.
    pub state_hash: Vec<u8>,
    /// At which issuer.
    pub provider: String,
    /// What the token must hold.
    pub nonce: String,
    /// The PKCE verifier, sealed.
    pub verifier: String,
    /// Of what the browser keeps.
    pub browser_hash: Vec<u8>,
    /// Where the browser goes then.
    pub return_to: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// No answer counts then.
    pub expires_at: DateTime<Utc>,
}

/// Begins one.
pub async fn begin(connection: &mut AsyncPgConnection, login: &OidcLogin) -> Result<(), DbError> {
    diesel::insert_into(oidc_logins::table).values(login).execute(connection).await?;
    Ok(())
}

/// Takes one, once; `None`: there is none, it was answered, or its time is over.
pub async fn take(
    connection: &mut AsyncPgConnection,
    state_hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<OidcLogin>, DbError> {
    let taken = diesel::delete(oidc_logins::table.find(&state_hash[..])).returning(OidcLogin::as_returning());
    let login: Option<OidcLogin> = taken.get_result(connection).await.optional()?;
    Ok(login.filter(|login| login.expires_at > now))
}
