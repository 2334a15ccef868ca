//! Messages of unknown outcome of which nothing was heard.

use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// The error code of a message whose outcome will not be waited for any longer.
const CLOSED: &str = "never_confirmed";

/// Says of up to `limit` messages, unconfirmed since before `since`, that their outcome stays unknown. They keep their
/// status: an event may still settle them, and they are never sent again. Answers how many.
pub async fn close_unconfirmed(
    connection: &mut AsyncPgConnection,
    since: DateTime<Utc>,
    why: &str,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize, DbError> {
    Ok(sql_query(
        "WITH old AS ( \
            SELECT id FROM messages \
            WHERE status = 'unconfirmed' AND updated_at < $1 AND error_code IS DISTINCT FROM $2 \
            ORDER BY id LIMIT $5 FOR UPDATE SKIP LOCKED \
        ) \
        UPDATE messages m SET error_code = $2, error_message = concat_ws('; ', m.error_message, $3), updated_at = $4 \
        FROM old WHERE m.id = old.id",
    )
    .bind::<Timestamptz, _>(since)
    .bind::<Text, _>(CLOSED)
    .bind::<Text, _>(why)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .execute(connection)
    .await?)
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

/// Whether there is any message for [`close_unconfirmed`].
pub async fn has_unconfirmed(connection: &mut AsyncPgConnection, since: DateTime<Utc>) -> Result<bool, DbError> {
    let row: Found = sql_query(
        "SELECT EXISTS (SELECT 1 FROM messages WHERE status = 'unconfirmed' AND updated_at < $1 \
                        AND error_code IS DISTINCT FROM $2) AS found",
    )
    .bind::<Timestamptz, _>(since)
    .bind::<Text, _>(CLOSED)
    .get_result(connection)
    .await?;
    Ok(row.found)
}
