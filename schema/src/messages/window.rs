//! A window of messages about to be handed over: held while they are judged, then marked.
//!
//! Holding, judging and marking are one transaction of the caller's. Holding looks at the campaign, the account and the
//! lease itself, so a pause or a stop holds from its commit on; marking is the step after which a message may be handed
//! to a provider.

use super::batch::Sender;
use super::render::{ALL_RENEWED, COLUMNS, JOINS, RenderRow};
use crate::{DbError, sequences::stop, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::ExclusionReason;
use serde_json::Value;
use std::{collections::HashMap, sync::LazyLock};

/// Which messages, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    /// Whose messages; `None`: messages of no campaign.
    pub campaign: Option<i64>,
    /// Who will send them.
    pub sender: Sender,
    /// Through which provider.
    pub provider: &'a str,
    /// From which account.
    pub account: &'a str,
    /// Which messages.
    pub ids: &'a [i64],
}

// Attempt $3 of job $2 may send: its campaign $1, if it is one's, lets it, and the account does not wait for a person.
const OPEN: &str = "\
    ($1::BIGINT IS NULL OR EXISTS (SELECT 1 FROM campaigns c WHERE c.id = $1 AND c.status = 'active' AND c.audience_ready)) \
    AND EXISTS (SELECT 1 FROM jobs j WHERE j.id = $2 AND j.attempt = $3 AND j.state = 'running')";
const ACCOUNT_OPEN: &str =
    "NOT EXISTS (SELECT 1 FROM sending_accounts s WHERE s.account = $4 AND s.paused_at IS NOT NULL)";

// Made once, so that it stays prepared.
static HOLD: LazyLock<String> = LazyLock::new(|| {
    let (renewed, passed) = (ExclusionReason::AlreadyRenewed, ExclusionReason::PassedOver);
    let reason = stop::reason("$6::TIMESTAMPTZ");
    format!(
        "WITH picked AS ( \
            SELECT m.id FROM messages m \
            WHERE m.id = ANY($5) AND m.campaign_id IS NOT DISTINCT FROM $1 AND m.status = 'pending' \
              AND m.due_at <= $6 AND (SELECT {OPEN} AND {ACCOUNT_OPEN}) \
            ORDER BY m.id FOR UPDATE OF m SKIP LOCKED \
        ) \
        SELECT m.attempts, {COLUMNS}, \
            CASE WHEN m.campaign_id IS NOT NULL AND {ALL_RENEWED} \
                 THEN '{renewed}' \
                 WHEN e.id IS NOT NULL THEN COALESCE({reason}, CASE WHEN e.last_step > m.step THEN '{passed}' END) END AS over \
        FROM picked JOIN messages m ON m.id = picked.id {JOINS} \
        LEFT JOIN campaign_enrolments e ON e.id = m.enrolment_id ORDER BY m.id"
    )
});

/// A message that is held, and why it is not to be sent after all.
#[derive(Debug, Clone, QueryableByName)]
pub struct HeldRow {
    /// What its text may use.
    #[diesel(embed)]
    pub text: RenderRow,
    /// A name of [`ExclusionReason`]: what it is about is done with.
    #[diesel(sql_type = Nullable<Text>)]
    pub over: Option<String>,
}

/// Holds what may be sent of the window until the caller's transaction ends, by id. Left alone are messages that are
/// no longer pending or not due, or that somebody else holds.
pub async fn hold(
    connection: &mut AsyncPgConnection,
    window: &Window<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<HeldRow>, DbError> {
    Ok(sql(HOLD.as_str())
        .bind::<Nullable<BigInt>, _>(window.campaign)
        .bind::<SqlUuid, _>(window.sender.job)
        .bind::<Integer, _>(window.sender.attempt)
        .bind::<Text, _>(window.account)
        .bind::<Array<BigInt>, _>(window.ids)
        .bind::<Timestamptz, _>(now)
        .load(connection)
        .await?)
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Of these messages, those whose customer is nobody else's turn right now: their customers are held until the caller's
/// transaction ends, so that two windows do not count the same contacts and both send.
pub async fn hold_customers(connection: &mut AsyncPgConnection, messages: &[i64]) -> Result<Vec<i64>, DbError> {
    let rows: Vec<Id> = sql("WITH held AS ( \
            SELECT c.id FROM customers c \
            WHERE c.id IN (SELECT m.customer_id FROM messages m WHERE m.id = ANY($1)) \
            ORDER BY c.id FOR NO KEY UPDATE OF c SKIP LOCKED) \
         SELECT m.id FROM messages m \
         WHERE m.id = ANY($1) AND (m.customer_id IS NULL OR m.customer_id IN (SELECT id FROM held)) ORDER BY m.id")
    .bind::<Array<BigInt>, _>(messages)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// What was decided about a held message.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The message.
    pub message: i64,
    /// What happens.
    pub verdict: Verdict,
    /// What was known, for whoever asks later.
    pub detail: Option<Value>,
}

/// What happens to a held message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is handed over.
    Send,
    /// It waits.
    Defer {
        /// Not before.
        until: DateTime<Utc>,
        /// Why.
        reason: &'static str,
    },
    /// It does not go out.
    Exclude {
        /// Why.
        reason: &'static str,
    },
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Defer { .. } => "defer",
            Self::Exclude { .. } => "exclude",
        }
    }

    const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Send => None,
            Self::Defer { reason, .. } | Self::Exclude { reason } => Some(reason),
        }
    }

    const fn until(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Defer { until, .. } => Some(until),
            Self::Send | Self::Exclude { .. } => None,
        }
    }
}

