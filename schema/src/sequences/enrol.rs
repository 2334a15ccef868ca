//! Putting policies on a ladder: one statement over a campaign's target, all or nothing, each with the step that it
//! begins with. Who is left out is written down with the reason.
//!
//! Run again it puts on who has come since, and says of nobody twice why they are left out.

use super::weighed;
use crate::{
    DbError,
    campaigns::{Target, moves},
    places,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Jsonb, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::{campaigns::ExclusionReason, messaging::restraint::Rules};

/// How long the statement may take.
const TIMEOUT: &str = "30min";
/// Memory for its sorts and hashes.
const WORK_MEM: &str = "64MB";

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Enrolled {
    /// Policies put on the ladder.
    #[diesel(sql_type = BigInt)]
    pub enrolled: i64,
    /// Policies of the target left out.
    #[diesel(sql_type = BigInt)]
    pub excluded: i64,
}

/// Whom to put on which ladder.
#[derive(Debug)]
pub struct Enrolling<'a> {
    /// Which campaign.
    pub campaign: i64,
    /// Whom it means.
    pub target: &'a Target,
    /// What tells where somebody lives when nothing better is known.
    pub rules: &'a Rules,
}

/// Puts on the ladder whom the target names and who is on none, in the caller's transaction.
pub async fn enrol(
    connection: &mut AsyncPgConnection,
    this: &Enrolling<'_>,
    now: DateTime<Utc>,
) -> Result<Enrolled, DbError> {
    connection
        .batch_execute(&format!("SET LOCAL statement_timeout = '{TIMEOUT}'; SET LOCAL work_mem = '{WORK_MEM}'"))
        .await?;
    // two that look at one ladder at once would each take the other's people for those of another ladder
    sql_query("SELECT pg_advisory_xact_lock(hashtextextended('ladder', $1))")
        .bind::<BigInt, _>(this.campaign)
        .execute(connection)
        .await?;
    let statement = statement(this.target);
    let statement = this.target.bind(sql_query(statement).into_boxed());
    Ok(statement
        .bind::<BigInt, _>(this.campaign)
        .bind::<Timestamptz, _>(now)
        .bind::<Jsonb, _>(places::bind(this.rules))
        .get_result(connection)
        .await?)
}

fn statement(target: &Target) -> String {
    let (other, holdout) = (ExclusionReason::OnOtherLadder, ExclusionReason::Holdout);
    format!(
        "WITH {weighed}, written AS ( \
            INSERT INTO campaign_enrolments (campaign_id, customer_id, policy_id, case_id, term_end, rehearsal, time_zone, \
                next_step, next_at, created_at, updated_at) \
            SELECT campaign_id, customer_id, policy_id, case_id, term_end, rehearsal, time_zone, step, at, created_at, \
                created_at \
            FROM weighed WHERE why IS NULL ORDER BY at, policy_id ON CONFLICT DO NOTHING RETURNING policy_id \
        ), excluded AS ( \
            INSERT INTO campaign_exclusions (campaign_id, customer_id, policy_id, case_id, reason, created_at) \
            SELECT w.campaign_id, w.customer_id, w.policy_id, w.case_id, COALESCE(w.why, '{other}'), w.created_at \
            FROM weighed w \
            WHERE NOT EXISTS (SELECT 1 FROM written x WHERE x.policy_id = w.policy_id) \
              AND NOT EXISTS (SELECT 1 FROM campaign_exclusions o WHERE o.policy_id = w.policy_id \
                              AND o.campaign_id = w.campaign_id AND (o.reason = COALESCE(w.why, '{other}') \
                                  OR (o.reason = '{holdout}' AND w.reason = '{holdout}'))) \
            RETURNING id \
        ) \
        SELECT (SELECT count(*) FROM written) AS enrolled, (SELECT count(*) FROM excluded) AS excluded",
        weighed = weighed::ctes(target),
    )
}

/// The ladder has been looked at: counts who is on it, and lets a campaign that was being prepared begin. `false`, and
/// the caller rolls back: it was stopped meanwhile.
pub async fn settle(connection: &mut AsyncPgConnection, campaign: i64, now: DateTime<Utc>) -> Result<bool, DbError> {
    let updated = sql_query(moves::statement(
        "c.id = $1 AND c.mode = 'sequence' AND c.status IN ('preparing', 'active', 'paused')",
        "status = CASE WHEN c.status = 'preparing' THEN 'active' ELSE c.status END, \
            audience_ready = TRUE, enrolled_at = $2, started_at = COALESCE(c.started_at, $2), updated_at = $2, \
            target_count = (SELECT count(*) FROM campaign_enrolments e WHERE e.campaign_id = c.id), \
            excluded_count = (SELECT count(*) FROM campaign_exclusions x WHERE x.campaign_id = c.id)",
    ))
    .bind::<BigInt, _>(campaign)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(updated == 1)
}
