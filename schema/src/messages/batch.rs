//! Opening a batch: what earlier attempts left behind, and what is to be sent next.
//!
//! A message is due at its time and by how long its campaign was held besides: no row is rewritten when a paced campaign
//! is resumed. Whoever writes `due_at` of a campaign's message takes that off, whoever reads it adds it.

use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::Channel;
use uuid::Uuid;

/// The attempt of a job that holds messages while it sends them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The job.
    pub job: Uuid,
    /// Its attempt, from 1.
    pub attempt: i32,
}

/// Turns what no living attempt holds from `sending` into `unconfirmed`: whether the provider took it is unknown, so it
/// is never sent again unasked. Answers how many.
///
/// `begun` is a job that has just begun an attempt: what it seems to hold is what an earlier attempt left, which may
/// have had the same number, since an attempt that was given back is not counted.
pub async fn cut_short(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    begun: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<usize, DbError> {
    Ok(sql_query(
        "WITH lost AS ( \
            SELECT m.id FROM messages m \
            WHERE m.campaign_id = $1 AND m.status = 'sending' \
              AND (m.send_job = $4 OR NOT EXISTS ( \
                    SELECT 1 FROM jobs j \
                    WHERE j.id = m.send_job AND j.attempt = m.send_attempt AND j.state = 'running')) \
            ORDER BY m.id FOR UPDATE OF m \
        ) \
        UPDATE messages m SET status = 'unconfirmed', send_job = NULL, send_attempt = NULL, updated_at = $2, \
            error_code = 'attempt_cut_short', error_message = $3 \
        FROM lost WHERE m.id = lost.id AND m.status = 'sending'",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>("the worker ended while the message was being handed over")
    .bind::<Nullable<SqlUuid>, _>(begun)
    .execute(connection)
    .await?)
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Up to `limit` messages of a lane that are due, longest due first: those on the channel whose id leaves `lane` when
/// divided by `lanes`.
pub async fn next_due(
    connection: &mut AsyncPgConnection,
    (campaign, channel): (i64, Channel),
    (lane, lanes): (i64, i64),
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<i64>, DbError> {
    let rows: Vec<Id> = sql_query(
        "SELECT id FROM messages WHERE campaign_id = $1 AND status = 'pending' AND channel = $6 \
           AND due_at <= $4 AND id % $3 = $2 \
         ORDER BY due_at, id LIMIT $5",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<BigInt, _>(lane)
    .bind::<BigInt, _>(lanes)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .bind::<Text, _>(channel.as_str())
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct DueAt {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    due_at: Option<DateTime<Utc>>,
}

/// When the next message of a lane is due; `None` when none is pending.
pub async fn next_due_at(
    connection: &mut AsyncPgConnection,
    (campaign, channel): (i64, Channel),
    (lane, lanes): (i64, i64),
) -> Result<Option<DateTime<Utc>>, DbError> {
    let row: DueAt = sql_query(
        "SELECT (SELECT due_at FROM messages WHERE campaign_id = $1 AND status = 'pending' AND channel = $4 AND id % $3 = $2 \
                 ORDER BY due_at, id LIMIT 1) AS due_at",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<BigInt, _>(lane)
    .bind::<BigInt, _>(lanes)
    .bind::<Text, _>(channel.as_str())
    .get_result(connection)
    .await?;
    Ok(row.due_at)
}

#[derive(QueryableByName)]
struct Any {
    #[diesel(sql_type = Bool)]
    any: bool,
}

/// Whether any message of the campaign is pending, on whatever channel.
pub async fn any_pending(connection: &mut AsyncPgConnection, campaign: i64) -> Result<bool, DbError> {
    let row: Any =
        sql_query("SELECT EXISTS (SELECT 1 FROM messages WHERE campaign_id = $1 AND status = 'pending') AS any")
            .bind::<BigInt, _>(campaign)
            .get_result(connection)
            .await?;
    Ok(row.any)
}
