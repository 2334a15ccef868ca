//! The customers that a static segment lists. Whoever adds or lists sees only customers in their reach.

use crate::{DbError, Part, reach::has_customer};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::{CustomerId, SegmentId};
use domain::permissions::Reach;

/// What adding came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Customers who were not listed before.
    pub added: i64,
    /// Customers who were.
    pub known: i64,
    /// Places in what was given that name no customer in reach, from 0.
    pub unknown: Vec<usize>,
}

#[derive(QueryableByName)]
struct Outcome {
    #[diesel(sql_type = BigInt)]
    added: i64,
    #[diesel(sql_type = BigInt)]
    found: i64,
    #[diesel(sql_type = Array<BigInt>)]
    unknown: Vec<i64>,
}

impl From<Outcome> for Added {
    fn from(outcome: Outcome) -> Self {
        let unknown = outcome.unknown.into_iter().filter_map(|place| usize::try_from(place - 1).ok()).collect();
        Self { added: outcome.added, known: outcome.found - outcome.added, unknown }
    }
}

/// How given values `g` name customers `c`.
const BY_ID: (&str, &str) = ("BIGINT[]", "c.id = g.value");
const BY_CODE: (&str, &str) = ("TEXT[]", "c.customer_code = g.value");

fn adding((sql_type, names): (&str, &str), reach: Reach) -> String {
    let in_reach = has_customer(reach, "c.id");
    format!(
        "WITH named AS ( \
            SELECT g.place, c.id FROM unnest($2::{sql_type}) WITH ORDINALITY AS g (value, place) \
            LEFT JOIN customers c ON {names} AND {in_reach} \
        ), new AS ( \
            INSERT INTO segment_members (segment_id, customer_id, added_at) \
            SELECT DISTINCT $1, id, $3 FROM named WHERE id IS NOT NULL \
            ON CONFLICT DO NOTHING RETURNING 1 \
        ) \
        SELECT (SELECT count(*) FROM new) AS added, count(DISTINCT id) AS found, \
               COALESCE(array_agg(place ORDER BY place) FILTER (WHERE id IS NULL), '{{}}') AS unknown \
        FROM named"
    )
}

/// Adds customers by their ids.
pub async fn add(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    segment: SegmentId,
    customers: &[CustomerId],
    now: DateTime<Utc>,
) -> Result<Added, DbError> {
    let outcome: Outcome = sql_query(adding(BY_ID, reach))
        .bind::<BigInt, _>(segment.0)
        .bind::<Array<BigInt>, _>(customers.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(now)
        .get_result(connection)
        .await?;
    Ok(outcome.into())
}

/// Adds customers by the insurer's codes.
pub async fn add_codes(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    segment: SegmentId,
    codes: &[String],
    now: DateTime<Utc>,
) -> Result<Added, DbError> {
    let outcome: Outcome = sql_query(adding(BY_CODE, reach))
        .bind::<BigInt, _>(segment.0)
        .bind::<Array<Text>, _>(codes)
        .bind::<Timestamptz, _>(now)
        .get_result(connection)
        .await?;
    Ok(outcome.into())
}

/// Takes customers in reach off the list; answers how many that were.
pub async fn remove(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    segment: SegmentId,
    customers: &[CustomerId],
) -> Result<usize, DbError> {
    let in_reach = has_customer(reach, "segment_members.customer_id");
    Ok(sql_query(format!("DELETE FROM segment_members WHERE segment_id = $1 AND customer_id = ANY($2) AND {in_reach}"))
        .bind::<BigInt, _>(segment.0)
        .bind::<Array<BigInt>, _>(customers.iter().map(|id| id.0).collect::<Vec<_>>())
        .execute(connection)
        .await?)
}

/// Somebody listed.
#[derive(Debug, Clone, QueryableByName)]
pub struct Member {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub code: String,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Timestamptz)]
    pub added_at: DateTime<Utc>,
}

/// A page of those listed and in reach, by id, and how many there are, as far as counted.
pub async fn members(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    segment: SegmentId,
    part: Part,
) -> Result<(Vec<Member>, i64), DbError> {
    let in_reach = has_customer(reach, "s.customer_id");
    let rows = sql_query(format!(
        "SELECT c.id, c.customer_code AS code, btrim(c.first_name || ' ' || c.last_name) AS name, s.added_at \
         FROM segment_members s JOIN customers c ON c.id = s.customer_id \
         WHERE s.segment_id = $1 AND {in_reach} ORDER BY s.customer_id OFFSET $2 LIMIT $3"
    ))
    .bind::<BigInt, _>(segment.0)
    .bind::<BigInt, _>(part.offset)
    .bind::<BigInt, _>(part.limit)
    .load(connection)
    .await?;
    let counted: crate::Count = sql_query(format!(
        "SELECT count(*) AS count FROM (SELECT FROM segment_members s WHERE s.segment_id = $1 AND {in_reach} LIMIT $2) n"
    ))
    .bind::<BigInt, _>(segment.0)
    .bind::<BigInt, _>(part.count_cap + 1)
    .get_result(connection)
    .await?;
    Ok((rows, counted.count))
}
