//! Rows that are new: COPY straight into the tables, with ids drawn beforehand.
//!
//! New rows go in by order of their key. Another upload that creates the same key at the same time makes the COPY wait
//! and then fail with a unique violation; the chunk is then planned again over what the other has written.

use super::{
    ImportRun,
    copy::{Copy, Rows},
};
use crate::DbError;
use deadpool_postgres::Transaction;
use domain::book::{ChunkPlan, CustomerPlan, NewCase, PolicyData, PolicyPlan};

/// Creates the customers of the plan that are not known, and returns the id of every customer of the plan.
pub(super) async fn customers(
    transaction: &Transaction<'_>,
    run: &ImportRun<'_>,
    plan: &ChunkPlan,
) -> Result<Vec<i64>, DbError> {
    let mut ids: Vec<i64> =
        plan.customers.iter().map(|customer| customer.known.as_ref().map_or(0, |known| known.id)).collect();
    let mut fresh: Vec<usize> = (0..ids.len()).filter(|place| plan.customers[*place].known.is_none()).collect();
    if fresh.is_empty() {
        return Ok(ids);
    }
    fresh.sort_unstable_by(|a, b| plan.customers[*a].code.cmp(&plan.customers[*b].code));
    let drawn = draw(transaction, "customers_id_seq", fresh.len()).await?;
    let target = "customers (id, customer_code, first_name, last_name, email, phone, date_of_birth, address, \
        upload_id, created_at, updated_at)";
    let mut copy = Copy::into(transaction, target, 11).await?;
    for (place, id) in fresh.into_iter().zip(drawn) {
        ids[place] = id;
        customer(copy.row().await?, run, id, &plan.customers[place]);
    }
    copy.finish().await?;
    Ok(ids)
}

fn customer(row: &mut Rows, run: &ImportRun<'_>, id: i64, customer: &CustomerPlan) {
    row.bigint(id);
    row.text(&customer.code);
    customer_data(row, customer);
    row.bigint(run.upload);
    row.timestamp(run.started_at);
    row.timestamp(run.started_at);
}

/// First name, last name, email, phone, date of birth, address.
pub(super) fn customer_data(row: &mut Rows, customer: &CustomerPlan) {
    let data = &customer.next;
    row.text(&data.first_name);
    row.text(&data.last_name);
    row.some(data.email.as_deref(), Rows::text);
    row.some(data.phone.as_deref(), Rows::text);
    row.some(data.date_of_birth, Rows::date);
    row.some(data.address.as_ref(), |row, address| row.json(address.to_string().as_bytes()));
}

/// Creates the policies of the plan that are not known, and returns the id of every policy of the plan.
pub(super) async fn policies(
    transaction: &Transaction<'_>,
    run: &ImportRun<'_>,
    plan: &ChunkPlan,
    customers: &[i64],
) -> Result<Vec<i64>, DbError> {
    let mut ids: Vec<i64> =
        plan.policies.iter().map(|policy| policy.known.as_ref().map_or(0, |known| known.id)).collect();
    let mut fresh: Vec<usize> = (0..ids.len()).filter(|place| plan.policies[*place].known.is_none()).collect();
    if fresh.is_empty() {
        return Ok(ids);
    }
    fresh.sort_unstable_by(|a, b| plan.policies[*a].number.cmp(&plan.policies[*b].number));
    let drawn = draw(transaction, "policies_id_seq", fresh.len()).await?;
    let target = "policies (id, policy_number, customer_id, policy_type, premium_amount, currency, start_date, \
        end_date, status, renewal_date, grace_period_days, agent_id, branch_id, upload_id, upload_row, \
        created_by_upload, created_at, updated_at)";
    let mut copy = Copy::into(transaction, target, 18).await?;
    for (place, id) in fresh.into_iter().zip(drawn) {
        ids[place] = id;
        let policy = &plan.policies[place];
        let row = copy.row().await?;
        row.bigint(id);
        row.text(&policy.number);
        policy_data(row, run, policy, customers[policy.customer]);
        row.bigint(run.upload);
        row.timestamp(run.started_at);
        row.timestamp(run.started_at);
    }
    copy.finish().await?;
    Ok(ids)
}

/// Customer, then everything from the type to the upload's row.
pub(super) fn policy_data(row: &mut Rows, run: &ImportRun<'_>, policy: &PolicyPlan, customer: i64) {
    let data = &policy.next;
    row.bigint(customer);
    row.text(&data.policy_type);
    row.money(data.premium_amount);
    row.text(&data.currency);
    row.date(data.start_date);
    row.date(data.end_date);
    row.text(data.status.as_str());
    row.some(data.renewal_date, Rows::date);
    row.int(data.grace_period_days);
    row.some(data.agent_id, Rows::bigint);
    row.some(data.branch_id, Rows::bigint);
    row.bigint(run.upload);
    row.int(policy.row);
}

/// Creates the cases of the plan.
pub(super) async fn cases(
    transaction: &Transaction<'_>,
    run: &ImportRun<'_>,
    plan: &ChunkPlan,
    policies: &[i64],
) -> Result<(), DbError> {
    let mut fresh: Vec<(i64, &NewCase, &PolicyData)> = policies
        .iter()
        .zip(&plan.policies)
        .filter_map(|(id, policy)| policy.cases.create.as_ref().map(|case| (*id, case, &policy.next)))
        .collect();
    if fresh.is_empty() {
        return Ok(());
    }
    fresh.sort_unstable_by_key(|(policy, ..)| *policy);
    let target = "renewal_cases (policy_id, term_end, priority, batch_id, renewal_amount, notes, branch_id, agent_id, \
        created_at, updated_at)";
    let mut copy = Copy::into(transaction, target, 10).await?;
    for (policy, case, data) in fresh {
        let row = copy.row().await?;
        row.bigint(policy);
        row.date(case.term_end);
        row.text(case.priority.as_str());
        row.bigint(run.batch);
        row.money(case.renewal_amount);
        row.some(case.notes.as_deref(), Rows::text);
        row.some(data.branch_id, Rows::bigint);
        row.some(data.agent_id, Rows::bigint);
        row.timestamp(run.started_at);
        row.timestamp(run.started_at);
    }
    copy.finish().await?;
    Ok(())
}

/// Draws that many numbers from a sequence.
async fn draw(transaction: &Transaction<'_>, sequence: &str, count: usize) -> Result<Vec<i64>, DbError> {
    let query = format!("SELECT nextval('{sequence}') FROM generate_series(1, $1::bigint)");
    let statement = transaction.prepare_cached(&query).await?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let drawn = transaction.query(&statement, &[&count]).await?;
    drawn.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
