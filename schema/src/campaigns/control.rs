//! More time for campaigns, with its line in the audit log.

use crate::{
    DbError,
    audit::{self, Actor, Entity},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::CampaignId;
use serde_json::json;

/// What is put off or on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extension {
    /// A timed campaign may start until then; one that missed its time is scheduled again.
    pub latest_start: Option<DateTime<Utc>>,
    /// A sequence takes people in until then.
    pub enrol_until: Option<DateTime<Utc>>,
    /// A recurring campaign goes on until then.
    pub recur_until: Option<DateTime<Utc>>,
}

/// Gives a campaign more time and logs it; call it in a transaction. `false`: it is over, or is not of that kind.
pub async fn extend(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    by: &Extension,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let row: Option<Stands> = sql_query(
        "WITH was AS ( \
            SELECT id, status FROM campaigns \
            WHERE id = $1 AND status NOT IN ('completed', 'cancelled', 'failed') \
              AND ($2 IS NULL OR (schedule_type = 'scheduled' AND scheduled_at <= $2 \
                                  AND status IN ('draft', 'awaiting_approval', 'scheduled', 'missed'))) \
              AND ($3 IS NULL OR mode = 'sequence') \
              AND ($4 IS NULL OR (mode = 'recurring' AND $4 > $5)) \
            FOR NO KEY UPDATE \
         ) \
         UPDATE campaigns c SET updated_at = $5, \
            latest_start = COALESCE($2, c.latest_start), \
            enrol_until = COALESCE($3, c.enrol_until), \
            plan = CASE WHEN $4::TIMESTAMPTZ IS NULL THEN c.plan \
                        ELSE jsonb_set(c.plan, '{recurrence,until}', to_jsonb($4)) END, \
            status = CASE WHEN c.status = 'missed' AND $2 >= $5 THEN 'scheduled' ELSE c.status END \
         FROM was WHERE c.id = was.id RETURNING was.status::TEXT AS was, c.status::TEXT",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Nullable<Timestamptz>, _>(by.latest_start)
    .bind::<Nullable<Timestamptz>, _>(by.enrol_until)
    .bind::<Nullable<Timestamptz>, _>(by.recur_until)
    .bind::<Timestamptz, _>(now)
    .get_result(connection)
    .await
    .optional()?;
    let Some(row) = row else { return Ok(false) };
    let entry = actor.entry("campaign.extended", Entity::of(CampaignId(campaign)));
    let entry = entry.before(json!({"status": row.was})).after(json!({
        "status": row.status, "latestStart": by.latest_start, "enrolUntil": by.enrol_until, "recurUntil": by.recur_until,
    }));
    audit::record(connection, &[entry]).await?;
    Ok(true)
}

/// Where a campaign stood, and stands.
#[derive(QueryableByName)]
struct Stands {
    #[diesel(sql_type = Text)]
    was: String,
    #[diesel(sql_type = Text)]
    status: String,
}
