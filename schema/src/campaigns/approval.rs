//! A second person's word on campaigns that are too large or too dear for one.

use super::{
    Campaign,
    events::sources,
    moves::{self, Moved},
};
use crate::{
    DbError,
    audit::{self, Actor, Entity},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::{CampaignEvent, CampaignStatus, Forecast};
use domain::ids::CampaignId;
use serde_json::json;
use std::collections::BTreeMap;

/// A second person's word.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// On which campaign.
    pub campaign: i64,
    /// Whether it may begin.
    pub approved: bool,
    /// Where it goes.
    pub to: CampaignStatus,
    /// Why.
    pub note: Option<String>,
    /// When what they looked at had last been changed, where they said so.
    pub seen: Option<DateTime<Utc>>,
    /// Whose word.
    pub actor: Actor,
}

/// Takes the word and logs it; call it in a transaction. `false`: nobody asks for it any more, or its
/// author gave it.
pub async fn judge(connection: &mut AsyncPgConnection, word: &Judgement, now: DateTime<Utc>) -> Result<bool, DbError> {
    let user = word.actor.user.map(|user| user.0);
    let changed = sql_query(
        "UPDATE campaigns SET status = $2, approval = $3, approval_by = $4, approval_at = $5, approval_note = $6, \
             error = NULL, updated_at = $5, \
             started_at = CASE WHEN $2 = 'active' THEN COALESCE(started_at, $5) ELSE started_at END, \
             completed_at = CASE WHEN $2 = 'cancelled' THEN $5 ELSE completed_at END \
         WHERE id = $1 AND status = 'awaiting_approval' AND $4 IS NOT NULL \
           AND created_by IS DISTINCT FROM $4 AND written_by IS DISTINCT FROM $4 \
           AND ($7 IS NULL OR date_trunc('milliseconds', updated_at) = date_trunc('milliseconds', $7))",
    )
    .bind::<BigInt, _>(word.campaign)
    .bind::<Text, _>(word.to.as_str())
    .bind::<Text, _>(if word.approved { "approved" } else { "rejected" })
    .bind::<Nullable<BigInt>, _>(user)
    .bind::<Timestamptz, _>(now)
    .bind::<Nullable<Text>, _>(word.note.as_deref())
    .bind::<Nullable<Timestamptz>, _>(word.seen)
    .execute(connection)
    .await?;
    if changed == 1 {
        let action = if word.approved { "campaign.approved" } else { "campaign.rejected" };
        let entry = word.actor.entry(action, Entity::of(CampaignId(word.campaign)));
        let entry = entry
            .before(json!({"status": CampaignStatus::AwaitingApproval}))
            .after(json!({"status": word.to, "note": word.note}));
        audit::record(connection, &[entry]).await?;
    }
    Ok(changed == 1)
}

/// Keeps what is foretold of a campaign.
pub async fn keep_forecast(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    forecast: &Forecast,
) -> Result<(), DbError> {
    let forecast = serde_json::to_value(forecast)
        .map_err(|error| DbError::Query(diesel::result::Error::SerializationError(Box::new(error))))?;
    sql_query("UPDATE campaigns SET forecast = $2 WHERE id = $1")
        .bind::<BigInt, _>(campaign)
        .bind::<Jsonb, _>(forecast)
        .execute(connection)
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Reason {
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many its audience left out, by reason.
pub async fn left_out(connection: &mut AsyncPgConnection, campaign: i64) -> Result<BTreeMap<String, i64>, DbError> {
    let rows: Vec<Reason> = sql_query(
        "SELECT reason::TEXT, count(*) AS count FROM campaign_exclusions WHERE campaign_id = $1 GROUP BY reason",
    )
    .bind::<BigInt, _>(campaign)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.reason, row.count)).collect())
}

/// Its audience is written, or more people are on its ladder, and that is more than one person may send: it waits for a
/// second one's word, also where it was held or let go on meanwhile. `campaign`: as it was before that was written.
/// `false`: it is over, or another attempt has written it.
pub async fn ask(
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
    why: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let moved: Vec<Moved> = sql_query(moves::statement(
        "c.id = $1 AND c.status = ANY($4) AND c.audience_ready = $5",
        "status = 'awaiting_approval', approval = 'pending', error = $2, updated_at = $3, \
            audience_ready = TRUE, \
            target_count = CASE c.mode \
                WHEN 'sequence' THEN (SELECT count(*) FROM campaign_enrolments e WHERE e.campaign_id = c.id) \
                ELSE (SELECT count(*) FROM messages m WHERE m.campaign_id = c.id) END, \
            excluded_count = (SELECT count(*) FROM campaign_exclusions e WHERE e.campaign_id = c.id)",
    ))
    .bind::<BigInt, _>(campaign.id)
    .bind::<Text, _>(why)
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Text>, _>(sources(CampaignEvent::TooLarge))
    .bind::<Bool, _>(campaign.audience_ready)
    .load(connection)
    .await?;
    Ok(!moved.is_empty())
}
