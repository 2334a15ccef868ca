//! How far the bounce mailbox has been read, and whom the messages were written to that its mails claim to be about.

use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// How far a mailbox has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Cursor {
    /// What numbers count within.
    #[diesel(sql_type = BigInt)]
    pub uid_validity: i64,
    /// The last number read.
    #[diesel(sql_type = BigInt)]
    pub last_uid: i64,
}

/// How far a mailbox has been read, if it ever was.
pub async fn find(connection: &mut AsyncPgConnection, account: &str) -> Result<Option<Cursor>, DbError> {
    let text = "SELECT uid_validity, last_uid FROM bounce_mailboxes WHERE account = $1";
    Ok(sql(text).bind::<Text, _>(account).get_result(connection).await.optional()?)
}

/// Records how far a mailbox has been read.
pub async fn advance(
    connection: &mut AsyncPgConnection,
    account: &str,
    to: Cursor,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sql("INSERT INTO bounce_mailboxes (account, uid_validity, last_uid, read_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account) DO UPDATE SET uid_validity = $2, last_uid = $3, read_at = $4")
    .bind::<Text, _>(account)
    .bind::<BigInt, _>(to.uid_validity)
    .bind::<BigInt, _>(to.last_uid)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// A mail of ours, as far as a report on it must fit.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Written {
    /// The message.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Whom it was written to, in small letters.
    #[diesel(sql_type = Text)]
    pub address: String,
    /// How often it was tried.
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
}

/// Those of the messages that are e-mails.
pub async fn written(connection: &mut AsyncPgConnection, ids: &[i64]) -> Result<Vec<Written>, DbError> {
    let text = "SELECT id, lower(address) AS address, attempts FROM messages \
                WHERE id = ANY ($1) AND channel = 'email'";
    Ok(sql(text).bind::<Array<BigInt>, _>(ids).load(connection).await?)
}
