//! What became of the calls: recorded in bulk, so that a result never waits long to be kept.
//!
//! Recording again what was recorded changes nothing, so a statement whose answer was lost is simply repeated.

use super::batch::Sender;
use crate::{DbError, campaigns::conversions::news, sql::sql};
use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Nullable, Numeric, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::MessageStatus;
use rust_decimal::Decimal;

/// What a call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutcomeKind {
    /// The provider took it.
    Accepted {
        /// Under this id.
        provider_message_id: String,
    },
    /// The provider did not take it: again, not before `due_at`.
    Again {
        /// The earliest next attempt.
        due_at: DateTime<Utc>,
        /// Whether the attempt counts as one: a rate limit is no fault of the message.
        counts: bool,
    },
    /// The provider refused it for good.
    Failed,
    /// Nobody knows whether it was taken.
    Unknown,
    /// It could not be written any more, or must not be sent: it was not handed over.
    Suppressed,
}

/// What became of one message's call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The message.
    pub message: i64,
    /// Which of its attempts this was.
    pub attempts: i16,
    /// The account that was called.
    pub account: String,
    /// What the call came to.
    pub kind: OutcomeKind,
    /// The provider's code of what went wrong.
    pub code: Option<String>,
    /// What went wrong.
    pub detail: Option<String>,
    /// When the answer came.
    pub at: DateTime<Utc>,
    /// What an accepted message costs, and in how many parts it goes.
    pub cost: Option<Cost>,
    /// Parts of a text message.
    pub segments: Option<i16>,
}

/// What a message costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// How much.
    pub amount: Decimal,
    /// ISO 4217.
    pub currency: String,
}

impl Outcome {
    fn status(&self) -> MessageStatus {
        match self.kind {
            OutcomeKind::Accepted { .. } => MessageStatus::Sent,
            OutcomeKind::Again { .. } => MessageStatus::Pending,
            OutcomeKind::Failed => MessageStatus::Failed,
            OutcomeKind::Unknown => MessageStatus::Unconfirmed,
            OutcomeKind::Suppressed => MessageStatus::Suppressed,
        }
    }

    /// The name in `message_attempts.outcome`.
    fn name(&self) -> &'static str {
        match self.kind {
            OutcomeKind::Accepted { .. } => "accepted",
            OutcomeKind::Again { .. } => "again",
            OutcomeKind::Failed => "failed",
            OutcomeKind::Unknown => "unknown",
            OutcomeKind::Suppressed => "suppressed",
        }
    }

    fn provider_message_id(&self) -> Option<&str> {
        match &self.kind {
            OutcomeKind::Accepted { provider_message_id } => Some(provider_message_id),
            _ => None,
        }
    }

    /// Whether the attempt is taken off the count.
    fn is_refunded(&self) -> bool {
        matches!(self.kind, OutcomeKind::Again { counts: false, .. } | OutcomeKind::Suppressed)
    }

    fn again(&self) -> Option<(DateTime<Utc>, bool)> {
        match self.kind {
            OutcomeKind::Again { due_at, counts } => Some((due_at, counts)),
            _ => None,
        }
    }
}

// A row is `held` while the very attempt that made the call holds it; then it takes the outcome as it is. Otherwise an
// event or another run's clean-up was faster, and the row only climbs: an accepted message to `sent`, a refused one
// from `unconfirmed` to `failed`. One that climbs so late may have been missed where its case was worked out.
const RECORD: &str = concat!(
    "\
    WITH given AS ( \
        SELECT * FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $13, $14, $15, $16, $17) \
            AS g (id, attempts, status, provider_message_id, code, detail, due_at, refund, at, outcome, segments, \
                  cost, currency, account) \
    ), logged AS ( \
        INSERT INTO message_attempts (message_id, attempt, account, outcome, provider_message_id, code, detail, ended_at) \
        SELECT id, attempts, account, outcome, provider_message_id, code, detail, at FROM given ORDER BY id \
        ON CONFLICT (message_id, attempt, ended_at) DO NOTHING \
    ), judged AS ( \
        SELECT g.*, m.campaign_id, m.case_id, m.policies, \
            m.status = 'sending' AND m.send_job = $1 AND m.send_attempt = $2 AND m.attempts = g.attempts AS held, \
            g.status = 'sent' AND m.status = ANY($12) AS climbs, \
            g.status = 'failed' AND m.status = 'unconfirmed' AND m.attempts = g.attempts AS refused \
        FROM messages m JOIN given g ON g.id = m.id ORDER BY m.id FOR UPDATE OF m \
    ), late AS ( \
        SELECT case_id, policies FROM judged WHERE climbs AND held IS NOT TRUE AND campaign_id IS NOT NULL \
    ), told AS (",
    news!("late"),
    ") \
    UPDATE messages m SET updated_at = j.at, \
        status = CASE WHEN j.climbs OR j.held OR j.refused THEN j.status ELSE m.status END, \
        send_job = CASE WHEN j.climbs OR j.held THEN NULL ELSE m.send_job END, \
        send_attempt = CASE WHEN j.climbs OR j.held THEN NULL ELSE m.send_attempt END, \
        attempts = m.attempts - CASE WHEN j.held AND j.refund THEN 1 ELSE 0 END, \
        due_at = CASE WHEN j.held AND j.status = 'pending' THEN j.due_at ELSE m.due_at END, \
        provider_message_id = COALESCE(m.provider_message_id, j.provider_message_id), \
        segments = COALESCE(j.segments, m.segments), \
        cost = COALESCE(j.cost, m.cost), \
        cost_currency = COALESCE(j.currency, m.cost_currency), \
        error_code = CASE WHEN j.climbs OR j.held OR j.refused THEN j.code ELSE m.error_code END, \
        error_message = CASE WHEN j.climbs OR j.held OR j.refused THEN j.detail ELSE m.error_message END, \
        sent_at = CASE WHEN j.status = 'sent' THEN LEAST(m.sent_at, j.at) ELSE m.sent_at END, \
        failed_at = CASE WHEN j.status = 'failed' AND (j.held OR j.refused) THEN j.at ELSE m.failed_at END \
    FROM judged j WHERE m.id = j.id"
);

