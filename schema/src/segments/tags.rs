//! Tags on customers: short words in small letters, such as `vip`.

use crate::{DbError, reach::has_customer, tables::customer_tags};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::{CustomerId, UserId};
use domain::permissions::Reach;

/// A customer's tags, by name.
pub async fn of(connection: &mut AsyncPgConnection, customer: CustomerId) -> Result<Vec<String>, DbError> {
    let tags = customer_tags::table.filter(customer_tags::customer_id.eq(customer.0)).order(customer_tags::tag);
    Ok(tags.select(customer_tags::tag).load(connection).await?)
}

/// Makes these the customer's tags, in place of all they have.
pub async fn set(
    connection: &mut AsyncPgConnection,
    customer: CustomerId,
    tags: &[String],
    user: UserId,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sql_query(
        "WITH gone AS (DELETE FROM customer_tags WHERE customer_id = $1 AND tag <> ALL($2)) \
         INSERT INTO customer_tags (customer_id, tag, added_by, added_at) \
         SELECT DISTINCT $1, tag, $3, $4 FROM unnest($2::TEXT[]) AS tag ON CONFLICT DO NOTHING",
    )
    .bind::<BigInt, _>(customer.0)
    .bind::<Array<Text>, _>(tags)
    .bind::<BigInt, _>(user.0)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Touched {
    #[diesel(sql_type = BigInt)]
    added: i64,
    #[diesel(sql_type = BigInt)]
    removed: i64,
}

/// Adds and removes tags on many customers in reach; answers how many were added and removed.
pub async fn change(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    customers: &[CustomerId],
    (add, remove): (&[String], &[String]),
    user: UserId,
    now: DateTime<Utc>,
) -> Result<(i64, i64), DbError> {
    let in_reach = has_customer(reach, "c.id");
    let touched: Touched = sql_query(format!(
        "WITH meant AS (SELECT c.id FROM customers c WHERE c.id = ANY($1) AND {in_reach}), \
         gone AS (DELETE FROM customer_tags t USING meant WHERE t.customer_id = meant.id AND t.tag = ANY($3) RETURNING 1), \
         new AS (INSERT INTO customer_tags (customer_id, tag, added_by, added_at) \
                 SELECT DISTINCT meant.id, tag, $4::BIGINT, $5::TIMESTAMPTZ FROM meant, unnest($2::TEXT[]) AS tag \
                 ON CONFLICT DO NOTHING RETURNING 1) \
         SELECT (SELECT count(*) FROM new) AS added, (SELECT count(*) FROM gone) AS removed"
    ))
    .bind::<Array<BigInt>, _>(customers.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(add)
    .bind::<Array<Text>, _>(remove)
    .bind::<BigInt, _>(user.0)
    .bind::<Timestamptz, _>(now)
    .get_result(connection)
    .await?;
    Ok((touched.added, touched.removed))
}
