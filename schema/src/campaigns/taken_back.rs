//! The end of a stop: everything that was pending is taken back.

use crate::DbError;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Logs, once a campaign, how many messages were taken back for that reason.
pub async fn log_taken_back(connection: &mut AsyncPgConnection, campaign: i64, reason: &str) -> Result<(), DbError> {
    sql_query(
        "INSERT INTO audit_log (action, entity_type, entity_id, after) \
         SELECT 'campaign.taken_back', 'campaign', c.id, jsonb_build_object('status', c.status, 'messages', \
             (SELECT count(*) FROM messages m \
              WHERE m.campaign_id = c.id AND m.status = 'suppressed' AND m.error_code = $2)) \
         FROM campaigns c WHERE c.id = $1 AND NOT EXISTS ( \
             SELECT 1 FROM audit_log a \
             WHERE a.entity_type = 'campaign' AND a.entity_id = c.id AND a.action = 'campaign.taken_back')",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Text, _>(reason)
    .execute(connection)
    .await?;
    Ok(())
}
