//! Why a customer is in a segment or out of it: what each condition comes to for each of their policies.

use super::compile::{Compiler, For, Names, Value, rows};
use crate::{DbError, reach};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::audience::{Day, Filter, Segments, Selection, Subject};
use domain::ids::{CustomerId, PolicyId};
use domain::permissions::Reach;

/// The most policies that are gone through.
const LIMIT: i64 = 50;

/// What a selection and the conditions of a filter come to for one policy, or for a customer as such.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Explained {
    /// The policy; `None`: the conditions are about the customer alone, or they have none.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub policy_id: Option<i64>,
    /// Its number.
    #[diesel(sql_type = Nullable<Text>)]
    pub policy_number: Option<String>,
    /// Whether it is in.
    #[diesel(sql_type = Bool)]
    pub holds: bool,
    /// Each condition, in the order of `Filter::conditions`.
    #[diesel(sql_type = Array<Bool>)]
    pub results: Vec<bool>,
}

/// What a selection comes to for a customer in reach, policy by policy, with the conditions of the filter that is to be
/// explained. Nothing when they are not in reach.
#[expect(clippy::too_many_arguments, reason = "what is asked, about whom, by whom and when")]
pub async fn explain(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    customer: CustomerId,
    policy: Option<PolicyId>,
    selection: &Selection,
    filter: Option<&Filter>,
    segments: &Segments,
    day: Day,
) -> Result<Vec<Explained>, DbError> {
    let at = Names::top();
    let subject = selection.subject(segments);
    let subject = if policy.is_some() { subject.max(Subject::Policy) } else { subject };
    let mut compiler = Compiler::new(day, segments, For::One);
    let whole = compiler.selection(selection, &at);
    let conditions = filter.map(Filter::conditions).unwrap_or_default();
    let each: Vec<String> = conditions
        .into_iter()
        .map(|(_, condition)| format!("({}) IS TRUE", compiler.condition(condition, &at)))
        .collect();
    let (policy_id, number, in_reach) = match subject {
        Subject::Customer => ("NULL::BIGINT", "NULL::TEXT", reach::has_customer(reach, "c.id")),
        Subject::Policy | Subject::Case => ("p.id", "p.policy_number::TEXT", reach::has_policy(reach)),
    };
    let customer = compiler.bind(Value::Id(customer.0));
    let only = policy.map(|policy| format!("AND p.id = {}", compiler.bind(Value::Id(policy.0)))).unwrap_or_default();
    let text = format!(
        "SELECT {policy_id} AS policy_id, {number} AS policy_number, ({whole}) IS TRUE AS holds, \
                ARRAY[{each}]::BOOLEAN[] AS results \
         FROM customers c {rows} WHERE c.id = {customer} AND {in_reach} {only} ORDER BY 1 LIMIT {LIMIT}",
        each = each.join(", "),
        rows = rows(subject, &at),
    );
    Ok(compiler.values().bind(sql_query(text).into_boxed()).load(connection).await?)
}
