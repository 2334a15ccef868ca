//! Timed campaigns whose time has come.

use super::events::sources;
use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::CampaignEvent;

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
