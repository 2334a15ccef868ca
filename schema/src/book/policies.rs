//! Policies, with their holders.

use super::Part;
use crate::{
    DbError,
    reach::{self, Statement},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Date, Integer, Nullable, Numeric, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{CustomerId, UploadId},
    permissions::Reach,
};
use rust_decimal::Decimal;

/// A policy in a list.
#[derive(Debug, Clone, QueryableByName)]
pub struct PolicyRow {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub policy_number: String,
    #[diesel(sql_type = BigInt)]
    pub customer_id: i64,
    #[diesel(sql_type = Text)]
    pub first_name: String,
    #[diesel(sql_type = Text)]
    pub last_name: String,
    #[diesel(sql_type = Text)]
    pub policy_type: String,
    #[diesel(sql_type = Numeric)]
    pub premium_amount: Decimal,
    #[diesel(sql_type = Text)]
    pub currency: String,
    #[diesel(sql_type = Date)]
    pub start_date: NaiveDate,
    #[diesel(sql_type = Date)]
    pub end_date: NaiveDate,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Nullable<Date>)]
    pub renewal_date: Option<NaiveDate>,
    #[diesel(sql_type = Integer)]
    pub grace_period_days: i32,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub branch_id: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub agent_id: Option<i64>,
    /// The upload that touched it last, and in which row.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub upload_id: Option<i64>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub upload_row: Option<i32>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// Which ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct PolicyFilter<'a> {
    /// Touched last by this upload.
    pub upload: Option<UploadId>,
    /// Of this holder.
    pub customer: Option<CustomerId>,
    /// A whole policy number.
    pub search: Option<&'a str>,
}

const FILTER: &str = "($1::bigint IS NULL OR p.upload_id = $1) AND ($2::bigint IS NULL OR p.customer_id = $2) \
    AND ($3::text IS NULL OR p.policy_number = $3)";

/// A page of those in reach, newest first, and how many there are, as far as counted.
pub async fn list(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    filter: &PolicyFilter<'_>,
    part: Part,
) -> Result<(Vec<PolicyRow>, i64), DbError> {
    let (upload, customer) = (filter.upload.map(|upload| upload.0), filter.customer.map(|customer| customer.0));
    let bind = |statement: Statement| {
        statement
            .bind::<Nullable<BigInt>, _>(upload)
            .bind::<Nullable<BigInt>, _>(customer)
            .bind::<Nullable<Text>, _>(filter.search.map(str::to_owned))
    };
    let arms = reach::policies(reach);
    let page = format!(
        "SELECT p.id, p.policy_number, p.customer_id, c.first_name, c.last_name, p.policy_type, p.premium_amount, \
           p.currency, p.start_date, p.end_date, p.status, p.renewal_date, p.grace_period_days, p.branch_id, \
           p.agent_id, p.upload_id, p.upload_row, p.created_at, p.updated_at \
         FROM ({}) page JOIN policies p ON p.id = page.id JOIN customers c ON c.id = p.customer_id ORDER BY p.id DESC",
        reach::page(&arms, FILTER, "$4", "$5")
    );
    let rows = bind(diesel::sql_query(page).into_boxed())
        .bind::<BigInt, _>(part.offset)
        .bind::<BigInt, _>(part.limit)
        .load(connection)
        .await?;
    let count = reach::counted(connection, reach::count(&arms, FILTER, "$4"), bind, part.count_cap).await?;
    Ok((rows, count))
}
