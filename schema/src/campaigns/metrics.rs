//! A campaign's figures, measured from its messages: counts, a timeline, its contents, and who was left out.
//!
//! One measurement reads one snapshot, so its parts agree. It costs two passes over the campaign's messages.

use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Widths of a timeline's buckets, in seconds: a minute to a week.
const WIDTHS: [i64; 8] = [60, 300, 900, 3_600, 21_600, 86_400, 259_200, 604_800];
/// The most buckets a timeline should have.
const BUCKETS: i64 = 60;

/// How far a campaign's messages got; each further step includes the steps before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, QueryableByName)]
pub struct Figures {
    /// Messages written.
    #[diesel(sql_type = BigInt)]
    pub total: i64,
    /// Not yet handed over.
    #[diesel(sql_type = BigInt)]
    pub pending: i64,
    /// Being handed over.
    #[diesel(sql_type = BigInt)]
    pub sending: i64,
    /// Left out at send time, or stopped.
    #[diesel(sql_type = BigInt)]
    pub suppressed: i64,
    /// Of unknown outcome.
    #[diesel(sql_type = BigInt)]
    pub unconfirmed: i64,
    /// Refused or given up.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    /// Accepted by the provider.
    #[diesel(sql_type = BigInt)]
    pub sent: i64,
    /// Reached a device.
    #[diesel(sql_type = BigInt)]
    pub delivered: i64,
    /// Opened or read.
    #[diesel(sql_type = BigInt)]
    pub opened: i64,
    /// Followed a link.
    #[diesel(sql_type = BigInt)]
    pub clicked: i64,
    /// Answered.
    #[diesel(sql_type = BigInt)]
    pub replied: i64,
    /// Renewed or paid after the message.
    #[diesel(sql_type = BigInt)]
    pub converted: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    first: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last: Option<DateTime<Utc>>,
}

/// What happened in one span of time.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Bucket {
    /// Its start.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// Accepted in it.
    #[diesel(sql_type = BigInt)]
    pub sent: i64,
    /// Delivered in it.
    #[diesel(sql_type = BigInt)]
    pub delivered: i64,
    /// Opened in it.
    #[diesel(sql_type = BigInt)]
    pub opened: i64,
    /// Answered in it.
    #[diesel(sql_type = BigInt)]
    pub replied: i64,
    /// Failed in it.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
}

/// How one template fared.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Content {
    /// Which template.
    #[diesel(sql_type = BigInt)]
    pub template_id: i64,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Accepted by the provider.
    #[diesel(sql_type = BigInt)]
    pub sent: i64,
    /// Reached a device.
    #[diesel(sql_type = BigInt)]
    pub delivered: i64,
    /// Opened or read.
    #[diesel(sql_type = BigInt)]
    pub opened: i64,
    /// Followed a link.
    #[diesel(sql_type = BigInt)]
    pub clicked: i64,
    /// Renewed or paid after the message.
    #[diesel(sql_type = BigInt)]
    pub converted: i64,
}

#[derive(QueryableByName)]
struct Reason {
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The counts.
    pub figures: Figures,
    /// The width of a bucket, in seconds.
    pub width: i64,
    /// The timeline, oldest first, without empty buckets.
    pub timeline: Vec<Bucket>,
    /// The templates, best first.
    pub contents: Vec<Content>,
    /// Exclusions by reason.
    pub excluded: Vec<(String, i64)>,
}

// What the counts have in common. A message's conversion is its case's renewal or payment after it was sent.
const STEPS: &str = "\
    count(*) FILTER (WHERE m.status IN ('sent', 'delivered', 'read')) AS sent, \
    count(*) FILTER (WHERE m.status IN ('delivered', 'read')) AS delivered, \
    count(*) FILTER (WHERE m.opened_at IS NOT NULL OR m.status = 'read') AS opened, \
    count(*) FILTER (WHERE m.clicked_at IS NOT NULL) AS clicked, \
    count(*) FILTER (WHERE m.status IN ('sent', 'delivered', 'read') \
        AND (rc.status = 'renewed' OR rc.payment_status = 'paid') \
        AND COALESCE(rc.payment_date, rc.updated_at) >= m.sent_at) AS converted";

/// Measures a campaign.
pub async fn measure(connection: &mut AsyncPgConnection, campaign: i64) -> Result<Measured, DbError> {
    connection
        .build_transaction()
        .repeatable_read()
        .read_only()
        .run::<_, DbError, _>(async |connection| {
            let figures = figures(connection, campaign).await?;
            let width = width(&figures);
            Ok(Measured {
                timeline: timeline(connection, campaign, width).await?,
                contents: contents(connection, campaign).await?,
                excluded: excluded(connection, campaign).await?,
                figures,
                width,
            })
        })
        .await
}

