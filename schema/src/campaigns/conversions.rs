//! Renewals and payments whose campaigns are to be worked out, the messages before them, and what came of it.
//!
//! A trigger on `renewal_cases` writes `case_conversions` in the transaction that renews or pays, or takes that back.
//! Working out a case again replaces what was worked out before, so it may be cut short and repeated at will.

use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Numeric, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rust_decimal::Decimal;

/// A case whose campaigns are to be worked out, locked by the caller's transaction.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Conversion {
    /// Which.
    #[diesel(sql_type = BigInt)]
    pub case_id: i64,
    /// When; `None`: it was taken back.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub converted_at: Option<DateTime<Utc>>,
    /// What it is worth.
    #[diesel(sql_type = Numeric)]
    pub amount: Decimal,
    /// In which currency.
    #[diesel(sql_type = Text)]
    pub currency: String,
}

/// The statement that has converted cases of messages worked out again: those of `$from`, a table with `case_id` and
/// `policies`.
macro_rules! news {
    ($from:literal) => {
        concat!(
            "INSERT INTO conversion_news (case_id) \
             SELECT cc.case_id FROM ",
            $from,
            " AS x JOIN case_conversions cc ON cc.case_id = x.case_id \
             UNION \
             SELECT cc.case_id FROM ",
            $from,
            " AS x CROSS JOIN unnest(x.policies) AS p (id) JOIN renewal_cases r ON r.policy_id = p.id \
             JOIN case_conversions cc ON cc.case_id = r.id"
        )
    };
}
pub(crate) use news;

