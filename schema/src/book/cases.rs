//! Renewal cases, with their policies and holders.

use super::Part;
use crate::{
    DbError,
    reach::{self, Statement},
    sql::sql,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Date, Integer, Nullable, Numeric, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    book::CaseStatus,
    ids::{PolicyId, UploadId},
    permissions::Reach,
};
use rust_decimal::Decimal;

/// A renewal case in a list.
#[derive(Debug, Clone, QueryableByName)]
pub struct CaseRow {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub case_number: String,
    #[diesel(sql_type = BigInt)]
    pub policy_id: i64,
    #[diesel(sql_type = Text)]
    pub policy_number: String,
    #[diesel(sql_type = BigInt)]
    pub customer_id: i64,
    #[diesel(sql_type = Text)]
    pub first_name: String,
    #[diesel(sql_type = Text)]
    pub last_name: String,
    /// The last day of the term it renews.
    #[diesel(sql_type = Date)]
    pub term_end: NaiveDate,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Text)]
    pub priority: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub assigned_to: Option<i64>,
    #[diesel(sql_type = Nullable<Numeric>)]
    pub renewal_amount: Option<Decimal>,
    /// The policy's.
    #[diesel(sql_type = Text)]
    pub currency: String,
    #[diesel(sql_type = Text)]
    pub payment_status: String,
    #[diesel(sql_type = Integer)]
    pub communication_attempts: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_contact_date: Option<DateTime<Utc>>,
    /// The upload that opened it.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub upload_id: Option<i64>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// Which ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct CaseFilter<'a> {
    /// Opened by this upload.
    pub upload: Option<UploadId>,
    /// Of this policy.
    pub policy: Option<PolicyId>,
    /// Standing there.
    pub status: Option<CaseStatus>,
    /// A whole case number.
    pub search: Option<&'a str>,
}

const FILTER: &str = "($1::bigint IS NULL OR r.batch_id = (SELECT id FROM upload_batches WHERE upload_id = $1)) \
    AND ($2::bigint IS NULL OR r.policy_id = $2) AND ($3::text IS NULL OR r.status = $3) \
    AND ($4::text IS NULL OR r.case_number = $4)";

/// A page of those in reach, newest first, and how many there are, as far as counted.
pub async fn list(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    filter: &CaseFilter<'_>,
    part: Part,
) -> Result<(Vec<CaseRow>, i64), DbError> {
    let (upload, policy) = (filter.upload.map(|upload| upload.0), filter.policy.map(|policy| policy.0));
    let bind = |statement: Statement| {
        statement
            .bind::<Nullable<BigInt>, _>(upload)
            .bind::<Nullable<BigInt>, _>(policy)
            .bind::<Nullable<Text>, _>(filter.status.map(CaseStatus::as_str))
            .bind::<Nullable<Text>, _>(filter.search.map(str::to_owned))
    };
    let arms = reach::cases(reach);
    let page = format!(
        "SELECT r.id, r.case_number, r.policy_id, p.policy_number, p.customer_id, c.first_name, c.last_name, \
           r.term_end, r.status, r.priority, r.assigned_to, r.renewal_amount, p.currency, r.payment_status, \
           r.communication_attempts, r.last_contact_date, b.upload_id, r.created_at, r.updated_at \
         FROM ({}) page JOIN renewal_cases r ON r.id = page.id JOIN policies p ON p.id = r.policy_id \
           JOIN customers c ON c.id = p.customer_id LEFT JOIN upload_batches b ON b.id = r.batch_id ORDER BY r.id DESC",
        reach::page(&arms, FILTER, "$5", "$6")
    );
    let rows = bind(diesel::sql_query(page).into_boxed())
        .bind::<BigInt, _>(part.offset)
        .bind::<BigInt, _>(part.limit)
        .load(connection)
        .await?;
    let count = reach::counted(connection, reach::count(&arms, FILTER, "$5"), bind, part.count_cap).await?;
    Ok((rows, count))
}

/// What becomes of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseChange {
    /// The case.
    pub case: i64,
    /// It becomes theirs.
    pub assigned_to: Option<i64>,
    /// It stands there from now on.
    pub status: Option<CaseStatus>,
}

/// Changes cases; of several changes of one case the last of each kind counts. Users that are not there are left out.
pub async fn change(
    connection: &mut AsyncPgConnection,
    changes: &[CaseChange],
    now: DateTime<Utc>,
) -> Result<usize, DbError> {
    if changes.is_empty() {
        return Ok(0);
    }
    let cases: Vec<i64> = changes.iter().map(|change| change.case).collect();
    let users: Vec<Option<i64>> = changes.iter().map(|change| change.assigned_to).collect();
    let statuses: Vec<Option<&str>> = changes.iter().map(|change| change.status.map(CaseStatus::as_str)).collect();
    Ok(sql("WITH given AS ( \
            SELECT g.id, \
                (array_agg(g.assigned_to ORDER BY g.n DESC) FILTER (WHERE u.id IS NOT NULL))[1] AS assigned_to, \
                (array_agg(g.status ORDER BY g.n DESC) FILTER (WHERE g.status IS NOT NULL))[1] AS status \
            FROM unnest($1, $2, $3) WITH ORDINALITY AS g (id, assigned_to, status, n) \
            LEFT JOIN users u ON u.id = g.assigned_to GROUP BY g.id \
         ) \
         UPDATE renewal_cases r SET assigned_to = COALESCE(g.assigned_to, r.assigned_to), \
             status = COALESCE(g.status, r.status), updated_at = $4 \
         FROM given g WHERE r.id = g.id")
    .bind::<Array<BigInt>, _>(cases)
    .bind::<Array<Nullable<BigInt>>, _>(users)
    .bind::<Array<Nullable<Text>>, _>(statuses)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?)
}
