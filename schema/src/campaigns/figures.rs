//! Counters of campaigns: read, and folded.
//!
//! Triggers append what each statement changed (`campaign_figure_deltas`); folding adds that to `campaign_figures` and
//! removes it, in one statement, so a reader of one snapshot that adds both up is right at any moment, whatever folds
//! meanwhile or was cut short. Folding that does not happen makes reading slower, never wrong.

use super::counts::{Counts, columns, sums};
use crate::{DbError, sql::sql};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Numeric, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::{
    figures::{Dimension, Figure},
    report::Metrics,
    timeline::Piece,
};
use rust_decimal::Decimal;

/// Dimensions whose keys are few.
const FEW: [Dimension; 12] = [
    Dimension::Step,
    Dimension::Variant,
    Dimension::Branch,
    Dimension::Template,
    Dimension::Reason,
    Dimension::Slot,
    Dimension::Excluded,
    Dimension::Cost,
    Dimension::Revenue,
    Dimension::LastTouch,
    Dimension::Position,
    Dimension::Arm,
];
/// Dimensions of which only the keys with most are told.
const MANY: [Dimension; 2] = [Dimension::Domain, Dimension::Link];
/// How many of those.
const MOST: i64 = 50;

#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = Text)]
    dimension: String,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(embed)]
    counts: Counts,
    #[diesel(sql_type = BigInt)]
    share: i64,
    #[diesel(sql_type = Numeric)]
    amount: Decimal,
}

impl Row {
    pub(super) fn read(self) -> Result<Figure, DbError> {
        let unknown = DbError::Unknown { table: "campaign_figures", column: "dimension" };
        Ok(Figure {
            dimension: self.dimension.parse().map_err(|_| unknown)?,
            key: self.key,
            metrics: self.counts.into(),
            share: self.share,
            amount: self.amount,
        })
    }
}

// $1 campaigns, $2 dimensions told in full, $3 dimensions told in part, $4 how much of those
const READ: &str = concat!(
    "WITH parts AS ( \
        SELECT dimension, key, share, amount, ",
    columns!(),
    " FROM campaign_figures WHERE campaign_id = ANY($1) AND dimension = ANY($2 || $3) \
        UNION ALL \
        SELECT dimension, key, share, amount, ",
    columns!(),
    " FROM campaign_figure_deltas WHERE campaign_id = ANY($1) AND dimension = ANY($2 || $3) \
    ), summed AS ( \
        SELECT dimension::TEXT, key, sum(share)::BIGINT AS share, sum(amount) AS amount, ",
    sums!(),
    " FROM parts GROUP BY dimension, key \
        HAVING sum(total) <> 0 OR sum(converted) <> 0 OR sum(share) <> 0 OR sum(amount) <> 0 \
    ), placed AS ( \
        SELECT *, CASE WHEN dimension = ANY($3) THEN row_number() OVER (PARTITION BY dimension ORDER BY total DESC, key) \
            ELSE 0 END AS place FROM summed \
    ) \
    SELECT * FROM placed WHERE place <= $4 ORDER BY dimension, key"
);

// Of a case's amount every credit has the whole. It counts where the last message before it was; ids stand in for times
// among those that were not the last of all.
const RENEWED_ONCE: &str = "\
    SELECT concat(currency, ':', step, ':', channel, ':', variant_id) AS key, count(*) AS converted, sum(amount) AS amount \
    FROM (SELECT DISTINCT ON (case_id) * FROM conversion_credits \
          WHERE campaign_id = ANY($1) AND message_id IS NOT NULL ORDER BY case_id, is_last DESC, message_id DESC) AS credits \
    GROUP BY key ORDER BY key";

#[derive(QueryableByName)]
struct RenewedRow {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = BigInt)]
    converted: i64,
    #[diesel(sql_type = Numeric)]
    amount: Decimal,
}

/// What was renewed after several campaigns, each case once.
async fn renewed_once(connection: &mut AsyncPgConnection, campaigns: &[i64]) -> Result<Vec<Figure>, DbError> {
    let rows: Vec<RenewedRow> = sql(RENEWED_ONCE).bind::<Array<BigInt>, _>(campaigns).load(connection).await?;
    let figure = |RenewedRow { key, converted, amount }| Figure {
        dimension: Dimension::Revenue,
        key,
        metrics: Metrics { converted, ..Metrics::default() },
        share: 0,
        amount,
    };
    Ok(rows.into_iter().map(figure).collect())
}

