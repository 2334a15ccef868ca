//! What was found out about the accounts that send: who waits for a person, and why.
//!
//! Accounts themselves are configured. A row is written when there is something to say about one.

use crate::{DbError, sql::sql};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::{Channel, UnconfirmedEnd, UnconfirmedPolicy};

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
    /// How many different people it may write to first within a day, as the provider has it.
    #[diesel(sql_type = Nullable<Integer>)]
    pub daily_recipients: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    unconfirmed_after_minutes: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    unconfirmed_as: Option<String>,
}

impl SendingAccountRow {
    /// What it does about messages of unknown outcome, when it has a policy of its own.
    pub fn unconfirmed(&self) -> Result<Option<UnconfirmedPolicy>, DbError> {
        let Some((minutes, end)) = self.unconfirmed_after_minutes.zip(self.unconfirmed_as.as_deref()) else {
            return Ok(None);
        };
        let unknown = |_| DbError::Unknown { table: "sending_accounts", column: "unconfirmed_as" };
        let end: UnconfirmedEnd = end.parse().map_err(unknown)?;
        Ok(Some(UnconfirmedPolicy { after: TimeDelta::minutes(minutes.into()), end }))
    }
}

const COLUMNS: &str =
    "account, paused_at, paused_reason, quality, daily_recipients, unconfirmed_after_minutes, unconfirmed_as";

/// Those of the accounts of which anything is known.
pub async fn known(connection: &mut AsyncPgConnection, accounts: &[&str]) -> Result<Vec<SendingAccountRow>, DbError> {
    let query = format!("SELECT {COLUMNS} FROM sending_accounts WHERE account = ANY($1)");
    Ok(sql_query(query).bind::<Array<Text>, _>(accounts).load(connection).await?)
}

/// The accounts that have a policy of their own for messages of unknown outcome; there are as many as are configured.
pub async fn with_policy(connection: &mut AsyncPgConnection) -> Result<Vec<SendingAccountRow>, DbError> {
    let query = format!("SELECT {COLUMNS} FROM sending_accounts WHERE unconfirmed_as IS NOT NULL ORDER BY account");
    Ok(sql_query(query).load(connection).await?)
}

/// Keeps what an account does about messages of unknown outcome.
pub async fn set_unconfirmed(
    connection: &mut AsyncPgConnection,
    (account, channel, provider): (&str, Channel, &str),
    policy: UnconfirmedPolicy,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sql("INSERT INTO sending_accounts \
            (account, channel, provider, unconfirmed_after_minutes, unconfirmed_as, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (account) DO UPDATE SET unconfirmed_after_minutes = $4, unconfirmed_as = $5, updated_at = $6")
    .bind::<Text, _>(account)
    .bind::<Text, _>(channel.as_str())
    .bind::<Text, _>(provider)
    .bind::<Integer, _>(policy.minutes())
    .bind::<Text, _>(policy.end.as_str())
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(())
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

/// What a provider thinks of an account; `None` leaves what is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Such as `GREEN`, `YELLOW` or `RED`.
    pub quality: Option<String>,
    /// How many different people it may write to first within a day. `Some(None)`: as many as it likes.
    pub daily_recipients: Option<Option<i32>>,
}

/// Keeps the provider's judgement of an account.
pub async fn judge(
    connection: &mut AsyncPgConnection,
    (account, channel, provider): (&str, Channel, &str),
    judgement: &Judgement,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sql("INSERT INTO sending_accounts \
            (account, channel, provider, quality, daily_recipients, judged_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $7, $7) \
         ON CONFLICT (account) DO UPDATE SET quality = COALESCE($4, sending_accounts.quality), \
            daily_recipients = CASE WHEN $6 THEN $5 ELSE sending_accounts.daily_recipients END, \
            judged_at = $7, updated_at = $7")
    .bind::<Text, _>(account)
    .bind::<Text, _>(channel.as_str())
    .bind::<Text, _>(provider)
    .bind::<Nullable<Text>, _>(judgement.quality.as_deref())
    .bind::<Nullable<Integer>, _>(judgement.daily_recipients.flatten())
    .bind::<Bool, _>(judgement.daily_recipients.is_some())
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(())
}
