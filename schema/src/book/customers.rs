//! Policy holders, their contact data in clear: whoever shows it masks it.

use super::Part;
use crate::{
    DbError,
    like::beginning,
    reach::{self, Statement},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Date, Jsonb, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{CustomerId, UploadId},
    permissions::Reach,
};
use serde_json::Value;

/// A policy holder in a list.
#[derive(Debug, Clone, QueryableByName)]
pub struct CustomerRow {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub customer_code: String,
    #[diesel(sql_type = Text)]
    pub first_name: String,
    #[diesel(sql_type = Text)]
    pub last_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    #[diesel(sql_type = Nullable<Date>)]
    pub date_of_birth: Option<NaiveDate>,
    /// An object.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub address: Option<Value>,
    #[diesel(sql_type = Text)]
    pub kyc_status: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub kyc_documents: Option<Value>,
    /// The upload that created them.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub upload_id: Option<i64>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

const COLUMNS: &str = "c.id, c.customer_code, c.first_name, c.last_name, c.email, c.phone, c.date_of_birth, c.address, \
    c.kyc_status, c.kyc_documents, c.upload_id, c.created_at, c.updated_at";

/// Which ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct CustomerFilter<'a> {
    /// Created by this upload.
    pub upload: Option<UploadId>,
    /// A whole customer code, or what a name begins with.
    pub search: Option<&'a str>,
}

const FILTER: &str = "($1::bigint IS NULL OR c.upload_id = $1) \
    AND ($2::text IS NULL OR c.customer_code = $2 OR lower(c.first_name || ' ' || c.last_name) LIKE $3)";

/// A page of those in reach, newest first, and how many there are, as far as counted.
pub async fn list(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    filter: &CustomerFilter<'_>,
    part: Part,
) -> Result<(Vec<CustomerRow>, i64), DbError> {
    let bind = |statement: Statement| {
        statement
            .bind::<Nullable<BigInt>, _>(filter.upload.map(|upload| upload.0))
            .bind::<Nullable<Text>, _>(filter.search.map(str::to_owned))
            .bind::<Nullable<Text>, _>(filter.search.map(beginning))
    };
    let arms = reach::customers(reach);
    let page = format!(
        "SELECT {COLUMNS} FROM ({}) page JOIN customers c ON c.id = page.id ORDER BY c.id DESC",
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

/// One in reach.
pub async fn find(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    id: CustomerId,
) -> Result<Option<CustomerRow>, DbError> {
    let query = format!("SELECT {COLUMNS} FROM customers c WHERE c.id = $1 AND {}", reach::has_customer(reach, "c.id"));
    Ok(diesel::sql_query(query).bind::<BigInt, _>(id.0).get_result(connection).await.optional()?)
}