#[derive(QueryableByName)]
struct Marked {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SmallInt)]
    attempts: i16,
}

#[derive(QueryableByName)]
struct Open {
    #[diesel(sql_type = BigInt)]
    #[expect(dead_code, reason = "that it is there says it")]
    id: i64,
}

/// Keeps a campaign as it is until the caller's transaction ends. `false`: it is no longer active, or being moved at this
/// moment; then [`decide`] would mark nothing.
pub async fn hold_campaign(connection: &mut AsyncPgConnection, campaign: i64) -> Result<bool, DbError> {
    let open: Option<Open> = sql("SELECT id FROM campaigns WHERE id = $1 AND status = 'active' FOR SHARE SKIP LOCKED")
        .bind::<BigInt, _>(campaign)
        .get_result(connection)
        .await
        .optional()?;
    Ok(open.is_some())
}

/// Writes the decisions with their record; answers the marked messages and which attempt it is of each.
///
/// Nothing, when the campaign was paused or stopped since its messages were held: whoever does that either comes first,
/// and is seen here, or waits for this transaction, so that nothing is marked once the answer was given. A campaign that
/// is being moved at this moment is left alone; to wait for it while its messages are held could be a deadlock.
pub async fn decide(
    connection: &mut AsyncPgConnection,
    window: &Window<'_>,
    decided: &[Decided],
    now: DateTime<Utc>,
) -> Result<HashMap<i64, i16>, DbError> {
    fn column<'a, T>(decided: &'a [Decided], of: impl Fn(&'a Decided) -> T) -> Vec<T> {
        decided.iter().map(of).collect()
    }
    let rows: Vec<Marked> = sql("WITH campaign AS MATERIALIZED ( \
            SELECT id FROM campaigns WHERE id = $11 AND status = 'active' FOR SHARE SKIP LOCKED \
        ), given AS ( \
            SELECT * FROM unnest($1, $2, $3, $4, $5) AS g (id, verdict, reason, until, detail) \
            WHERE $11 IS NULL OR EXISTS (SELECT FROM campaign) \
        ), checked AS ( \
            INSERT INTO message_checks (message_id, checked_at, verdict, reason, until, detail) \
            SELECT id, $6, verdict, reason, until, detail FROM given ORDER BY id \
        ), written AS ( \
            UPDATE messages m SET updated_at = $6, \
                status = CASE g.verdict WHEN 'send' THEN 'sending' WHEN 'exclude' THEN 'suppressed' ELSE m.status END, \
                send_job = CASE WHEN g.verdict = 'send' THEN $7 END, \
                send_attempt = CASE WHEN g.verdict = 'send' THEN $8 END, \
                provider = CASE WHEN g.verdict = 'send' THEN $9 ELSE m.provider END, \
                account = CASE WHEN g.verdict = 'send' THEN $10 ELSE m.account END, \
                attempts = m.attempts + CASE WHEN g.verdict = 'send' THEN 1 ELSE 0 END, \
                due_at = COALESCE(g.until, m.due_at), \
                held_for = CASE WHEN g.verdict = 'defer' THEN g.reason END, \
                error_code = CASE WHEN g.verdict = 'exclude' THEN g.reason END, \
                error_message = NULL \
            FROM given g WHERE m.id = g.id RETURNING m.id, m.attempts, g.verdict \
        ) \
        SELECT id, attempts FROM written WHERE verdict = 'send'")
    .bind::<Array<BigInt>, _>(column(decided, |one| one.message))
    .bind::<Array<Text>, _>(column(decided, |one| one.verdict.name()))
    .bind::<Array<Nullable<Text>>, _>(column(decided, |one| one.verdict.reason()))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(decided, |one| one.verdict.until()))
    .bind::<Array<Nullable<Jsonb>>, _>(column(decided, |one| one.detail.as_ref()))
    .bind::<Timestamptz, _>(now)
    .bind::<SqlUuid, _>(window.sender.job)
    .bind::<Integer, _>(window.sender.attempt)
    .bind::<Text, _>(window.provider)
    .bind::<Text, _>(window.account)
    .bind::<Nullable<BigInt>, _>(window.campaign)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.attempts)).collect())
}

/// Whether an attempt may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Gate {
    /// The campaign lets it, and the attempt still holds its job.
    #[diesel(sql_type = Bool)]
    pub open: bool,
    /// The account does not wait for a person.
    #[diesel(sql_type = Bool)]
    pub account_open: bool,
}

/// Whether the attempt may send, and if not, what is in its way.
pub async fn gate(
    connection: &mut AsyncPgConnection,
    campaign: Option<i64>,
    sender: Sender,
    account: &str,
) -> Result<Gate, DbError> {
    let query = format!("SELECT {OPEN} AS open, {ACCOUNT_OPEN} AS account_open");
    Ok(sql_query(query)
        .bind::<Nullable<BigInt>, _>(campaign)
        .bind::<SqlUuid, _>(sender.job)
        .bind::<Integer, _>(sender.attempt)
        .bind::<Text, _>(account)
        .get_result(connection)
        .await?)
}
