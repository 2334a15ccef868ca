//! Marking a window: the step after which messages may be handed to the provider.

use super::batch::Sender;
use super::render::{COLUMNS, JOINS, RenderRow};
use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::{CampaignStatus, ExclusionReason};
use std::sync::LazyLock;

/// What to mark, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    /// Whose messages.
    pub campaign: i64,
    /// Who will send them.
    pub sender: Sender,
    /// Through which provider.
    pub provider: &'a str,
    /// Which messages.
    pub ids: &'a [i64],
}

// A campaign $1 lets attempt $3 of job $2 send.
const OPEN: &str = "\
    c.status = 'active' AND c.audience_ready \
    AND EXISTS (SELECT 1 FROM jobs j WHERE j.id = $2 AND j.attempt = $3 AND j.state = 'running')";

// Made once, so that it stays prepared.
static MARK: LazyLock<String> = LazyLock::new(|| {
    let renewed = ExclusionReason::AlreadyRenewed;
    let opted_out = ExclusionReason::OptedOut;
    format!(
        "WITH picked AS ( \
            SELECT m.id FROM messages m \
            WHERE m.id = ANY($4) AND m.campaign_id = $1 AND m.status = 'pending' AND m.due_at <= $5 \
              AND (SELECT {OPEN} FROM campaigns c WHERE c.id = $1) \
            ORDER BY m.id FOR UPDATE OF m SKIP LOCKED \
        ), judged AS ( \
            SELECT {COLUMNS}, \
                CASE \
                    WHEN p.status = 'renewed' OR rc.status = 'renewed' OR rc.payment_status = 'paid' THEN '{renewed}' \
                    WHEN c.communication_preferences -> m.channel::TEXT = 'false' THEN '{opted_out}' \
                END AS reason \
            FROM picked JOIN messages m ON m.id = picked.id {JOINS} \
        ), suppressed AS ( \
            UPDATE messages m SET status = 'suppressed', error_code = j.reason, updated_at = $5 \
            FROM judged j WHERE m.id = j.id AND j.reason IS NOT NULL \
        ), marked AS ( \
            UPDATE messages m SET status = 'sending', send_job = $2, send_attempt = $3, provider = $6, \
                attempts = m.attempts + 1, error_code = NULL, error_message = NULL, updated_at = $5 \
            FROM judged j WHERE m.id = j.id AND j.reason IS NULL RETURNING m.id, m.attempts \
        ) \
        SELECT marked.attempts, j.* FROM marked JOIN judged j ON j.id = marked.id ORDER BY j.id"
    )
});

/// Marks what can be marked of the window, and answers those messages, by id. Left alone are messages that are no
/// longer pending or not due, or that somebody has locked; suppressed are those whose customer has renewed or opted
/// out since the audience was written.
///
/// It is one statement, which looks at the campaign itself: a pause or a stop holds from its commit on.
pub async fn mark(
    connection: &mut AsyncPgConnection,
    window: &Window<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<RenderRow>, DbError> {
    Ok(sql(MARK.as_str())
        .bind::<BigInt, _>(window.campaign)
        .bind::<SqlUuid, _>(window.sender.job)
        .bind::<Integer, _>(window.sender.attempt)
        .bind::<Array<BigInt>, _>(window.ids)
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(window.provider)
        .load(connection)
        .await?)
}

#[derive(QueryableByName)]
struct GateRow {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Bool)]
    open: bool,
}

/// Whether a campaign lets an attempt send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// Where the campaign stands.
    pub status: CampaignStatus,
    /// It is active, its audience ready, and the attempt still holds its job.
    pub open: bool,
}

/// Whether the campaign lets the attempt send; `None` when there is no such campaign.
pub async fn gate(connection: &mut AsyncPgConnection, campaign: i64, sender: Sender) -> Result<Option<Gate>, DbError> {
    let query = format!("SELECT c.status::TEXT, {OPEN} AS open FROM campaigns c WHERE c.id = $1");
    let row: Option<GateRow> = sql_query(query)
        .bind::<BigInt, _>(campaign)
        .bind::<SqlUuid, _>(sender.job)
        .bind::<Integer, _>(sender.attempt)
        .get_result(connection)
        .await
        .optional()?;
    let read = |row: GateRow| {
        let status = row.status.parse().map_err(|_| DbError::Unknown { table: "campaigns", column: "status" })?;
        Ok(Gate { status, open: row.open })
    };
    row.map(read).transpose()
}
