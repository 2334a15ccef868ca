//! Closing messages of unknown outcome of which nothing was heard, as their account's policy says.

use crate::{DbError, campaigns::conversions::news, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::UnconfirmedEnd;

/// Whose messages are closed, and how.
#[derive(Debug, Clone, Copy)]
pub struct Closing<'a> {
    /// Those of this account; `None`: those of all others.
    pub account: Option<&'a str>,
    /// The accounts that have a policy of their own.
    pub with_policy: &'a [String],
    /// Unconfirmed since before this.
    pub since: DateTime<Utc>,
    /// What stands in for the provider's word.
    pub end: UnconfirmedEnd,
    /// What is said of them.
    pub why: &'a str,
}

#[derive(QueryableByName)]
struct Closed {
    #[diesel(sql_type = Nullable<BigInt>)]
    campaign_id: Option<i64>,
}

/// Closes up to `limit` messages; answers the campaign of each. An event may still settle them, whatever stands in for
/// it, and they are never sent again.
pub async fn close_unconfirmed(
    connection: &mut AsyncPgConnection,
    closing: &Closing<'_>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Option<i64>>, DbError> {
    let rows: Vec<Closed> = sql(concat!(
        "WITH old AS ( \
            SELECT id FROM messages \
            WHERE status = 'unconfirmed' AND error_code IS DISTINCT FROM 'never_confirmed' AND updated_at < $1 \
              AND CASE WHEN $2::TEXT IS NULL THEN account IS NULL OR account <> ALL($3) ELSE account = $2 END \
            ORDER BY id LIMIT $7 FOR UPDATE SKIP LOCKED \
        ), closed AS ( \
        UPDATE messages m SET status = $4, error_code = 'never_confirmed', \
            error_message = concat_ws('; ', m.error_message, $5), updated_at = $6, \
            sent_at = CASE WHEN $4 = 'sent' THEN COALESCE(m.sent_at, m.updated_at) ELSE m.sent_at END, \
            failed_at = CASE WHEN $4 = 'failed' THEN $6 ELSE m.failed_at END \
        FROM old WHERE m.id = old.id RETURNING m.campaign_id, m.case_id, m.policies, m.status \
        ), sent AS ( \
            SELECT case_id, policies FROM closed WHERE status = 'sent' AND campaign_id IS NOT NULL \
        ), told AS (",
        news!("sent"),
        ") SELECT campaign_id FROM closed"
    ))
    .bind::<Timestamptz, _>(closing.since)
    .bind::<Nullable<Text>, _>(closing.account)
    .bind::<Array<Text>, _>(closing.with_policy)
    .bind::<Text, _>(closing.end.as_str())
    .bind::<Text, _>(closing.why)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.campaign_id).collect())
}
