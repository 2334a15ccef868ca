//! Timed campaigns whose time has come.

use super::{
    events::sources,
    moves::{self, Moved},
};
use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::{CampaignEvent, CampaignStatus};
use serde_json::Value;

/// A campaign that was moved on.
#[derive(Debug, Clone)]
pub struct Due {
    /// Which.
    pub id: i64,
    /// Shown to people.
    pub name: String,
    /// Who asked for it.
    pub created_by: Option<i64>,
    /// When it was to start.
    pub scheduled_at: DateTime<Utc>,
    /// Its latest start had passed: it asks instead of starting.
    pub missed: bool,
}

/// Moves up to `limit` due campaigns to `preparing`, or to `missed` when their latest start has passed. In the
/// caller's transaction, which enqueues what follows: of several schedulers only one moves each.
pub async fn fire_due(connection: &mut AsyncPgConnection, now: DateTime<Utc>, limit: i64) -> Result<Vec<Due>, DbError> {
    let moved: Vec<Moved> = sql_query(moves::of_free_ones(
        "c.status = 'scheduled' AND c.status = ANY($3) AND c.scheduled_at <= $1 ORDER BY c.scheduled_at, c.id LIMIT $2",
        "updated_at = $1, status = CASE WHEN c.latest_start < $1 THEN 'missed' ELSE 'preparing' END",
    ))
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .bind::<Array<Text>, _>(sources(CampaignEvent::Fired))
    .load(connection)
    .await?;
    let due = |moved: Moved| Due {
        id: moved.id,
        name: moved.name,
        created_by: moved.created_by,
        scheduled_at: moved.scheduled_at.unwrap_or(now),
        missed: moved.status == CampaignStatus::Missed.as_str(),
    };
    Ok(moved.into_iter().map(due).collect())
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
    sql_query(moves::statement(
        "c.id = $1",
        "scheduled_at = COALESCE($2, c.scheduled_at), updated_at = $3, started_at = COALESCE(c.started_at, $3), \
            status = CASE WHEN $2 IS NULL AND c.status = ANY($4) THEN 'completed' ELSE c.status END, \
            completed_at = CASE WHEN $2 IS NULL AND c.status = ANY($4) THEN $3 ELSE c.completed_at END",
    ))
    .bind::<BigInt, _>(campaign)
    .bind::<Nullable<Timestamptz>, _>(next)
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Text>, _>(sources(CampaignEvent::Ended))
    .execute(connection)
    .await?;
    Ok(())
}
