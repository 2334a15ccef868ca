//! Everybody a selection comes to, page by page.

use super::compile::{Compiler, For, Names, Value, rows};
use crate::{DbError, reach};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::audience::{Day, Segments, Selection, Subject};
use domain::permissions::Reach;

/// A policy that is meant, or a customer where no policy is asked about, or they have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
pub struct Listed {
    #[diesel(sql_type = BigInt)]
    pub customer_id: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub policy_id: Option<i64>,
}

/// Those in reach of customers after one, by customer, with all policies of each; at most so many customers are gone
/// through.
pub async fn listed(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    selection: &Selection,
    segments: &Segments,
    day: Day,
    (after, customers): (i64, i64),
) -> Result<Vec<Listed>, DbError> {
    let (at, subject) = (Names::top(), selection.subject(segments));
    let mut compiler = Compiler::new(day, segments, For::Many);
    let condition = compiler.selection(selection, &at);
    let (policy, in_reach) = match subject {
        Subject::Customer => ("NULL::BIGINT", reach::has_customer(reach, "c.id")),
        Subject::Policy | Subject::Case => ("p.id", reach::has_policy(reach)),
    };
    let (after, customers) = (compiler.bind(Value::Id(after)), compiler.bind(Value::Id(customers)));
    let text = format!(
        "SELECT c.id AS customer_id, {policy} AS policy_id \
         FROM (SELECT * FROM customers WHERE id > {after} ORDER BY id LIMIT {customers}) c {rows} \
         WHERE {condition} AND {in_reach} ORDER BY 1, 2",
        rows = rows(subject, &at),
    );
    Ok(compiler.values().bind(sql_query(text).into_boxed()).load(connection).await?)
}
