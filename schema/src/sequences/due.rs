//! Ladders on which somebody is due, or that are to be looked at again.

use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Active ladders on which a step or a fallback is due.
pub async fn due(connection: &mut AsyncPgConnection, now: DateTime<Utc>, limit: i64) -> Result<Vec<i64>, DbError> {
    let rows: Vec<Id> = sql_query(
        "SELECT c.id FROM campaigns c \
         WHERE c.status = 'active' AND c.mode = 'sequence' AND c.audience_ready \
           AND EXISTS (SELECT 1 FROM campaign_enrolments e WHERE e.campaign_id = c.id AND e.state = 'active' \
                       AND LEAST(e.next_at, e.fallback_at) <= $1) \
         ORDER BY c.id LIMIT $2",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Ladders of which something is heard that may end somebody's way.
pub async fn told(connection: &mut AsyncPgConnection, limit: i64) -> Result<Vec<i64>, DbError> {
    // from one campaign to the next along the index, however much is heard of each
    let rows: Vec<Id> = sql_query(
        "WITH RECURSIVE next AS ( \
            (SELECT campaign_id AS id FROM enrolment_news ORDER BY campaign_id LIMIT 1) \
            UNION ALL \
            SELECT (SELECT n.campaign_id FROM enrolment_news n WHERE n.campaign_id > next.id ORDER BY n.campaign_id LIMIT 1) \
            FROM next WHERE next.id IS NOT NULL \
         ) SELECT id FROM next WHERE id IS NOT NULL LIMIT $1",
    )
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Active ladders at which nobody has looked for newcomers, and for those whose way is over, since `before`.
pub async fn unlooked(
    connection: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<i64>, DbError> {
    let rows: Vec<Id> = sql_query(
        "SELECT c.id FROM campaigns c \
         WHERE c.status = 'active' AND c.mode = 'sequence' AND c.audience_ready \
           AND COALESCE(c.enrolled_at <= $1, TRUE) ORDER BY c.id LIMIT $2",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// A campaign that is a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Ladder {
    /// Newcomers are looked for until then; `None`: they are not.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub enrol_until: Option<DateTime<Utc>>,
    /// When they were looked for last.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub enrolled_at: Option<DateTime<Utc>>,
    /// The most messages that a policy gets, over all channels.
    #[diesel(sql_type = Nullable<Integer>)]
    pub max_messages: Option<i32>,
    /// The share of people, in percent, who get nothing.
    #[diesel(sql_type = Nullable<Integer>)]
    pub holdout_percent: Option<i32>,
}

/// The campaign as a ladder; `None`: it is none.
pub async fn ladder(connection: &mut AsyncPgConnection, campaign: i64) -> Result<Option<Ladder>, DbError> {
    Ok(sql_query(
        "SELECT enrol_until, enrolled_at, (plan ->> 'maxMessages')::INTEGER AS max_messages, \
            (plan ->> 'holdoutPercent')::INTEGER AS holdout_percent FROM campaigns \
         WHERE id = $1 AND mode = 'sequence'",
    )
    .bind::<BigInt, _>(campaign)
    .get_result(connection)
    .await
    .optional()?)
}
