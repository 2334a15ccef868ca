//! What watchers of campaigns ask: which they may see, and how these stand.

use super::{
    counts::{columns, sums},
    figures::Row,
};
use crate::{DbError, names::Known, reach::has_campaign, sql::sql};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    campaigns::{
        CampaignStatus,
        figures::{Dimension, Figure, Figures},
    },
    local_day::DEFAULT_ZONE,
    permissions::Reach,
};
use std::collections::BTreeMap;

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Those of these campaigns that are in reach.
pub async fn in_reach(connection: &mut AsyncPgConnection, reach: Reach, ids: &[i64]) -> Result<Vec<i64>, DbError> {
    let query = format!("SELECT id FROM campaigns WHERE id = ANY($1) AND {}", has_campaign(reach));
    let rows: Vec<Id> = sql_query(query).bind::<Array<BigInt>, _>(ids).load(connection).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text, deserialize_as = Known<CampaignStatus>)]
    status: CampaignStatus,
    #[diesel(embed)]
    row: Row,
}

/// Of figures, what watchers are told.
const TOLD: [Dimension; 4] = [Dimension::Step, Dimension::Reason, Dimension::Cost, Dimension::Revenue];

/// Where each of these campaigns stands, how far its messages got, why some did not, and what they cost and brought, in
/// one look. A recurring one's are those of all its times, without revenue: of several campaigns that is no sum.
pub async fn totals(
    connection: &mut AsyncPgConnection,
    ids: &[i64],
) -> Result<Vec<(i64, CampaignStatus, Figures)>, DbError> {
    let rows: Vec<Total> = sql(concat!(
        "WITH meant AS ( \
            SELECT id AS of, id AS campaign FROM campaigns WHERE id = ANY($1) \
            UNION ALL SELECT parent_id, id FROM campaigns WHERE parent_id = ANY($1) AND NOT rehearsal \
        ), parts AS ( \
            SELECT of, dimension, key, amount, ",
        columns!(),
        " FROM meant JOIN campaign_figures ON campaign_id = campaign \
            WHERE dimension = ANY($2) AND (of = campaign OR dimension <> 'revenue') \
            UNION ALL \
            SELECT of, dimension, key, amount, ",
        columns!(),
        " FROM meant JOIN campaign_figure_deltas ON campaign_id = campaign \
            WHERE dimension = ANY($2) AND (of = campaign OR dimension <> 'revenue') \
        ) \
        SELECT c.id, c.status::TEXT, COALESCE(b.dimension, 'step')::TEXT AS dimension, COALESCE(b.key, '') AS key, \
            0::BIGINT AS share, COALESCE(sum(b.amount), 0) AS amount, ",
        sums!(),
        " FROM campaigns c LEFT JOIN parts b ON b.of = c.id WHERE c.id = ANY($1) \
        GROUP BY c.id, b.dimension, b.key ORDER BY c.id"
    ))
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Text>, _>(TOLD.iter().map(|one| one.as_str()).collect::<Vec<_>>())
    .load(connection)
    .await?;
    let mut all: BTreeMap<i64, (CampaignStatus, Vec<Figure>)> = BTreeMap::new();
    for Total { id, status, row } in rows {
        all.entry(id).or_insert_with(|| (status, Vec::new())).1.push(row.read()?);
    }
    // nothing of it is by the hour
    Ok(all.into_iter().map(|(id, (status, figures))| (id, status, Figures::of(figures, DEFAULT_ZONE))).collect())
}
