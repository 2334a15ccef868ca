//! Whose rows a query sees: the conditions that a [`Reach`] comes to, for each kind of row that belongs to somebody.
//!
//! A list is read arm by arm, each by its own index in the list's order and no further than the page, and the arms are
//! put together: one condition with an `OR` would read everything of a branch, or of all branches, to sort it. Ids are
//! numbers of ours and stand in the text, so that the planner knows whose rows they are.

use crate::{Count, DbError};
use diesel::{
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_query,
    sql_types::BigInt,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::permissions::{Reach, Scope};

/// One way for rows to be in reach.
pub(crate) struct Arm {
    /// What to read from.
    from: &'static str,
    /// The row's id among it.
    id: &'static str,
    condition: String,
    /// Whether the same row is met several times.
    repeats: bool,
}

impl Arm {
    fn new(from: &'static str, id: &'static str, condition: String) -> Self {
        Self { from, id, condition, repeats: false }
    }
}

const NOBODYS: &str = "TRUE";

/// Policies `p`: of the branch, or looked after by the person.
pub(crate) fn policies(reach: Reach) -> Vec<Arm> {
    const FROM: &str = "policies p";
    arms(reach, |condition| Arm::new(FROM, "p.id", condition), "p.branch_id", &["p.agent_id"])
}

/// Cases `r`: of policies in reach, or assigned to the person.
pub(crate) fn cases(reach: Reach) -> Vec<Arm> {
    const FROM: &str = "renewal_cases r";
    arms(reach, |condition| Arm::new(FROM, "r.id", condition), "r.branch_id", &["r.agent_id", "r.assigned_to"])
}

/// Customers `c`: those with a policy or case in reach.
pub(crate) fn customers(reach: Reach) -> Vec<Arm> {
    const BY_POLICY: &str = "policies p JOIN customers c ON c.id = p.customer_id";
    const BY_CASE: &str =
        "renewal_cases r JOIN policies p ON p.id = r.policy_id JOIN customers c ON c.id = p.customer_id";
    const OF_BRANCH: &str = "p.customer_id";
    // what is one person's is little, and is sorted: the order of an index would be that of all customers
    const OF_PERSON: &str = "p.customer_id + 0";
    let of_branch = reach.branch().map(|branch| (BY_POLICY, OF_BRANCH, format!("p.branch_id = {}", branch.0)));
    let of_person = reach.user().map(|user| {
        let (agent, worker) = (format!("p.agent_id = {}", user.0), format!("r.assigned_to = {}", user.0));
        [(BY_POLICY, OF_PERSON, agent), (BY_CASE, OF_PERSON, worker)]
    });
    let repeated = |(from, id, condition)| Arm { repeats: true, ..Arm::new(from, id, condition) };
    let found: Vec<Arm> = of_branch.into_iter().chain(of_person.into_iter().flatten()).map(repeated).collect();
    if found.is_empty() { vec![Arm::new("customers c", "c.id", NOBODYS.to_owned())] } else { found }
}

fn arms(reach: Reach, arm: impl Fn(String) -> Arm, branch: &str, persons: &[&str]) -> Vec<Arm> {
    let of_branch = reach.branch().map(|id| arm(format!("{branch} = {}", id.0)));
    let of_user = |column: &&str| reach.user().map(|id| arm(format!("{column} = {}", id.0)));
    let found: Vec<Arm> = of_branch.into_iter().chain(persons.iter().filter_map(of_user)).collect();
    if found.is_empty() { vec![arm(NOBODYS.to_owned())] } else { found }
}

/// Whether policy `p` is in reach, as a condition.
pub(crate) fn has_policy(reach: Reach) -> String {
    any(&policies(reach))
}

/// Whether a customer, by the expression for their id, is in reach, as a condition.
pub(crate) fn has_customer(reach: Reach, id: &str) -> String {
    let Some(user) = reach.user().map(|user| user.0) else { return NOBODYS.to_owned() };
    let by_branch = reach.branch().map(|branch| format!("OR held.branch_id = {}", branch.0)).unwrap_or_default();
    format!(
        "EXISTS (SELECT FROM policies held WHERE held.customer_id = {id} AND (held.agent_id = {user} {by_branch} \
           OR EXISTS (SELECT FROM renewal_cases work WHERE work.policy_id = held.id AND work.assigned_to = {user})))"
    )
}

/// Whether upload `u` is in reach, as a condition: one's own, or of one's branch, unless it may hold other branches' rows
/// because its uploader reached those.
pub(crate) fn has_upload(reach: Reach) -> String {
    let own = |user: i64| format!("u.uploaded_by = {user}");
    match reach {
        Reach::All => NOBODYS.to_owned(),
        Reach::Own(user) => own(user.0),
        Reach::Branch(user, branch) => {
            format!("({} OR u.branch_id = {} AND u.scope <> '{}')", own(user.0), branch.0, Scope::All)
        }
    }
}

/// Whether a campaign is in reach, as a condition over its row: one's own, or of somebody of one's branch.
pub(crate) fn has_campaign(reach: Reach) -> String {
    let own = |user: i64| format!("campaigns.created_by = {user}");
    match reach {
        Reach::All => NOBODYS.to_owned(),
        Reach::Own(user) => own(user.0),
        Reach::Branch(user, branch) => format!(
            "({} OR campaigns.created_by IN (SELECT id FROM users WHERE branch_id = {}))",
            own(user.0),
            branch.0
        ),
    }
}

fn any(arms: &[Arm]) -> String {
    let conditions: Vec<&str> = arms.iter().map(|arm| arm.condition.as_str()).collect();
    format!("({})", conditions.join(" OR "))
}

/// The ids of a page, newest first, as a query with the column `id`: of the rows in the arms for which `filter` holds.
/// `offset` and `limit` are the binds' names.
pub(crate) fn page(arms: &[Arm], filter: &str, offset: &str, limit: &str) -> String {
    let union = union(arms, filter, &format!("{offset}::bigint + {limit}::bigint"), true);
    format!("SELECT id FROM ({union}) reached ORDER BY id DESC OFFSET {offset} LIMIT {limit}")
}

/// How many there are, counted up to the bind `cap`.
pub(crate) fn count(arms: &[Arm], filter: &str, cap: &str) -> String {
    let union = union(arms, filter, cap, false);
    format!("SELECT count(*) AS count FROM (SELECT id FROM ({union}) reached LIMIT {cap}) listed")
}

fn union(arms: &[Arm], filter: &str, limit: &str, in_order: bool) -> String {
    const BY_ID: &str = "ORDER BY id DESC";
    let order = if in_order { BY_ID } else { "" };
    let select = |Arm { from, id, condition, repeats }: &Arm| {
        let (distinct, order) = if *repeats { ("DISTINCT", BY_ID) } else { ("", order) };
        format!("(SELECT {distinct} {id} AS id FROM {from} WHERE {condition} AND {filter} {order} LIMIT {limit})")
    };
    arms.iter().map(select).collect::<Vec<_>>().join(" UNION ")
}

/// A raw statement with its binds.
pub(crate) type Statement = BoxedSqlQuery<'static, Pg, SqlQuery>;

/// The number that [`count`] comes to; `bind` binds what the filter takes, and the cap comes after it.
pub(crate) async fn counted(
    connection: &mut AsyncPgConnection,
    text: String,
    bind: impl Fn(Statement) -> Statement,
    cap: i64,
) -> Result<i64, DbError> {
    let counted: Count = bind(sql_query(text).into_boxed()).bind::<BigInt, _>(cap + 1).get_result(connection).await?;
    Ok(counted.count)
}
