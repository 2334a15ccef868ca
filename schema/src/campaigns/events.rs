//! What happens to a campaign without a person asking. Each is one compare-and-set; `false` or `None` means that the
//! campaign was not where the event could move it, which is never an error: somebody else moved it first.

use super::moves::{self, Moved};
use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::campaigns::{CampaignEvent, CampaignStatus, Wanted, status};

/// The statuses an event moves a campaign from.
pub(super) fn sources(event: CampaignEvent) -> Vec<&'static str> {
    let moved = |status: &&CampaignStatus| status::advance(**status, event).is_some();
    CampaignStatus::ALL.iter().filter(moved).map(|status| status.as_str()).collect()
}

/// Its audience is written and every text was tried: counts it, and lets it send unless a person holds it. Answers
/// where it stands now; `None` when it is over, or was started before.
pub async fn start(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    now: DateTime<Utc>,
) -> Result<Option<CampaignStatus>, DbError> {
    let row: Option<Moved> = sql_query(moves::statement(
        "c.id = $1 AND NOT c.audience_ready AND c.status = ANY($3)",
        "status = CASE WHEN c.status = ANY($2) THEN 'active' ELSE c.status END, \
            audience_ready = TRUE, started_at = COALESCE(c.started_at, $4), updated_at = $4, \
            target_count = (SELECT count(*) FROM messages m WHERE m.campaign_id = c.id), \
            excluded_count = (SELECT count(*) FROM campaign_exclusions e WHERE e.campaign_id = c.id)",
    ))
    .bind::<BigInt, _>(campaign)
    .bind::<Array<Text>, _>(sources(CampaignEvent::AudienceBuilt))
    .bind::<Array<Text>, _>(vec!["preparing", "paused", "active"])
    .bind::<Timestamptz, _>(now)
    .get_result(connection)
    .await
    .optional()?;
    let read = |row: Moved| row.status.parse().map_err(|_| DbError::Unknown { table: "campaigns", column: "status" });
    row.map(read).transpose()
}

/// Of a campaign `c` at $1: nobody is on its ladder, and nobody will be put on it.
pub(super) const IS_OVER: &str = "\
    (c.mode <> 'sequence' OR (COALESCE(c.enrol_until <= $1, TRUE) \
        AND NOT EXISTS (SELECT 1 FROM campaign_enrolments e WHERE e.campaign_id = c.id AND e.state = 'active')))";

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = BigInt)]
    #[expect(dead_code, reason = "that it is there says it")]
    id: i64,
}

/// Completes it if no message is pending or being sent, and nobody is on its ladder.
pub async fn complete_if_drained(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let completed = connection.transaction::<_, DbError, _>(async |connection| {
        // whoever makes messages pending again holds the campaign meanwhile: only a statement that begins after they are
        // through sees them
        let held: Option<Held> =
            sql_query("SELECT id FROM campaigns WHERE id = $1 AND status = 'active' FOR NO KEY UPDATE")
                .bind::<BigInt, _>(campaign)
                .get_result(connection)
                .await
                .optional()?;
        match held {
            Some(_) => complete(connection, campaign, now).await,
            None => Ok(false),
        }
    });
    completed.await
}

async fn complete(connection: &mut AsyncPgConnection, campaign: i64, now: DateTime<Utc>) -> Result<bool, DbError> {
    let which = format!(
        "c.id = $2 AND c.status = ANY($3) AND c.audience_ready AND {IS_OVER} \
           AND NOT EXISTS (SELECT 1 FROM messages WHERE campaign_id = $2 AND status = 'pending') \
           AND NOT EXISTS (SELECT 1 FROM messages WHERE campaign_id = $2 AND status = 'sending')"
    );
    let set = "status = 'completed', completed_at = $1, updated_at = $1, error = NULL";
    let moved: Vec<Moved> = sql_query(moves::statement(&which, set))
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(campaign)
        .bind::<Array<Text>, _>(sources(CampaignEvent::Drained))
        .load(connection)
        .await?;
    Ok(!moved.is_empty())
}

/// It cannot go on.
pub async fn fail(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    error: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let moved: Vec<Moved> = sql_query(moves::statement(
        "c.id = $1 AND c.status = ANY($2)",
        "status = 'failed', error = $3, completed_at = $4, updated_at = $4",
    ))
    .bind::<BigInt, _>(campaign)
    .bind::<Array<Text>, _>(sources(CampaignEvent::Broken))
    .bind::<Text, _>(error)
    .bind::<Timestamptz, _>(now)
    .load(connection)
    .await?;
    Ok(!moved.is_empty())
}

/// Pauses it on the platform's own account: going on would only fail more messages. A person resumes it.
pub async fn hold(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    error: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let moved: Vec<Moved> =
        sql_query(moves::statement("c.id = $1 AND c.status = 'active'", "status = $2, error = $3, updated_at = $4"))
            .bind::<BigInt, _>(campaign)
            .bind::<Text, _>(Wanted::Paused.as_str())
            .bind::<Text, _>(error)
            .bind::<Timestamptz, _>(now)
            .load(connection)
            .await?;
    Ok(!moved.is_empty())
}

/// Says why an active campaign waits, or that it no longer does. Answers whether that is news.
pub async fn set_waiting(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    why: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let updated = sql_query(
        "UPDATE campaigns SET error = $2, updated_at = $3 \
         WHERE id = $1 AND status = 'active' AND error IS DISTINCT FROM $2",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Nullable<Text>, _>(why)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(updated == 1)
}
