//! Timed campaigns whose time has come.

use super::events::sources;
use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::CampaignEvent;
use serde_json::Value;

/// A campaign that was moved on.
#[derive(Debug, Clone, QueryableByName)]
pub struct Due {
    /// Which.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Shown to people.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Who asked for it.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub created_by: Option<i64>,
    /// When it was to start.
    #[diesel(sql_type = Timestamptz)]
    pub scheduled_at: DateTime<Utc>,
    /// Its latest start had passed: it asks instead of starting.
    #[diesel(sql_type = Bool)]
    pub missed: bool,
}

/// Moves up to `limit` due campaigns to `preparing`, or to `missed` when their latest start has passed. In the
/// caller's transaction, which enqueues what follows: of several schedulers only one moves each.
pub async fn fire_due(connection: &mut AsyncPgConnection, now: DateTime<Utc>, limit: i64) -> Result<Vec<Due>, DbError> {
    Ok(sql_query(
        "WITH due AS ( \
            SELECT id FROM campaigns WHERE status = 'scheduled' AND scheduled_at <= $1 \
            ORDER BY scheduled_at, id LIMIT $2 FOR UPDATE SKIP LOCKED \
        ) \
        UPDATE campaigns c SET updated_at = $1, \
            status = CASE WHEN c.latest_start < $1 THEN 'missed' ELSE 'preparing' END \
        FROM due WHERE c.id = due.id AND c.status = ANY($3) \
        RETURNING c.id, c.name::TEXT, c.created_by, c.scheduled_at, c.status = 'missed' AS missed",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .bind::<Array<Text>, _>(sources(CampaignEvent::Fired))
    .load(connection)
    .await?)
}

/// A recurring campaign that is due.
#[derive(Debug, Clone, QueryableByName)]
pub struct Recurring {
    /// Which.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Shown to people.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The time that has come.
    #[diesel(sql_type = Timestamptz)]
    pub scheduled_at: DateTime<Utc>,
    /// The zone its times are read in.
    #[diesel(sql_type = Nullable<Text>)]
    pub time_zone: Option<String>,
    /// When it is due again.
    #[diesel(sql_type = Jsonb)]
    pub plan: Value,
}

/// Up to `limit` recurring campaigns whose time has come, held until the caller's transaction ends.
pub async fn hold_recurring(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Recurring>, DbError> {
    Ok(sql_query(
        "SELECT id, name::TEXT, scheduled_at, time_zone::TEXT, plan FROM campaigns \
         WHERE status = 'active' AND mode = 'recurring' AND scheduled_at <= $1 \
         ORDER BY scheduled_at, id LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?)
}

/// Sets when a recurring campaign is due next; without a time it has ended.
pub async fn set_next(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    next: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sql_query(
        "UPDATE campaigns SET scheduled_at = COALESCE($2, scheduled_at), updated_at = $3, \
            started_at = COALESCE(started_at, $3), \
            status = CASE WHEN $2 IS NULL AND status = ANY($4) THEN 'completed' ELSE status END, \
            completed_at = CASE WHEN $2 IS NULL AND status = ANY($4) THEN $3 ELSE completed_at END \
         WHERE id = $1",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Nullable<Timestamptz>, _>(next)
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Text>, _>(sources(CampaignEvent::Ended))
    .execute(connection)
    .await?;
    Ok(())
}
