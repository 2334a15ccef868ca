//! What watchers of campaigns ask: which they may see, and how these stand.

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
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = BigInt)]
    sending: i64,
    #[diesel(sql_type = BigInt)]
    suppressed: i64,
    #[diesel(sql_type = BigInt)]
    unconfirmed: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    sent: i64,
    #[diesel(sql_type = BigInt)]
    delivered: i64,
    #[diesel(sql_type = BigInt)]
    opened: i64,
    #[diesel(sql_type = BigInt)]
    clicked: i64,
    #[diesel(sql_type = BigInt)]
    replied: i64,
    #[diesel(sql_type = BigInt)]
    converted: i64,
    #[diesel(sql_type = BigInt)]
    unsubscribed: i64,
    #[diesel(sql_type = BigInt)]
    complained: i64,
}

/// Where each of these campaigns stands, and how far its messages got, in one look.
pub async fn totals(
    connection: &mut AsyncPgConnection,
    ids: &[i64],
) -> Result<Vec<(i64, CampaignStatus, Metrics)>, DbError> {
    let rows: Vec<Total> = sql("WITH parts AS ( \
            SELECT campaign_id, total, pending, sending, suppressed, unconfirmed, failed, sent, delivered, opened, clicked, \
                replied, converted, unsubscribed, complained \
            FROM campaign_figures WHERE campaign_id = ANY($1) AND dimension = 'step' \
            UNION ALL \
            SELECT campaign_id, total, pending, sending, suppressed, unconfirmed, failed, sent, delivered, opened, clicked, \
                replied, converted, unsubscribed, complained \
            FROM campaign_figure_deltas WHERE campaign_id = ANY($1) AND dimension = 'step' \
        ) \
        SELECT c.id, c.status::TEXT, COALESCE(sum(total), 0)::BIGINT AS total, COALESCE(sum(pending), 0)::BIGINT AS pending, \
            COALESCE(sum(sending), 0)::BIGINT AS sending, COALESCE(sum(suppressed), 0)::BIGINT AS suppressed, \
            COALESCE(sum(unconfirmed), 0)::BIGINT AS unconfirmed, COALESCE(sum(failed), 0)::BIGINT AS failed, \
            COALESCE(sum(sent), 0)::BIGINT AS sent, COALESCE(sum(delivered), 0)::BIGINT AS delivered, \
            COALESCE(sum(opened), 0)::BIGINT AS opened, COALESCE(sum(clicked), 0)::BIGINT AS clicked, \
            COALESCE(sum(replied), 0)::BIGINT AS replied, COALESCE(sum(converted), 0)::BIGINT AS converted, \
            COALESCE(sum(unsubscribed), 0)::BIGINT AS unsubscribed, COALESCE(sum(complained), 0)::BIGINT AS complained \
        FROM campaigns c LEFT JOIN parts b ON b.campaign_id = c.id WHERE c.id = ANY($1) GROUP BY c.id ORDER BY c.id")
    .bind::<Array<BigInt>, _>(ids)
    .load(connection)
    .await?;
    let read = |row: Total| {
        let metrics = Metrics {
            total: row.total,
            pending: row.pending,
            sending: row.sending,
            suppressed: row.suppressed,
            unconfirmed: row.unconfirmed,
            failed: row.failed,
            sent: row.sent,
            delivered: row.delivered,
            opened: row.opened,
            clicked: row.clicked,
            replied: row.replied,
            converted: row.converted,
            unsubscribed: row.unsubscribed,
            complained: row.complained,
        };
        (row.id, row.status, metrics)
    };
    Ok(rows.into_iter().map(read).collect())
}
