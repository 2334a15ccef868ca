//! Taking steps: those who are due are held, judged, moved on and written to in one statement.
//!
//! A step whose time passed while nobody took it is passed over for the latest that is due. A step's message goes out on
//! the step's channel, or at once on its fallback's where the first cannot be used; whether it got through is looked at
//! after the fallback's hours. However often it is cut off, a message and where its policy stands are written together
//! or not at all.

use super::{stop, withdraw::taken_back};
use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    campaigns::sequence::{REHEARSED_FALLBACK_SECONDS, REHEARSED_STEP_SECONDS},
    messaging::Channel,
};
use std::sync::LazyLock;

/// What a piece of the work came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advanced {
    /// Policies that were due.
    pub taken: i64,
    /// Those whose way is over.
    pub stopped: i64,
    /// Messages.
    pub written: i64,
    /// On these channels.
    pub channels: Vec<Channel>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    taken: i64,
    #[diesel(sql_type = BigInt)]
    stopped: i64,
    #[diesel(sql_type = BigInt)]
    written: i64,
    #[diesel(sql_type = Array<Text>)]
    channels: Vec<String>,
}

/// Who is due and held, with what ends their way.
fn due() -> String {
    format!(
        "due AS MATERIALIZED ( \
            SELECT e.* FROM campaign_enrolments e \
            WHERE e.campaign_id = $1 AND e.state = 'active' AND LEAST(e.next_at, e.fallback_at) <= $2 \
              AND (SELECT c.status = 'active' AND c.audience_ready FROM campaigns c WHERE c.id = $1) \
            ORDER BY LEAST(e.next_at, e.fallback_at), e.id LIMIT $3 FOR UPDATE OF e SKIP LOCKED \
        ), looked AS MATERIALIZED ( \
            SELECT e.*, {reason} AS over, COALESCE(e.next_at <= $2, FALSE) AS stepping FROM due e \
        )",
        reason = stop::reason("$2::TIMESTAMPTZ")
    )
}

// `s` is the step that is taken, or the one whose message is looked after; `n` the one after it; `m` the message that
// is looked after: until when it is waited for, and whether it got through.
fn placed() -> String {
    let step = format!("make_interval(secs => {REHEARSED_STEP_SECONDS})");
    let patience = patience("s.fallback_hours");
    format!(
        "\
    placed AS MATERIALIZED ( \
        SELECT e.id, e.customer_id, e.policy_id, e.term_end, e.rehearsal, e.written, e.over, e.stepping, e.next_at, \
            e.fallback_at, s.step, s.channel, s.template_id, s.template_version, s.fallback_channel, \
            s.fallback_template_id, s.fallback_template_version, s.fallback_hours, \
            n.step AS after_step, n.at AS after_at, m.wait_until, \
            e.written < COALESCE((SELECT (c.plan ->> 'maxMessages')::INTEGER FROM campaigns c WHERE c.id = $1), 32767) \
                AND s.step IS NOT NULL AND CASE WHEN e.stepping THEN CASE s.condition \
                    WHEN 'not_delivered' THEN NOT EXISTS (SELECT 1 FROM messages b WHERE b.enrolment_id = e.id \
                        AND (b.status IN ('delivered', 'read') OR b.delivered_at IS NOT NULL OR b.opened_at IS NOT NULL \
                             OR b.clicked_at IS NOT NULL OR b.replied_at IS NOT NULL)) \
                    WHEN 'not_read' THEN NOT EXISTS (SELECT 1 FROM messages b WHERE b.enrolment_id = e.id \
                        AND (b.status = 'read' OR b.opened_at IS NOT NULL OR b.clicked_at IS NOT NULL \
                             OR b.replied_at IS NOT NULL)) \
                    WHEN 'not_clicked' THEN NOT EXISTS (SELECT 1 FROM messages b WHERE b.enrolment_id = e.id \
                        AND b.clicked_at IS NOT NULL) \
                    WHEN 'not_replied' THEN NOT EXISTS (SELECT 1 FROM messages b WHERE b.enrolment_id = e.id \
                        AND b.replied_at IS NOT NULL) \
                    ELSE TRUE END \
                ELSE COALESCE(NOT m.reached AND m.wait_until IS NULL, FALSE) END AS wanted \
        FROM looked e \
        LEFT JOIN LATERAL ( \
            SELECT x.* FROM campaign_steps x \
            WHERE x.campaign_id = $1 AND CASE WHEN e.stepping \
                THEN x.step >= e.next_step AND (x.step = e.next_step OR NOT e.rehearsal \
                     AND local_instant(e.term_end + x.days + x.at_time, e.time_zone) <= $2) \
                ELSE x.step = e.last_step END \
            ORDER BY x.step DESC LIMIT 1) AS s ON e.over IS NULL \
        LEFT JOIN LATERAL ( \
            SELECT y.step, CASE WHEN e.rehearsal THEN $2 + {step} \
                ELSE local_instant(e.term_end + y.days + y.at_time, e.time_zone) END AS at FROM campaign_steps y \
            WHERE y.campaign_id = $1 AND y.step > s.step ORDER BY y.step LIMIT 1) AS n ON e.stepping \
        LEFT JOIN LATERAL ( \
            SELECT q.reached, CASE WHEN q.reached THEN NULL \
                WHEN q.status IN ('pending', 'sending') AND q.due_at > $2 THEN q.due_at + q.patience \
                WHEN q.status IN ('pending', 'sending') THEN $2 + LEAST(q.patience, INTERVAL '15 minutes') \
                WHEN q.status NOT IN ('failed', 'suppressed') AND q.sent_at + q.patience > $2 \
                    THEN q.sent_at + q.patience END AS wait_until \
            FROM (SELECT b.status, b.due_at, b.sent_at, {patience} AS patience, \
                      b.status = 'read' OR b.opened_at IS NOT NULL OR b.clicked_at IS NOT NULL OR b.replied_at IS NOT NULL \
                      OR s.fallback_unless = 'delivered' AND (b.status = 'delivered' OR b.delivered_at IS NOT NULL) AS reached \
                  FROM messages b \
                  WHERE b.enrolment_id = e.id AND b.step = s.step AND b.channel = s.channel LIMIT 1) AS q \
        ) AS m ON NOT e.stepping \
    )"
    )
}