/// Has the cases of these messages worked out again: they turned out to have been sent, or not to have been.
pub async fn revisit(connection: &mut AsyncPgConnection, messages: &[i64]) -> Result<(), DbError> {
    sql(concat!(
        "WITH told AS MATERIALIZED (SELECT case_id, policies FROM messages WHERE id = ANY($1)) ",
        news!("told")
    ))
    .bind::<Array<BigInt>, _>(messages)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes up to `limit` cases, leaving those that another run has taken.
pub async fn take(connection: &mut AsyncPgConnection, limit: i64) -> Result<Vec<Conversion>, DbError> {
    sql("WITH told AS ( \
            DELETE FROM conversion_news WHERE id = ANY(ARRAY( \
                SELECT id FROM conversion_news ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING case_id \
         ), held AS ( \
            SELECT case_id FROM case_conversions WHERE case_id IN (SELECT case_id FROM told) ORDER BY case_id FOR UPDATE \
         ) \
         UPDATE case_conversions SET due = TRUE WHERE case_id IN (SELECT case_id FROM held)")
    .bind::<BigInt, _>(limit)
    .execute(connection)
    .await?;
    Ok(sql("SELECT case_id, converted_at, amount, currency::TEXT FROM case_conversions WHERE due \
            ORDER BY case_id LIMIT $1 FOR UPDATE SKIP LOCKED")
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?)
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

/// Whether any case waits.
pub async fn is_due(connection: &mut AsyncPgConnection) -> Result<bool, DbError> {
    let row: Found =
        sql("SELECT EXISTS (SELECT FROM case_conversions WHERE due) OR EXISTS (SELECT FROM conversion_news) AS found")
            .get_result(connection)
            .await?;
    Ok(row.found)
}

/// Something a campaign did about a case, or left undone to have something to compare with.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Touch {
    /// The case.
    #[diesel(sql_type = BigInt)]
    pub case_id: i64,
    /// The campaign.
    #[diesel(sql_type = BigInt)]
    pub campaign_id: i64,
    /// `treated` or `holdout`.
    #[diesel(sql_type = Text)]
    pub arm: String,
    /// The message, sent within the campaign's attribution window before the conversion; `None`: there is none such.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub message_id: Option<i64>,
    /// Its step.
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub step: Option<i16>,
    /// Its channel.
    #[diesel(sql_type = Nullable<Text>)]
    pub channel: Option<String>,
    /// Its variant.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub variant_id: Option<i64>,
}

// Whoever is on a ladder counts as treated from then on, as those held out of it do, whether or not a step was due yet.
// A conversion later than a window after a campaign's end says nothing of it, whether one was reached or held out.
const TOUCHES: &str = "\
    WITH cases AS ( \
        SELECT cc.case_id, cc.converted_at, r.policy_id, r.term_end, p.customer_id FROM case_conversions cc \
        JOIN renewal_cases r ON r.id = cc.case_id JOIN policies p ON p.id = r.policy_id \
        WHERE cc.case_id = ANY($1) AND cc.converted_at IS NOT NULL \
    ), windows AS ( \
        SELECT c.id, c.completed_at, make_interval(days => CASE WHEN c.plan ->> 'attributionDays' ~ '^[0-9]{1,3}$' \
            THEN (c.plan ->> 'attributionDays')::INTEGER ELSE $2 END) AS long \
        FROM campaigns c WHERE NOT c.rehearsal \
    ), found AS ( \
        SELECT k.case_id, m.campaign_id, 'treated' AS arm, m.sent_at, m.id, m.step, m.channel, m.variant_id, \
            COALESCE(m.status IN ('sent', 'delivered', 'read') AND m.sent_at <= k.converted_at \
                AND m.sent_at > k.converted_at - w.long, FALSE) AS within \
        FROM cases k JOIN messages m ON m.customer_id = k.customer_id \
            AND (m.case_id = k.case_id OR k.policy_id = ANY(m.policies)) \
        JOIN windows w ON w.id = m.campaign_id \
        WHERE NOT m.rehearsal AND LEAST(m.created_at, m.sent_at) <= k.converted_at \
            AND (w.completed_at IS NULL OR k.converted_at <= w.completed_at + w.long) \
        UNION ALL \
        SELECT k.case_id, e.campaign_id, 'treated', NULL::TIMESTAMPTZ, NULL::BIGINT, NULL::SMALLINT, NULL, NULL::BIGINT, \
            FALSE \
        FROM cases k JOIN campaign_enrolments e ON e.policy_id = k.policy_id AND e.term_end = k.term_end \
        JOIN windows w ON w.id = e.campaign_id \
        WHERE NOT e.rehearsal AND e.state <> 'withdrawn' AND e.created_at <= k.converted_at \
            AND (w.completed_at IS NULL OR k.converted_at <= w.completed_at + w.long) \
        UNION ALL \
        SELECT DISTINCT k.case_id, e.campaign_id, 'holdout', NULL::TIMESTAMPTZ, NULL::BIGINT, NULL::SMALLINT, NULL, \
            NULL::BIGINT, FALSE \
        FROM cases k JOIN campaign_exclusions e ON e.policy_id = k.policy_id AND e.reason = 'holdout' \
        JOIN windows w ON w.id = e.campaign_id \
        WHERE e.created_at <= k.converted_at AND (w.completed_at IS NULL OR k.converted_at <= w.completed_at + w.long) \
    ) \
    SELECT case_id, campaign_id, arm, CASE WHEN within THEN id END AS message_id, step, channel::TEXT, variant_id \
    FROM found ORDER BY case_id, sent_at NULLS FIRST, id";

/// What campaigns did about these cases before they were converted, each case's in the order it happened. `days` is the
/// window of a campaign that names none.
pub async fn touches(connection: &mut AsyncPgConnection, cases: &[i64], days: i32) -> Result<Vec<Touch>, DbError> {
    Ok(sql(TOUCHES).bind::<Array<BigInt>, _>(cases).bind::<Integer, _>(days).load(connection).await?)
}

/// What a campaign is owed of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Credit {
    /// What it did last within its window, or that it did nothing.
    pub touch: Touch,
    /// The case's currency.
    pub currency: String,
    /// The case's worth.
    pub amount: Decimal,
    /// It spoke last of all campaigns.
    pub is_last: bool,
    /// By position, in millionths.
    pub position_share: i32,
    /// The same of the amount.
    pub position_amount: Decimal,
}

