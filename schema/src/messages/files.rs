//! Files of mails that are done with.

use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Jsonb)]
    files: Value,
}

/// Up to `limit` mails with files that are done with since before a time: what the row says of its files.
pub async fn with_old_files(
    connection: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(i64, Value)>, DbError> {
    let rows: Vec<Row> = sql("SELECT id, content -> 'attachments' AS files FROM messages \
         WHERE campaign_id IS NULL AND content ? 'attachments' AND updated_at < $1 \
           AND (status IN ('sent', 'delivered', 'read', 'failed', 'suppressed') \
                OR (status = 'unconfirmed' AND error_code = 'never_confirmed')) \
         ORDER BY updated_at LIMIT $2")
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.files)).collect())
}

/// Has mails forget their files, which are gone; that there were some is kept.
pub async fn forget_files(connection: &mut AsyncPgConnection, messages: &[i64]) -> Result<(), DbError> {
    sql("WITH held AS (SELECT id FROM messages WHERE id = ANY($1) ORDER BY id FOR UPDATE) \
         UPDATE messages m SET content = (m.content - 'attachments') \
            || jsonb_build_object('droppedFiles', jsonb_array_length(m.content -> 'attachments')) \
         FROM held WHERE m.id = held.id AND m.content ? 'attachments'")
    .bind::<Array<BigInt>, _>(messages)
    .execute(connection)
    .await?;
    Ok(())
}