/// The counters of these campaigns together, without those by the time of what happened.
pub(super) async fn read(connection: &mut AsyncPgConnection, campaigns: &[i64]) -> Result<Vec<Figure>, DbError> {
    let mut figures = counted(connection, campaigns).await?;
    // a renewal that several of them brought about is one
    if campaigns.len() > 1 {
        figures.retain(|figure| figure.dimension != Dimension::Revenue);
        figures.extend(renewed_once(connection, campaigns).await?);
    }
    Ok(figures)
}

async fn counted(connection: &mut AsyncPgConnection, campaigns: &[i64]) -> Result<Vec<Figure>, DbError> {
    let names = |dimensions: &[Dimension]| dimensions.iter().map(|one| one.as_str()).collect::<Vec<_>>();
    let rows: Vec<Row> = sql(READ)
        .bind::<Array<BigInt>, _>(campaigns)
        .bind::<Array<Text>, _>(names(&FEW))
        .bind::<Array<Text>, _>(names(&MANY))
        .bind::<BigInt, _>(MOST)
        .load(connection)
        .await?;
    rows.into_iter().map(Row::read).collect()
}

#[derive(QueryableByName)]
struct PieceRow {
    #[diesel(sql_type = BigInt)]
    at: i64,
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
    failed: i64,
}

/// What happened when, oldest first, by the minute or by the quarter of an hour.
pub(super) async fn pieces(
    connection: &mut AsyncPgConnection,
    campaigns: &[i64],
    by: Dimension,
) -> Result<Vec<Piece>, DbError> {
    let width = if by == Dimension::Minute { 60 } else { 900 };
    let rows: Vec<PieceRow> = sql("WITH parts AS ( \
            SELECT key::BIGINT AS at, sent, delivered, opened, clicked, replied, failed \
            FROM campaign_figures WHERE campaign_id = ANY($1) AND dimension = $2 \
            UNION ALL \
            SELECT key::BIGINT / $3 * $3, sent, delivered, opened, clicked, replied, failed \
            FROM campaign_figure_deltas WHERE campaign_id = ANY($1) AND dimension = 'minute' \
        ) \
        SELECT at, sum(sent)::BIGINT AS sent, sum(delivered)::BIGINT AS delivered, sum(opened)::BIGINT AS opened, \
            sum(clicked)::BIGINT AS clicked, sum(replied)::BIGINT AS replied, sum(failed)::BIGINT AS failed \
        FROM parts GROUP BY at \
        HAVING sum(sent) <> 0 OR sum(delivered) <> 0 OR sum(opened) <> 0 OR sum(clicked) <> 0 OR sum(replied) <> 0 \
            OR sum(failed) <> 0 \
        ORDER BY at")
    .bind::<Array<BigInt>, _>(campaigns)
    .bind::<Text, _>(by.as_str())
    .bind::<BigInt, _>(width)
    .load(connection)
    .await?;
    let read = |row: PieceRow| Piece {
        at: row.at,
        sent: row.sent,
        delivered: row.delivered,
        opened: row.opened,
        clicked: row.clicked,
        replied: row.replied,
        failed: row.failed,
    };
    Ok(rows.into_iter().map(read).collect())
}

