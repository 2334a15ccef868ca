//! Changes of status that a person asked for, each with its line in the audit log.

use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::CampaignStatus;

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
    pub actor: Option<i64>,
    /// The request's id.
    pub request_id: Option<String>,
}

/// Makes the change and logs it, in one statement. `false`: the campaign no longer stands where it did; judge again.
pub async fn change_status(
    connection: &mut AsyncPgConnection,
    change: &StatusChange,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let logged = sql_query(
        "WITH changed AS ( \
            UPDATE campaigns SET status = $3, error = NULL, updated_at = $4, \
                completed_at = CASE WHEN $3 = 'cancelled' THEN $4 ELSE completed_at END \
            WHERE id = $1 AND status = $2 RETURNING id \
        ) \
        INSERT INTO audit_log (at, actor_id, action, entity_type, entity_id, before, after, request_id) \
        SELECT $4, $5, 'campaign.' || $3, 'campaign', id, \
               jsonb_build_object('status', $2), jsonb_build_object('status', $3), $6 \
        FROM changed",
    )
    .bind::<BigInt, _>(change.campaign)
    .bind::<Text, _>(change.from.as_str())
    .bind::<Text, _>(change.to.as_str())
    .bind::<Timestamptz, _>(now)
    .bind::<Nullable<BigInt>, _>(change.actor)
    .bind::<Nullable<Text>, _>(change.request_id.as_deref())
    .execute(connection)
    .await?;
    Ok(logged == 1)
}
