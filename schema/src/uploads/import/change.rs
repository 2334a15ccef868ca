//! Rows that are known: their state before goes on record, the new one through a staging table into an update.

use super::{
    ImportRun,
    copy::{Copy, Rows},
    create::{customer_data, policy_data},
};
use crate::DbError;
use deadpool_postgres::Transaction;
use domain::book::{CaseChange, ChunkPlan, KnownCase, KnownPolicy, PolicyPlan};
use serde::Serialize;

/// How a policy stood before the upload; the names are those of the columns, so that an undo can read it as a row.
#[derive(Serialize)]
struct PolicyImage<'a> {
    customer_id: i64,
    #[serde(flatten)]
    data: &'a domain::book::PolicyData,
    upload_id: Option<i64>,
    upload_row: Option<i32>,
    /// Those of its cases that the upload changes.
    cases: Vec<&'a KnownCase>,
}

/// The planner would rather hash a whole table than look up a chunk's rows in it.
const BY_INDEX: &str =
    "SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// Writes what changes about known customers, policies and cases, and how they stood before.
pub(super) async fn apply(
    transaction: &Transaction<'_>,
    run: &ImportRun<'_>,
    plan: &ChunkPlan,
    customer_ids: &[i64],
) -> Result<(), DbError> {
    if plan.policies.iter().all(|policy| policy.known.is_none())
        && plan.customers.iter().all(|customer| customer.changed().is_none())
    {
        return Ok(());
    }
    record(transaction, run, plan).await?;
    transaction.batch_execute(BY_INDEX).await?;
    customers(transaction, run, plan).await?;
    policies(transaction, run, plan, customer_ids).await?;
    cases(transaction, run, plan).await
}

/// Puts on record how everything stood that is about to change.
async fn record(transaction: &Transaction<'_>, run: &ImportRun<'_>, plan: &ChunkPlan) -> Result<(), DbError> {
    let mut copy = Copy::into(transaction, "upload_changes (upload_id, entity, entity_id, before)", 4).await?;
    let mut json = Vec::new();
    for customer in plan.customers.iter().filter_map(|customer| customer.changed()) {
        let Some(before) = customer.before.as_ref().filter(|_| !customer.recorded) else { continue };
        image(copy.row().await?, run, "customer", customer.id, before, &mut json);
    }
    for (known, policy) in known_policies(plan) {
        let before = PolicyImage {
            customer_id: known.customer_id,
            data: &known.data,
            upload_id: known.upload.map(|(upload, _)| upload),
            upload_row: known.upload.map(|(_, row)| row),
            cases: policy.cases.change.iter().map(|change| &change.before).collect(),
        };
        image(copy.row().await?, run, "policy", known.id, &before, &mut json);
    }
    copy.finish().await.map(drop)
}

fn image(row: &mut Rows, run: &ImportRun<'_>, entity: &str, id: i64, before: &impl Serialize, json: &mut Vec<u8>) {
    json.clear();
    // strings, numbers and dates under fixed names: nothing that could fail to be written
    let _always = serde_json::to_writer(&mut *json, before);
    row.bigint(run.upload);
    row.text(entity);
    row.bigint(id);
    row.json(json);
}

async fn customers(transaction: &Transaction<'_>, run: &ImportRun<'_>, plan: &ChunkPlan) -> Result<(), DbError> {
    const STAGE: &str = "CREATE TEMP TABLE staged_customers (id BIGINT, first_name VARCHAR, last_name VARCHAR, \
        email VARCHAR, phone VARCHAR, date_of_birth DATE, address JSONB) ON COMMIT DROP";
    const UPDATE: &str = "UPDATE customers c SET first_name = s.first_name, last_name = s.last_name, \
        email = s.email, phone = s.phone, date_of_birth = s.date_of_birth, address = s.address, updated_at = $1 \
        FROM staged_customers s WHERE c.id = s.id";
    if plan.customers.iter().all(|customer| customer.changed().is_none()) {
        return Ok(());
    }
    transaction.batch_execute(STAGE).await?;
    let mut copy = Copy::into(transaction, "staged_customers", 7).await?;
    for customer in &plan.customers {
        if let Some(known) = customer.changed() {
            let row = copy.row().await?;
            row.bigint(known.id);
            customer_data(row, customer);
        }
    }
    copy.finish().await?;
    transaction.execute(UPDATE, &[&run.started_at]).await?;
    Ok(())
}

/// Every known policy of the chunk, also one that stays as it is: it belongs to this upload now, and the same number
/// further down the file is a duplicate.
async fn policies(
    transaction: &Transaction<'_>,
    run: &ImportRun<'_>,
    plan: &ChunkPlan,
    customer_ids: &[i64],
) -> Result<(), DbError> {
    const STAGE: &str = "CREATE TEMP TABLE staged_policies (id BIGINT, customer_id BIGINT, policy_type VARCHAR, \
        premium_amount NUMERIC, currency VARCHAR, start_date DATE, end_date DATE, status VARCHAR, renewal_date DATE, \
        grace_period_days INTEGER, agent_id BIGINT, branch_id BIGINT, upload_id BIGINT, upload_row INTEGER) \
        ON COMMIT DROP";
    const UPDATE: &str = "UPDATE policies p SET customer_id = s.customer_id, policy_type = s.policy_type, \
        premium_amount = s.premium_amount, currency = s.currency, start_date = s.start_date, end_date = s.end_date, \
        status = s.status, renewal_date = s.renewal_date, grace_period_days = s.grace_period_days, \
        agent_id = s.agent_id, branch_id = s.branch_id, upload_id = s.upload_id, upload_row = s.upload_row, \
        updated_at = $1 FROM staged_policies s WHERE p.id = s.id";
    if known_policies(plan).next().is_none() {
        return Ok(());
    }
    transaction.batch_execute(STAGE).await?;
    let mut copy = Copy::into(transaction, "staged_policies", 14).await?;
    for (known, policy) in known_policies(plan) {
        let row = copy.row().await?;
        row.bigint(known.id);
        policy_data(row, run, policy, customer_ids[policy.customer]);
    }
    copy.finish().await?;
    transaction.execute(UPDATE, &[&run.started_at]).await?;
    Ok(())
}

async fn cases(transaction: &Transaction<'_>, run: &ImportRun<'_>, plan: &ChunkPlan) -> Result<(), DbError> {
    const STAGE: &str = "CREATE TEMP TABLE staged_cases (id BIGINT, status VARCHAR, priority VARCHAR, \
        renewal_amount NUMERIC) ON COMMIT DROP";
    const UPDATE: &str = "UPDATE renewal_cases c SET status = s.status, priority = s.priority, \
        renewal_amount = s.renewal_amount, updated_at = $1 FROM staged_cases s WHERE c.id = s.id";
    let changes: Vec<&CaseChange> = plan.policies.iter().flat_map(|policy| &policy.cases.change).collect();
    if changes.is_empty() {
        return Ok(());
    }
    transaction.batch_execute(STAGE).await?;
    let mut copy = Copy::into(transaction, "staged_cases", 4).await?;
    for change in changes {
        let row = copy.row().await?;
        row.bigint(change.before.id);
        row.text(change.status.as_str());
        row.text(change.priority.as_str());
        row.some(change.renewal_amount, Rows::money);
    }
    copy.finish().await?;
    transaction.execute(UPDATE, &[&run.started_at]).await?;
    Ok(())
}

fn known_policies(plan: &ChunkPlan) -> impl Iterator<Item = (&KnownPolicy, &PolicyPlan)> {
    plan.policies.iter().filter_map(|policy| policy.known.as_ref().map(|known| (known, policy)))
}