// Rows are added to in the order of their keys, so that two that fold do not wait for each other in a circle. What is
// left of a campaign that is gone is removed.
const FOLD: &str = "\
    WITH taken AS ( \
        DELETE FROM campaign_figure_deltas d \
        WHERE d.campaign_id = $1 AND d.id = ANY(ARRAY( \
            SELECT id FROM campaign_figure_deltas WHERE campaign_id = $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)) \
        RETURNING d.* \
    ), spread AS ( \
        SELECT * FROM taken \
        UNION ALL \
        SELECT id, campaign_id, 'quarter', (key::BIGINT / 900 * 900)::TEXT, total, pending, sending, suppressed, \
            unconfirmed, failed, sent, delivered, opened, clicked, replied, converted, unsubscribed, complained, share, \
            amount \
        FROM taken WHERE dimension = 'minute' \
    ), folded AS ( \
        INSERT INTO campaign_figures AS f (campaign_id, dimension, key, total, pending, sending, suppressed, unconfirmed, \
            failed, sent, delivered, opened, clicked, replied, converted, unsubscribed, complained, share, amount) \
        SELECT campaign_id, dimension, key, sum(total), sum(pending), sum(sending), sum(suppressed), sum(unconfirmed), \
            sum(failed), sum(sent), sum(delivered), sum(opened), sum(clicked), sum(replied), sum(converted), \
            sum(unsubscribed), sum(complained), sum(share), sum(amount) \
        FROM spread WHERE EXISTS (SELECT FROM campaigns c WHERE c.id = $1) \
        GROUP BY campaign_id, dimension, key ORDER BY dimension, key \
        ON CONFLICT (campaign_id, dimension, key) DO UPDATE SET total = f.total + EXCLUDED.total, \
            pending = f.pending + EXCLUDED.pending, sending = f.sending + EXCLUDED.sending, \
            suppressed = f.suppressed + EXCLUDED.suppressed, unconfirmed = f.unconfirmed + EXCLUDED.unconfirmed, \
            failed = f.failed + EXCLUDED.failed, sent = f.sent + EXCLUDED.sent, \
            delivered = f.delivered + EXCLUDED.delivered, opened = f.opened + EXCLUDED.opened, \
            clicked = f.clicked + EXCLUDED.clicked, replied = f.replied + EXCLUDED.replied, \
            converted = f.converted + EXCLUDED.converted, unsubscribed = f.unsubscribed + EXCLUDED.unsubscribed, \
            complained = f.complained + EXCLUDED.complained, share = f.share + EXCLUDED.share, \
            amount = f.amount + EXCLUDED.amount \
        RETURNING 1 \
    ) \
    SELECT (SELECT count(*) FROM taken) AS count, (SELECT count(*) FROM folded) AS rows";

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Folds up to `limit` of what was appended for a campaign; answers how much it found.
pub async fn fold(connection: &mut AsyncPgConnection, campaign: i64, limit: i64) -> Result<i64, DbError> {
    let taken: Taken = sql(FOLD).bind::<BigInt, _>(campaign).bind::<BigInt, _>(limit).get_result(connection).await?;
    Ok(taken.count)
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Up to `limit` campaigns with something to fold.
pub async fn unfolded(connection: &mut AsyncPgConnection, limit: i64) -> Result<Vec<i64>, DbError> {
    // from one campaign to the next along the index, however much each of them has
    let rows: Vec<Id> = sql("WITH RECURSIVE next AS ( \
            (SELECT campaign_id AS id FROM campaign_figure_deltas ORDER BY campaign_id LIMIT 1) \
            UNION ALL \
            SELECT (SELECT d.campaign_id FROM campaign_figure_deltas d WHERE d.campaign_id > n.id \
                    ORDER BY d.campaign_id LIMIT 1) FROM next n WHERE n.id IS NOT NULL \
         ) SELECT id FROM next WHERE id IS NOT NULL LIMIT $1")
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// A link somebody followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Whose message it was in.
    pub campaign: i64,
    /// Which: nothing of it may say who followed it.
    pub link: String,
    /// It is what the template calls it, of which there are few.
    pub is_named: bool,
    /// The first of the message.
    pub first: bool,
}

/// The longest name that is told apart.
const LINK_LIMIT: usize = 500;
/// A campaign with so many links has no more of those that no template names; they are counted as [`OTHERS`].
const LINKS: i64 = 200;
/// What all further ones are called.
const OTHERS: &str = "other";

/// Counts links that people followed.
pub async fn count_followed(connection: &mut AsyncPgConnection, followed: &[Followed]) -> Result<(), DbError> {
    if followed.is_empty() {
        return Ok(());
    }
    let name = |one: &Followed| one.link.chars().filter(|c| *c != '\0').take(LINK_LIMIT).collect::<String>();
    sql("WITH g AS ( \
            SELECT * FROM unnest($1, $2, $3, $4) AS g (campaign, link, is_named, first) WHERE link <> '' \
         ), full_ones AS ( \
            SELECT c.campaign FROM (SELECT DISTINCT campaign FROM g WHERE NOT is_named) AS c \
            WHERE (SELECT count(*) FROM campaign_figures f WHERE f.campaign_id = c.campaign AND f.dimension = 'link') >= $5 \
         ), named AS ( \
            SELECT campaign, first, CASE WHEN is_named OR campaign NOT IN (SELECT campaign FROM full_ones) \
                OR EXISTS (SELECT FROM campaign_figures f \
                           WHERE f.campaign_id = g.campaign AND f.dimension = 'link' AND f.key = g.link) \
                THEN link ELSE $6 END AS link FROM g \
         ) \
         INSERT INTO campaign_figure_deltas (campaign_id, dimension, key, total, clicked) \
         SELECT campaign, 'link', link, count(*), count(*) FILTER (WHERE first) FROM named GROUP BY campaign, link")
    .bind::<Array<BigInt>, _>(followed.iter().map(|one| one.campaign).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(followed.iter().map(name).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(followed.iter().map(|one| one.is_named).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(followed.iter().map(|one| one.first).collect::<Vec<_>>())
    .bind::<BigInt, _>(LINKS)
    .bind::<Text, _>(OTHERS)
    .execute(connection)
    .await?;
    Ok(())
}
