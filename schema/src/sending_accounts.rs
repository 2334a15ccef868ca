//! What was found out about the accounts that send: who waits for a person, and why.
//!
//! Accounts themselves are configured. A row is written when there is something to say about one.

use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::Channel;

/// An account as it is known.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct SendingAccountRow {
    /// Its name, unique among all.
    #[diesel(sql_type = Text)]
    pub account: String,
    /// Since when its messages wait; `None`: it sends.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub paused_at: Option<DateTime<Utc>>,
    /// Why.
    #[diesel(sql_type = Nullable<Text>)]
    pub paused_reason: Option<String>,
    /// The provider's own judgement of it.
    #[diesel(sql_type = Nullable<Text>)]
    pub quality: Option<String>,
}

/// Those of the accounts of which anything is known.
pub async fn known(connection: &mut AsyncPgConnection, accounts: &[&str]) -> Result<Vec<SendingAccountRow>, DbError> {
    let query = "SELECT account, paused_at, paused_reason, quality FROM sending_accounts WHERE account = ANY($1)";
    Ok(sql_query(query).bind::<Array<Text>, _>(accounts).load(connection).await?)
}

/// Has an account's messages wait for a person. False: they did already.
pub async fn pause(
    connection: &mut AsyncPgConnection,
    (account, channel, provider): (&str, Channel, &str),
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let written =
        sql("INSERT INTO sending_accounts (account, channel, provider, paused_at, paused_reason, updated_at) \
         VALUES ($1, $2, $3, $5, $4, $5) \
         ON CONFLICT (account) DO UPDATE SET paused_at = $5, paused_reason = $4, updated_at = $5 \
         WHERE sending_accounts.paused_at IS NULL")
        .bind::<Text, _>(account)
        .bind::<Text, _>(channel.as_str())
        .bind::<Text, _>(provider)
        .bind::<Text, _>(reason)
        .bind::<Timestamptz, _>(now)
        .execute(connection)
        .await?;
    Ok(written > 0)
}

/// Lets an account send again. False: it was not paused.
pub async fn resume(connection: &mut AsyncPgConnection, account: &str, now: DateTime<Utc>) -> Result<bool, DbError> {
    let written = sql("UPDATE sending_accounts SET paused_at = NULL, paused_reason = NULL, updated_at = $2 \
         WHERE account = $1 AND paused_at IS NOT NULL")
    .bind::<Text, _>(account)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(written > 0)
}

/// Keeps the provider's judgement of an account.
pub async fn set_quality(
    connection: &mut AsyncPgConnection,
    (account, channel, provider): (&str, Channel, &str),
    quality: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sql("INSERT INTO sending_accounts (account, channel, provider, quality, updated_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (account) DO UPDATE SET quality = $4, updated_at = $5")
    .bind::<Text, _>(account)
    .bind::<Text, _>(channel.as_str())
    .bind::<Text, _>(provider)
    .bind::<Text, _>(quality)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(())
}