/// Replaces what campaigns are owed of these cases, which the caller has taken; answers the campaigns concerned.
pub async fn settle(
    connection: &mut AsyncPgConnection,
    cases: &[i64],
    credits: &[Credit],
) -> Result<Vec<i64>, DbError> {
    fn column<'a, T>(credits: &'a [Credit], of: impl Fn(&'a Credit) -> T) -> Vec<T> {
        credits.iter().map(of).collect()
    }
    let gone: Vec<Gone> =
        sql("DELETE FROM conversion_credits WHERE case_id = ANY($1) RETURNING campaign_id, message_id")
            .bind::<Array<BigInt>, _>(cases)
            .load(connection)
            .await?;
    sql("INSERT INTO conversion_credits (case_id, campaign_id, arm, message_id, step, channel, variant_id, currency, \
            amount, is_last, position_share, position_amount) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
    .bind::<Array<BigInt>, _>(column(credits, |one| one.touch.case_id))
    .bind::<Array<BigInt>, _>(column(credits, |one| one.touch.campaign_id))
    .bind::<Array<Text>, _>(column(credits, |one| one.touch.arm.as_str()))
    .bind::<Array<Nullable<BigInt>>, _>(column(credits, |one| one.touch.message_id))
    .bind::<Array<Nullable<SmallInt>>, _>(column(credits, |one| one.touch.step))
    .bind::<Array<Nullable<Text>>, _>(column(credits, |one| one.touch.channel.as_deref()))
    .bind::<Array<Nullable<BigInt>>, _>(column(credits, |one| one.touch.variant_id))
    .bind::<Array<Text>, _>(column(credits, |one| one.currency.as_str()))
    .bind::<Array<Numeric>, _>(column(credits, |one| one.amount))
    .bind::<Array<Bool>, _>(column(credits, |one| one.is_last))
    .bind::<Array<Integer>, _>(column(credits, |one| one.position_share))
    .bind::<Array<Numeric>, _>(column(credits, |one| one.position_amount))
    .execute(connection)
    .await?;
    let spoken = gone.iter().filter_map(|one| one.message_id);
    let spoken: Vec<i64> = spoken.chain(credits.iter().filter_map(|one| one.touch.message_id)).collect();
    // a statement of its own, so that the next one sees what those have written that were waited for
    sql("SELECT FROM messages WHERE id = ANY($1) ORDER BY id FOR UPDATE")
        .bind::<Array<BigInt>, _>(&spoken)
        .execute(connection)
        .await?;
    // a message about several policies may be owed other cases than these
    sql("UPDATE messages m SET converted_at = g.at \
         FROM (SELECT s.id, min(cc.converted_at) AS at FROM (SELECT DISTINCT unnest($1) AS id) AS s \
               LEFT JOIN conversion_credits c ON c.message_id = s.id \
               LEFT JOIN case_conversions cc ON cc.case_id = c.case_id GROUP BY s.id) AS g \
         WHERE m.id = g.id AND m.converted_at IS DISTINCT FROM g.at")
    .bind::<Array<BigInt>, _>(&spoken)
    .execute(connection)
    .await?;
    sql("UPDATE case_conversions SET due = FALSE WHERE case_id = ANY($1)")
        .bind::<Array<BigInt>, _>(cases)
        .execute(connection)
        .await?;
    let mut campaigns: Vec<i64> = gone.iter().map(|one| one.campaign_id).collect();
    campaigns.extend(credits.iter().map(|one| one.touch.campaign_id));
    campaigns.sort_unstable();
    campaigns.dedup();
    Ok(campaigns)
}

#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = BigInt)]
    campaign_id: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    message_id: Option<i64>,
}