async fn figures(connection: &mut AsyncPgConnection, campaign: i64) -> Result<Figures, DbError> {
    let query = format!(
        "SELECT count(*) AS total, {STEPS}, \
            count(*) FILTER (WHERE m.status = 'pending') AS pending, \
            count(*) FILTER (WHERE m.status = 'sending') AS sending, \
            count(*) FILTER (WHERE m.status = 'suppressed') AS suppressed, \
            count(*) FILTER (WHERE m.status = 'unconfirmed') AS unconfirmed, \
            count(*) FILTER (WHERE m.status = 'failed') AS failed, \
            count(*) FILTER (WHERE m.replied_at IS NOT NULL) AS replied, \
            min(LEAST(m.sent_at, m.failed_at)) AS first, \
            max(GREATEST(m.sent_at, m.delivered_at, m.opened_at, m.replied_at, m.failed_at)) AS last \
         FROM messages m LEFT JOIN renewal_cases rc ON rc.id = m.case_id WHERE m.campaign_id = $1"
    );
    Ok(sql_query(query).bind::<BigInt, _>(campaign).get_result(connection).await?)
}

/// The narrowest width that does not make too many buckets.
fn width(figures: &Figures) -> i64 {
    let span = match (figures.first, figures.last) {
        (Some(first), Some(last)) => (last - first).num_seconds(),
        _ => 0,
    };
    WIDTHS.into_iter().find(|width| span / width < BUCKETS).unwrap_or(WIDTHS[WIDTHS.len() - 1])
}

async fn timeline(connection: &mut AsyncPgConnection, campaign: i64, width: i64) -> Result<Vec<Bucket>, DbError> {
    Ok(sql_query(
        "SELECT to_timestamp(floor(extract(epoch FROM v.at) / $2) * $2) AS at, \
            count(*) FILTER (WHERE v.step = 'sent') AS sent, \
            count(*) FILTER (WHERE v.step = 'delivered') AS delivered, \
            count(*) FILTER (WHERE v.step = 'opened') AS opened, \
            count(*) FILTER (WHERE v.step = 'replied') AS replied, \
            count(*) FILTER (WHERE v.step = 'failed') AS failed \
         FROM messages m \
         CROSS JOIN LATERAL (VALUES \
            ('sent', CASE WHEN m.status IN ('sent', 'delivered', 'read') THEN m.sent_at END), \
            ('delivered', CASE WHEN m.status IN ('delivered', 'read') THEN m.delivered_at END), \
            ('opened', m.opened_at), ('replied', m.replied_at), \
            ('failed', CASE WHEN m.status = 'failed' THEN m.failed_at END)) AS v (step, at) \
         WHERE m.campaign_id = $1 AND v.at IS NOT NULL GROUP BY 1 ORDER BY 1",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<BigInt, _>(width)
    .load(connection)
    .await?)
}

async fn contents(connection: &mut AsyncPgConnection, campaign: i64) -> Result<Vec<Content>, DbError> {
    let query = format!(
        "SELECT s.*, t.name::TEXT AS name \
         FROM (SELECT m.template_id, {STEPS} \
               FROM messages m LEFT JOIN renewal_cases rc ON rc.id = m.case_id \
               WHERE m.campaign_id = $1 AND m.template_id IS NOT NULL GROUP BY m.template_id) AS s \
         JOIN templates t ON t.id = s.template_id \
         ORDER BY s.opened::FLOAT8 / NULLIF(s.delivered, 0) DESC NULLS LAST, s.sent DESC, s.template_id LIMIT 10"
    );
    Ok(sql_query(query).bind::<BigInt, _>(campaign).load(connection).await?)
}

async fn excluded(connection: &mut AsyncPgConnection, campaign: i64) -> Result<Vec<(String, i64)>, DbError> {
    let rows: Vec<Reason> = sql_query(
        "SELECT reason::TEXT, count(*) FROM campaign_exclusions WHERE campaign_id = $1 GROUP BY reason ORDER BY reason",
    )
    .bind::<BigInt, _>(campaign)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.reason, row.count)).collect())
}

/// Keeps a measurement taken at `at`, unless a later one is kept already.
pub async fn store(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    measured: &Measured,
    metrics: &serde_json::Value,
    at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let count = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
    let figures = &measured.figures;
    let updated = sql_query(
        "UPDATE campaigns SET metrics = $2, metrics_at = $3, excluded_count = $4, sent_count = $5, \
            delivered_count = $6, opened_count = $7, clicked_count = $8, replied_count = $9, converted_count = $10, \
            failed_count = $11, unconfirmed_count = $12 \
         WHERE id = $1 AND (metrics_at IS NULL OR metrics_at <= $3)",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Jsonb, _>(metrics)
    .bind::<Timestamptz, _>(at)
    .bind::<Integer, _>(count(measured.excluded.iter().map(|(_, count)| count).sum()))
    .bind::<Integer, _>(count(figures.sent))
    .bind::<Integer, _>(count(figures.delivered))
    .bind::<Integer, _>(count(figures.opened))
    .bind::<Integer, _>(count(figures.clicked))
    .bind::<Integer, _>(count(figures.replied))
    .bind::<Integer, _>(count(figures.converted))
    .bind::<Integer, _>(count(figures.failed))
    .bind::<Integer, _>(count(figures.unconfirmed))
    .execute(connection)
    .await?;
    Ok(updated == 1)
}