/// How long a fallback waits for enrolment `e`.
fn patience(hours: &str) -> String {
    format!(
        "CASE WHEN e.rehearsal THEN make_interval(secs => {REHEARSED_FALLBACK_SECONDS}) \
         ELSE make_interval(hours => {hours}) END"
    )
}

// The channel that is used: the step's, or the fallback's where the step's message did not get through, or cannot.
const CHOSEN: &str = "\
    chosen AS MATERIALIZED ( \
        SELECT p.*, o.place, o.used_channel, o.used_template, o.used_version, o.address, o.purpose, o.topic, o.language \
        FROM placed p \
        LEFT JOIN LATERAL ( \
            SELECT u.place, u.channel AS used_channel, u.template_id AS used_template, u.version AS used_version, a.address, \
                t.purpose, t.topic, c.language \
            FROM (SELECT 0 AS place, p.channel, p.template_id, p.template_version AS version WHERE p.stepping \
                  UNION ALL \
                  SELECT 1, p.fallback_channel, p.fallback_template_id, p.fallback_template_version \
                  WHERE p.fallback_channel IS NOT NULL) AS u \
            JOIN templates t ON t.id = u.template_id \
            JOIN customers c ON c.id = p.customer_id \
            CROSS JOIN LATERAL (SELECT CASE u.channel WHEN 'email' THEN c.email ELSE c.phone END AS address) AS a \
            WHERE a.address IS NOT NULL \
              AND c.communication_preferences -> u.channel IS DISTINCT FROM 'false'::JSONB \
              AND NOT EXISTS (SELECT 1 FROM suppressions x WHERE x.channel = u.channel AND x.address = lower(a.address) \
                              AND x.scope = 'all' AND (x.expires_at IS NULL OR x.expires_at > $2)) \
              AND NOT EXISTS (SELECT 1 FROM consents k WHERE k.customer_id = p.customer_id AND k.channel = u.channel \
                              AND k.purpose = t.purpose AND NOT k.granted) \
            ORDER BY u.place LIMIT 1) AS o ON p.wanted \
    )";

