//! What campaigns have spent of their pace, for all workers together.

use crate::{DbError, sql::sql};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::plan::{Allowance, allowance};

#[derive(QueryableByName)]
struct Spent {
    #[diesel(sql_type = Timestamptz)]
    spent_until: DateTime<Utc>,
}

/// Spends what is allowed of a campaign's pace on up to `wanted` messages. Call it in the transaction that marks them:
/// others of the campaign wait until it ends.
pub async fn spend(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    gap: TimeDelta,
    wanted: usize,
    now: DateTime<Utc>,
) -> Result<Allowance, DbError> {
    let spent: Spent = sql("INSERT INTO campaign_paces AS p (campaign_id, spent_until) VALUES ($1, $2) \
         ON CONFLICT (campaign_id) DO UPDATE SET spent_until = p.spent_until RETURNING spent_until")
    .bind::<BigInt, _>(campaign)
    .bind::<Timestamptz, _>(now)
    .get_result(connection)
    .await?;
    let allowed = allowance(gap, spent.spent_until, now, wanted);
    if allowed.messages > 0 {
        sql("UPDATE campaign_paces SET spent_until = $2 WHERE campaign_id = $1")
            .bind::<BigInt, _>(campaign)
            .bind::<Timestamptz, _>(allowed.spent_until)
            .execute(connection)
            .await?;
    }
    Ok(allowed)
}
