//! Pruning what is no longer needed, in batches small enough to disturb nobody.

use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Something that is pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prunable {
    /// Jobs that succeeded or were cancelled, by the time they ended.
    FinishedJobs,
    /// Jobs that were given up, by the time they ended.
    DiscardedJobs,
    /// Throughput counts.
    QueueMinutes,
    /// Remembered answers to repeated requests.
    IdempotencyKeys,
    /// Raw provider events that were applied, by the time they came in; those that carried a customer's message are
    /// kept with it.
    AppliedEvents,
    /// Workers that vanished without saying so, by their last heartbeat.
    Workers,
    /// Sessions with their refresh tokens, by the time they ended.
    Sessions,
    /// Tokens sent by mail, by the time they expired.
    AccountTokens,
    /// Sign-ins between password and second factor, likewise.
    LoginChallenges,
    /// Sign-ins under way at an issuer, likewise.
    OidcLogins,
    /// Addresses that asked for a new password.
    ResetRequests,
    /// What happened to accounts.
    SecurityEvents,
    /// Addresses that were to be left alone for a time, by the end of it.
    Suppressions,
}

impl Prunable {
    /// All of them.
    pub const ALL: [Prunable; 13] = [
        Self::FinishedJobs,
        Self::DiscardedJobs,
        Self::QueueMinutes,
        Self::IdempotencyKeys,
        Self::AppliedEvents,
        Self::Workers,
        Self::Sessions,
        Self::AccountTokens,
        Self::LoginChallenges,
        Self::OidcLogins,
        Self::ResetRequests,
        Self::SecurityEvents,
        Self::Suppressions,
    ];

    fn statement(self) -> &'static str {
        match self {
            Self::FinishedJobs => {
                "DELETE FROM jobs WHERE id IN ( \
                    SELECT id FROM jobs WHERE finished_at IS NOT NULL AND finished_at < $1 \
                        AND state IN ('succeeded', 'cancelled') \
                    ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
            }
            Self::DiscardedJobs => {
                "DELETE FROM jobs WHERE id IN ( \
                    SELECT id FROM jobs WHERE finished_at IS NOT NULL AND finished_at < $1 AND state = 'discarded' \
                    ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
            }
            Self::QueueMinutes => {
                "DELETE FROM queue_minutes WHERE (queue, minute) IN ( \
                    SELECT queue, minute FROM queue_minutes WHERE minute < $1 \
                    ORDER BY minute LIMIT $2 FOR UPDATE SKIP LOCKED)"
            }
            Self::IdempotencyKeys => {
                "DELETE FROM idempotency_keys WHERE (user_id, key) IN ( \
                    SELECT user_id, key FROM idempotency_keys WHERE created_at < $1 \
                    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
            }
            Self::AppliedEvents => {
                "DELETE FROM provider_events WHERE id IN ( \
                    SELECT e.id FROM provider_events e WHERE e.received_at < $1 AND e.applied_at IS NOT NULL \
                        AND NOT EXISTS (SELECT 1 FROM inbound_messages i WHERE i.event_id = e.id) \
                    ORDER BY e.received_at LIMIT $2 FOR UPDATE OF e SKIP LOCKED)"
            }
            Self::Workers => {
                "DELETE FROM workers WHERE id IN ( \
                    SELECT id FROM workers WHERE heartbeat_at < $1 \
                    ORDER BY heartbeat_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
            }
            // each has hundreds of refresh tokens, which go with it
            Self::Sessions => {
                "DELETE FROM sessions WHERE id IN ( \
                    SELECT id FROM sessions WHERE revoked_at < $1 OR expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)"
            }
            Self::AccountTokens => {
                "DELETE FROM account_tokens WHERE token_hash IN ( \
                    SELECT token_hash FROM account_tokens WHERE expires_at < $1 \
                    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
            }
            Self::LoginChallenges => {
                "DELETE FROM login_challenges WHERE token_hash IN ( \
                    SELECT token_hash FROM login_challenges WHERE expires_at < $1 \
                    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
            }
            Self::OidcLogins => {
                "DELETE FROM oidc_logins WHERE state_hash IN ( \
                    SELECT state_hash FROM oidc_logins WHERE expires_at < $1 \
                    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
            }
            Self::ResetRequests => {
                "DELETE FROM password_reset_requests WHERE id IN ( \
                    SELECT id FROM password_reset_requests WHERE created_at < $1 \
                    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
            }
            Self::SecurityEvents => {
                "DELETE FROM security_events WHERE id IN ( \
                    SELECT id FROM security_events WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)"
            }
            Self::Suppressions => {
                "DELETE FROM suppressions WHERE id IN ( \
                    SELECT id FROM suppressions WHERE expires_at < $1 \
                    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
            }
        }
    }
}

/// Deletes up to `limit` rows that are older than `before`; answers how many.
pub async fn prune(
    connection: &mut AsyncPgConnection,
    what: Prunable,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, DbError> {
    Ok(sql(what.statement()).bind::<Timestamptz, _>(before).bind::<BigInt, _>(limit).execute(connection).await?)
}
