//! Changes of status that a person asked for, each with its line in the audit log.

use crate::{
    DbError,
    audit::{self, Actor, Entity},
};
use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{campaigns::CampaignStatus, ids::CampaignId};
use serde_json::json;

/// From where to where, and on whose word.
#[derive(Debug, Clone)]
pub struct StatusChange {
    /// Which campaign.
    pub campaign: i64,
    /// Where it stood when the request was judged.
    pub from: CampaignStatus,
    /// Where it goes.
    pub to: CampaignStatus,
    /// Who asked.
    pub actor: Actor,
}

/// Makes the change and logs it; call it in a transaction. `false`: the campaign no longer stands where it
/// did; judge again.
pub async fn change_status(
    connection: &mut AsyncPgConnection,
    change: &StatusChange,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let changed = sql_query(
        "UPDATE campaigns SET status = $3, error = NULL, updated_at = $4, \
             approval = CASE $3 WHEN 'awaiting_approval' THEN 'pending' WHEN 'draft' THEN NULL ELSE approval END, \
             judged_from = CASE WHEN $2 = 'paused' AND $3 = 'active' AND error IS NOT NULL \
                                THEN (SELECT jsonb_build_object('sent', COALESCE(sum(f.sent), 0), \
                                          'failed', COALESCE(sum(f.failed), 0), \
                                          'complained', COALESCE(sum(f.complained), 0)) \
                                      FROM (SELECT sent, failed, complained FROM campaign_figures \
                                            WHERE campaign_id = $1 AND dimension = 'step' \
                                            UNION ALL SELECT sent, failed, complained FROM campaign_figure_deltas \
                                            WHERE campaign_id = $1 AND dimension = 'step') AS f) \
                                ELSE judged_from END, \
             completed_at = CASE WHEN $3 = 'cancelled' THEN $4 ELSE completed_at END \
         WHERE id = $1 AND status = $2",
    )
    .bind::<BigInt, _>(change.campaign)
    .bind::<Text, _>(change.from.as_str())
    .bind::<Text, _>(change.to.as_str())
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    if changed == 1 {
        let entry = change.actor.entry(action(change.to), Entity::of(CampaignId(change.campaign)));
        let entry = entry.before(json!({"status": change.from})).after(json!({"status": change.to}));
        audit::record(connection, &[entry]).await?;
    }
    Ok(changed == 1)
}

/// What was done to a campaign that stands there now.
fn action(to: CampaignStatus) -> &'static str {
    match to {
        CampaignStatus::AwaitingApproval => "campaign.submitted",
        CampaignStatus::Draft => "campaign.withdrawn",
        CampaignStatus::Scheduled => "campaign.scheduled",
        CampaignStatus::Preparing => "campaign.started",
        CampaignStatus::Active => "campaign.resumed",
        CampaignStatus::Paused => "campaign.paused",
        CampaignStatus::Completed => "campaign.completed",
        CampaignStatus::Cancelled => "campaign.stopped",
        CampaignStatus::Failed => "campaign.failed",
        CampaignStatus::Missed => "campaign.missed",
    }
}
