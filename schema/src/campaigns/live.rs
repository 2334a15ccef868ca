//! What watchers of campaigns ask: which they may see, and how these stand.

use super::counts::{Counts, columns, sums};
use crate::{DbError, names::Known, reach::has_campaign, sql::sql};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    campaigns::{CampaignStatus, report::Metrics},
    permissions::Reach,
};

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
    counts: Counts,
}

/// Where each of these campaigns stands, and how far its messages got, in one look.
pub async fn totals(
    connection: &mut AsyncPgConnection,
    ids: &[i64],
) -> Result<Vec<(i64, CampaignStatus, Metrics)>, DbError> {
    let rows: Vec<Total> = sql(concat!(
        "WITH parts AS ( \
            SELECT campaign_id, ",
        columns!(),
        " FROM campaign_figures WHERE campaign_id = ANY($1) AND dimension = 'step' \
            UNION ALL \
            SELECT campaign_id, ",
        columns!(),
        " FROM campaign_figure_deltas WHERE campaign_id = ANY($1) AND dimension = 'step' \
        ) \
        SELECT c.id, c.status::TEXT, ",
        sums!(),
        " FROM campaigns c LEFT JOIN parts b ON b.campaign_id = c.id WHERE c.id = ANY($1) GROUP BY c.id ORDER BY c.id"
    ))
    .bind::<Array<BigInt>, _>(ids)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.status, row.counts.into())).collect())
}
