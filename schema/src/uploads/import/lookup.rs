//! What is known of a chunk's rows, read in five statements at most.
//!
//! A run that writes locks what it may change, policies before customers before cases and each in the order of its
//! key, so that chunks of different uploads cannot wait for each other in a circle.

use super::ImportRun;
use crate::DbError;
use deadpool_postgres::Transaction;
use domain::book::{CustomerData, Known, KnownCase, KnownCustomer, KnownPolicy, PolicyData, customer_codes};
use domain::upload::PolicyRow;
use std::{borrow::Cow, collections::HashMap};
use tokio_postgres::Row;

/// Looks up everything the rows name.
pub(super) async fn look_up(
    transaction: &Transaction<'_>,
    run: &ImportRun<'_>,
    rows: &[PolicyRow],
) -> Result<Known, DbError> {
    let policies = policies(transaction, run, rows).await?;
    let customers = customers(transaction, run, rows, &policies).await?;
    let cases = if run.dry_run { HashMap::new() } else { cases(transaction, &policies).await? };
    let previewed = if run.dry_run { previewed(transaction, run, rows).await? } else { HashMap::new() };
    let branches = branches(transaction, rows).await?;
    let agents = agents(transaction, rows).await?;
    Ok(Known { policies, customers, cases, branches, agents, previewed })
}

async fn policies(
    transaction: &Transaction<'_>,
    run: &ImportRun<'_>,
    rows: &[PolicyRow],
) -> Result<HashMap<String, KnownPolicy>, DbError> {
    const POLICIES: &str = "SELECT p.id, p.customer_id, c.customer_code, p.policy_number, p.policy_type, \
        p.premium_amount, p.currency, p.start_date, p.end_date, p.status, p.renewal_date, p.grace_period_days, \
        p.agent_id, p.branch_id, p.upload_id, p.upload_row \
        FROM policies p JOIN customers c ON c.id = p.customer_id \
        WHERE p.policy_number = ANY($1)";
    let numbers: Vec<&str> = rows.iter().map(|row| row.policy_number.as_str()).collect();
    let query = run.locking(POLICIES, " ORDER BY p.policy_number FOR NO KEY UPDATE OF p");
    let statement = transaction.prepare_cached(&query).await?;
    let found = transaction.query(&statement, &[&numbers]).await?;
    found.iter().map(|row| Ok((row.try_get("policy_number")?, policy(row)?))).collect()
}

fn policy(row: &Row) -> Result<KnownPolicy, DbError> {
    let status: &str = row.try_get("status")?;
    let upload: Option<i64> = row.try_get("upload_id")?;
    let upload_row: Option<i32> = row.try_get("upload_row")?;
    Ok(KnownPolicy {
        id: row.try_get("id")?,
        customer_id: row.try_get("customer_id")?,
        data: PolicyData {
            customer_code: row.try_get("customer_code")?,
            policy_type: Cow::Owned(row.try_get("policy_type")?),
            premium_amount: row.try_get("premium_amount")?,
            currency: Cow::Owned(row.try_get("currency")?),
            start_date: row.try_get("start_date")?,
            end_date: row.try_get("end_date")?,
            status: status.parse().map_err(|_| DbError::Unknown { table: "policies", column: "status" })?,
            renewal_date: row.try_get("renewal_date")?,
            grace_period_days: row.try_get("grace_period_days")?,
            agent_id: row.try_get("agent_id")?,
            branch_id: row.try_get("branch_id")?,
        },
        upload: upload.zip(upload_row),
    })
}

async fn customers(
    transaction: &Transaction<'_>,
    run: &ImportRun<'_>,
    rows: &[PolicyRow],
    policies: &HashMap<String, KnownPolicy>,
) -> Result<HashMap<String, KnownCustomer>, DbError> {
    const CUSTOMERS: &str = "SELECT c.id, c.customer_code, c.first_name, c.last_name, c.email, c.phone, \
        c.date_of_birth, c.address, c.upload_id, u.before, \
        $3::bigint IS NULL OR c.upload_id = $2 OR EXISTS (SELECT FROM policies p WHERE p.customer_id = c.id \
          AND (p.branch_id = $4::bigint OR p.agent_id = $3 OR EXISTS (SELECT FROM renewal_cases r \
            WHERE r.policy_id = p.id AND r.assigned_to = $3))) AS reached \
        FROM customers c LEFT JOIN upload_changes u \
          ON u.upload_id = $2 AND u.entity = 'customer' AND u.entity_id = c.id \
        WHERE c.customer_code = ANY($1)";
    let codes: Vec<&str> = customer_codes(rows, policies).collect();
    let (user, branch) = (run.reach.user().map(|user| user.0), run.reach.branch().map(|branch| branch.0));
    let query = run.locking(CUSTOMERS, " ORDER BY c.customer_code FOR NO KEY UPDATE OF c");
    let statement = transaction.prepare_cached(&query).await?;
    let found = transaction.query(&statement, &[&codes, &run.upload, &user, &branch]).await?;
    found.iter().map(|row| Ok((row.try_get("customer_code")?, customer(row, run.upload)?))).collect()
}