/// Records outcomes for the attempt that made the calls. Fails on a provider's message id that another message has
/// already ([`DbError::unique_violation`]); then `keep_ids` false records everything but the ids.
pub async fn record(
    connection: &mut AsyncPgConnection,
    sender: Sender,
    outcomes: &[Outcome],
    keep_ids: bool,
) -> Result<(), DbError> {
    fn column<'a, T>(outcomes: &'a [Outcome], of: impl Fn(&'a Outcome) -> T) -> Vec<T> {
        outcomes.iter().map(of).collect()
    }
    let below_sent: Vec<&str> = MessageStatus::ALL
        .iter()
        .filter(|status| status.climb(MessageStatus::Sent).is_some())
        .map(|status| status.as_str())
        .collect();
    sql(RECORD)
        .bind::<SqlUuid, _>(sender.job)
        .bind::<Integer, _>(sender.attempt)
        .bind::<Array<BigInt>, _>(column(outcomes, |outcome| outcome.message))
        .bind::<Array<SmallInt>, _>(column(outcomes, |outcome| outcome.attempts))
        .bind::<Array<Text>, _>(column(outcomes, |outcome| outcome.status().as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(outcomes, |outcome| {
            outcome.provider_message_id().filter(|_| keep_ids)
        }))
        .bind::<Array<Nullable<Text>>, _>(column(outcomes, |outcome| outcome.code.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(column(outcomes, |outcome| outcome.detail.as_deref()))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(outcomes, |outcome| outcome.again().map(|(due_at, _)| due_at)))
        .bind::<Array<Bool>, _>(column(outcomes, Outcome::is_refunded))
        .bind::<Array<Timestamptz>, _>(column(outcomes, |outcome| outcome.at))
        .bind::<Array<Text>, _>(below_sent)
        .bind::<Array<Text>, _>(column(outcomes, Outcome::name))
        .bind::<Array<Nullable<SmallInt>>, _>(column(outcomes, |outcome| outcome.segments))
        .bind::<Array<Nullable<Numeric>>, _>(column(outcomes, |outcome| outcome.cost.as_ref().map(|cost| cost.amount)))
        .bind::<Array<Nullable<Text>>, _>(column(outcomes, |outcome| {
            outcome.cost.as_ref().map(|cost| cost.currency.as_str())
        }))
        .bind::<Array<Text>, _>(column(outcomes, |outcome| outcome.account.as_str()))
        .execute(connection)
        .await?;
    Ok(())
}

/// Gives back to `pending` what the attempt holds and never handed over: all it holds but `in_flight`. For an attempt
/// that lost the answer to its marking.
pub async fn release(
    connection: &mut AsyncPgConnection,
    campaign: Option<i64>,
    sender: Sender,
    in_flight: &[i64],
    now: DateTime<Utc>,
) -> Result<usize, DbError> {
    Ok(sql_query(
        "WITH idle AS ( \
            SELECT id FROM messages \
            WHERE campaign_id IS NOT DISTINCT FROM $1 AND status = 'sending' AND send_job = $2 AND send_attempt = $3 AND id <> ALL($4) \
            ORDER BY id FOR UPDATE \
        ) \
        UPDATE messages m SET status = 'pending', send_job = NULL, send_attempt = NULL, attempts = m.attempts - 1, \
            updated_at = $5 \
        FROM idle WHERE m.id = idle.id AND m.status = 'sending'",
    )
    .bind::<Nullable<BigInt>, _>(campaign)
    .bind::<SqlUuid, _>(sender.job)
    .bind::<Integer, _>(sender.attempt)
    .bind::<Array<BigInt>, _>(in_flight)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?)
}