// Whether a message was written is asked of a hashed list: a join would compare every pair, since nobody can tell in advance
// how many there are.
fn written() -> String {
    let patience = REHEARSED_FALLBACK_SECONDS;
    format!(
        "\
    written AS ( \
        INSERT INTO messages (campaign_id, customer_id, policy_id, case_id, channel, step, unit, template_id, \
            template_version_id, address, purpose, topic, due_at, enrolment_id, rehearsal, created_at, updated_at) \
        SELECT $1, h.customer_id, h.policy_id, k.id, h.used_channel, h.step, h.id, h.used_template, v.id, h.address, \
            h.purpose, h.topic, $2, h.id, h.rehearsal, $2, $2 \
        FROM chosen h \
        JOIN LATERAL ( \
            SELECT x.id FROM template_versions x \
            WHERE x.template_id = h.used_template AND x.version = h.used_version \
              AND (x.is_fallback OR x.language IN (h.language, split_part(replace(h.language, '-', '_'), '_', 1))) \
            ORDER BY x.language IS NOT DISTINCT FROM h.language DESC, x.is_fallback, x.id LIMIT 1) AS v ON TRUE \
        LEFT JOIN renewal_cases k ON k.policy_id = h.policy_id AND k.term_end = h.term_end \
        WHERE h.used_channel IS NOT NULL ORDER BY h.id \
        ON CONFLICT DO NOTHING RETURNING enrolment_id, channel \
    ), moved AS ( \
        UPDATE campaign_enrolments e SET \
            written = e.written + g.wrote, updated_at = $2, \
            last_step = CASE WHEN g.wrote = 1 THEN g.step ELSE e.last_step END, \
            next_step = CASE WHEN g.is_over THEN NULL WHEN g.stepping THEN g.after_step ELSE e.next_step END, \
            next_at = CASE WHEN g.is_over THEN NULL ELSE g.then_at END, \
            fallback_at = CASE WHEN g.is_over THEN NULL ELSE g.look_at END, \
            state = CASE WHEN g.over IS NOT NULL THEN 'stopped' WHEN g.is_over THEN 'finished' ELSE 'active' END, \
            stopped_for = COALESCE(g.over, CASE WHEN g.is_capped THEN 'max_messages' END) \
        FROM (SELECT f.*, f.over IS NOT NULL OR f.is_capped OR (f.then_at IS NULL AND f.look_at IS NULL) AS is_over \
              FROM (SELECT h.id, h.step, h.over, h.stepping, h.after_step, h.wrote::INTEGER AS wrote, \
                        CASE WHEN h.stepping THEN h.after_at ELSE h.next_at END AS then_at, \
                        CASE WHEN NOT h.stepping THEN h.wait_until \
                             WHEN NOT h.wrote THEN h.fallback_at \
                             WHEN h.place = 0 AND h.fallback_hours IS NOT NULL THEN $2 + CASE WHEN h.rehearsal THEN make_interval(secs => {patience}) ELSE make_interval(hours => h.fallback_hours) END END AS look_at, \
                        COALESCE(h.written + h.wrote::INTEGER \
                            >= (SELECT (c.plan ->> 'maxMessages')::INTEGER FROM campaigns c WHERE c.id = $1), FALSE) AS is_capped \
                    FROM (SELECT c.*, c.id IN (SELECT enrolment_id FROM written) AS wrote FROM chosen c OFFSET 0) AS h) AS f) AS g \
        WHERE e.id = g.id RETURNING e.state \
    ) \
    SELECT (SELECT count(*) FROM due) AS taken, \
        (SELECT count(*) FROM moved WHERE state = 'stopped') AS stopped, \
        (SELECT count(*) FROM written) AS written, \
        ARRAY(SELECT DISTINCT channel::TEXT FROM written ORDER BY 1) AS channels"
    )
}

// Made once, so that it stays prepared.
static ADVANCE: LazyLock<String> = LazyLock::new(|| {
    let over = "over AS (SELECT l.id, l.over AS reason FROM looked l)";
    format!("WITH {}, {}, {CHOSEN}, {over}, {}, {}", due(), placed(), taken_back("$2"), written())
});

/// Moves up to `limit` on who are due, longest due first.
pub async fn advance(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Advanced, DbError> {
    let row: Row = sql(ADVANCE.as_str())
        .bind::<BigInt, _>(campaign)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(limit)
        .get_result(connection)
        .await?;
    let channels = row.channels.iter().map(|name| name.parse::<Channel>());
    let channels = channels.collect::<Result<_, _>>();
    Ok(Advanced {
        taken: row.taken,
        stopped: row.stopped,
        written: row.written,
        channels: channels.map_err(|_| DbError::Unknown { table: "messages", column: "channel" })?,
    })
}