fn customer(row: &Row, upload: i64) -> Result<KnownCustomer, DbError> {
    let data = CustomerData {
        first_name: row.try_get("first_name")?,
        last_name: row.try_get("last_name")?,
        email: row.try_get("email")?,
        phone: row.try_get("phone")?,
        date_of_birth: row.try_get("date_of_birth")?,
        address: row.try_get("address")?,
    };
    let image: Option<serde_json::Value> = row.try_get("before")?;
    let creator: Option<i64> = row.try_get("upload_id")?;
    let recorded = image.is_some();
    let before = match image {
        Some(image) => Some(
            serde_json::from_value(image)
                .map_err(|_| DbError::Unknown { table: "upload_changes", column: "before" })?,
        ),
        None if creator == Some(upload) => None,
        None => Some(data.clone()),
    };
    Ok(KnownCustomer { id: row.try_get("id")?, data, before, recorded, reached: row.try_get("reached")? })
}

async fn cases(
    transaction: &Transaction<'_>,
    policies: &HashMap<String, KnownPolicy>,
) -> Result<HashMap<i64, Vec<KnownCase>>, DbError> {
    const CASES: &str = "SELECT policy_id, id, term_end, status, priority, renewal_amount FROM renewal_cases \
        WHERE policy_id = ANY($1) ORDER BY policy_id, term_end FOR NO KEY UPDATE";
    let mut cases: HashMap<i64, Vec<KnownCase>> = HashMap::new();
    if policies.is_empty() {
        return Ok(cases);
    }
    let ids: Vec<i64> = policies.values().map(|policy| policy.id).collect();
    let statement = transaction.prepare_cached(CASES).await?;
    for row in transaction.query(&statement, &[&ids]).await? {
        let (status, priority): (&str, &str) = (row.try_get("status")?, row.try_get("priority")?);
        let case = KnownCase {
            id: row.try_get("id")?,
            term_end: row.try_get("term_end")?,
            status: status.parse().map_err(|_| DbError::Unknown { table: "renewal_cases", column: "status" })?,
            priority: domain::cases::Priority::ALL
                .into_iter()
                .find(|known| known.as_str() == priority)
                .ok_or(DbError::Unknown { table: "renewal_cases", column: "priority" })?,
            renewal_amount: row.try_get("renewal_amount")?,
        };
        cases.entry(row.try_get("policy_id")?).or_default().push(case);
    }
    Ok(cases)
}

/// Rows of this file that a dry run has passed already.
async fn previewed(
    transaction: &Transaction<'_>,
    run: &ImportRun<'_>,
    rows: &[PolicyRow],
) -> Result<HashMap<String, i32>, DbError> {
    const PREVIEWED: &str =
        "SELECT policy_number, row_number FROM upload_previews WHERE upload_id = $1 AND policy_number = ANY($2)";
    let numbers: Vec<&str> = rows.iter().map(|row| row.policy_number.as_str()).collect();
    let statement = transaction.prepare_cached(PREVIEWED).await?;
    let found = transaction.query(&statement, &[&run.upload, &numbers]).await?;
    found.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Branches by code and by name; a code goes before another branch's name.
async fn branches(transaction: &Transaction<'_>, rows: &[PolicyRow]) -> Result<HashMap<String, i64>, DbError> {
    const BRANCHES: &str = "SELECT id, lower(code), lower(name) FROM branches \
        WHERE lower(code) = ANY($1) OR lower(name) = ANY($1) ORDER BY id DESC";
    let named = distinct(rows.iter().filter_map(|row| row.branch.as_deref()));
    let mut branches = HashMap::new();
    if named.is_empty() {
        return Ok(branches);
    }
    let statement = transaction.prepare_cached(BRANCHES).await?;
    let found = transaction.query(&statement, &[&named]).await?;
    for place in [2, 1] {
        for row in &found {
            branches.insert(row.try_get(place)?, row.try_get(0)?);
        }
    }
    Ok(branches)
}

async fn agents(transaction: &Transaction<'_>, rows: &[PolicyRow]) -> Result<HashMap<String, i64>, DbError> {
    const AGENTS: &str = "SELECT email, id FROM users WHERE email = ANY($1)";
    let named = distinct(rows.iter().filter_map(|row| row.agent.as_ref().map(|agent| agent.as_str())));
    if named.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = transaction.prepare_cached(AGENTS).await?;
    let found = transaction.query(&statement, &[&named]).await?;
    found.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// In lower case, each once.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = names.map(str::to_lowercase).collect();
    names.sort_unstable();
    names.dedup();
    names
}
