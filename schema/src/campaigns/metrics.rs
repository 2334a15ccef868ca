//! A campaign's figures: counters, a timeline, and the names of what they are told apart by.
//!
//! One measurement reads one snapshot, so its parts agree. It reads counters, never messages.

use super::figures::{pieces, read};
use crate::{DbError, reach::has_campaign, sequences::enrolled, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::{
    figures::{Dimension, Figures, HOLDOUT},
    lift::Lift,
    report::Span,
    timeline::{self, WIDTHS},
};
use domain::local_day::zone_of;
use domain::permissions::Reach;
use std::collections::HashMap;

/// So long a timeline, in seconds, is looked at by the minute: no span of it is wider than a quarter of an hour.
const BY_MINUTE: i64 = 60 * WIDTHS[1];

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The counts.
    pub figures: Figures,
    /// The width of a span, in seconds.
    pub width: i64,
    /// The timeline, oldest first, without empty spans.
    pub timeline: Vec<Span>,
    /// What keys are called.
    pub names: Names,
    /// Policies on its ladder, which get several messages each; `None`: nothing is compared.
    enrolled: Option<i64>,
}

impl Measured {
    /// What one campaign added, when some were held out.
    pub fn lift(&self) -> Option<Lift> {
        self.figures.lift(self.enrolled?)
    }
}

/// What keys are called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Labels of variants.
    pub variants: HashMap<i64, String>,
    /// Names of branches.
    pub branches: HashMap<i64, String>,
    /// Names of templates.
    pub templates: HashMap<i64, String>,
    /// Version and language, by the version's row.
    pub versions: HashMap<i64, (i32, String)>,
}

/// Measures campaigns together; hours and days are those of `zone`, an IANA name.
pub async fn measure(
    connection: &mut AsyncPgConnection,
    campaigns: &[i64],
    zone: Option<&str>,
) -> Result<Measured, DbError> {
    connection
        .build_transaction()
        .repeatable_read()
        .read_only()
        .run::<_, DbError, _>(async |connection| {
            let zone = zone_of(zone);
            let figures = Figures::of(read(connection, campaigns).await?, zone);
            let mut happened = pieces(connection, campaigns, Dimension::Quarter).await?;
            let (first, last) = (happened.as_slice().first(), happened.last());
            let long = last.map_or(0, |last| last.at) - first.map_or(0, |first| first.at);
            if long < BY_MINUTE {
                happened = pieces(connection, campaigns, Dimension::Minute).await?;
            }
            let width = timeline::width(&happened);
            let timeline = timeline::spans(&happened, width, zone);
            // whoever is in several campaigns is tried once only, and finding them would be counting messages
            let is_compared = campaigns.len() == 1 && figures.exclusions.iter().any(|(reason, _)| reason == HOLDOUT);
            let enrolled = if is_compared { Some(enrolled(connection, campaigns).await?) } else { None };
            Ok(Measured { names: names(connection, &figures).await?, timeline, figures, width, enrolled })
        })
        .await
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The campaigns that are added up when this one is asked for: itself and every time it was sent, and, if it is the
/// group that is meant, the same of every campaign of its group; those in reach. Rehearsals count for themselves only.
pub async fn counted(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    campaign: i64,
    is_group: bool,
) -> Result<Vec<i64>, DbError> {
    let rows: Vec<Id> = sql_query(format!(
        "WITH named AS ( \
            SELECT $1 AS id \
            UNION SELECT o.id FROM campaigns c JOIN campaigns o ON o.group_id = c.group_id WHERE c.id = $1 AND $2 \
         ), meant AS (SELECT id FROM named UNION SELECT o.id FROM campaigns o JOIN named n ON o.parent_id = n.id) \
         SELECT campaigns.id FROM meant JOIN campaigns ON campaigns.id = meant.id \
         WHERE campaigns.id = $1 OR (NOT campaigns.rehearsal AND {}) ORDER BY campaigns.id",
        has_campaign(reach)
    ))
    .bind::<BigInt, _>(campaign)
    .bind::<Bool, _>(is_group)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct NameRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Integer>)]
    version: Option<i32>,
}

async fn names(connection: &mut AsyncPgConnection, figures: &Figures) -> Result<Names, DbError> {
    let variants: Vec<i64> = figures.variants.keys().copied().collect();
    let branches: Vec<i64> = figures.branches.keys().copied().collect();
    let templates: Vec<i64> = figures.templates.keys().map(|(template, _)| *template).collect();
    let versions: Vec<i64> = figures.templates.keys().filter_map(|(_, version)| *version).collect();
    let rows: Vec<NameRow> = sql("SELECT 'variant' AS kind, id, label::TEXT AS name, NULL::INTEGER AS version \
             FROM campaign_variants WHERE id = ANY($1) \
         UNION ALL SELECT 'branch', id, name::TEXT, NULL FROM branches WHERE id = ANY($2) \
         UNION ALL SELECT 'template', id, name::TEXT, NULL FROM templates WHERE id = ANY($3) \
         UNION ALL SELECT 'version', id, language::TEXT, version FROM template_versions WHERE id = ANY($4)")
    .bind::<Array<BigInt>, _>(variants)
    .bind::<Array<BigInt>, _>(branches)
    .bind::<Array<BigInt>, _>(templates)
    .bind::<Array<BigInt>, _>(versions)
    .load(connection)
    .await?;
    let mut names = Names::default();
    for NameRow { kind, id, name, version } in rows {
        match (kind.as_str(), version) {
            ("variant", _) => drop(names.variants.insert(id, name)),
            ("branch", _) => drop(names.branches.insert(id, name)),
            ("template", _) => drop(names.templates.insert(id, name)),
            (_, Some(version)) => drop(names.versions.insert(id, (version, name))),
            (_, None) => {}
        }
    }
    Ok(names)
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
    let figures = &measured.figures.whole.metrics;
    let updated = sql_query(
        "UPDATE campaigns SET metrics = $2, metrics_at = $3, excluded_count = $4, sent_count = $5, \
            delivered_count = $6, opened_count = $7, clicked_count = $8, replied_count = $9, converted_count = $10, \
            failed_count = $11, unconfirmed_count = $12 \
         WHERE id = $1 AND (metrics_at IS NULL OR metrics_at <= $3)",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Jsonb, _>(metrics)
    .bind::<Timestamptz, _>(at)
    .bind::<Integer, _>(count(measured.figures.exclusions.iter().map(|(_, count)| count).sum()))
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
