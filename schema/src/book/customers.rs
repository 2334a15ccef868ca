//! Policy holders.

use super::{Count, Part};
use crate::{DbError, like::beginning};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::UploadId;

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
    #[diesel(sql_type = Text)]
    pub kyc_status: String,
    /// The upload that created them.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub upload_id: Option<i64>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// Which ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct CustomerFilter<'a> {
    /// Created by this upload.
    pub upload: Option<UploadId>,
    /// A whole customer code, or what a name begins with.
    pub search: Option<&'a str>,
}

const FROM: &str = "FROM customers c WHERE ($1::bigint IS NULL OR c.upload_id = $1) \
    AND ($2::text IS NULL OR c.customer_code = $2 OR lower(c.first_name || ' ' || c.last_name) LIKE $3)";

/// A page, newest first, and how many there are, as far as counted.
pub async fn list(
    connection: &mut AsyncPgConnection,
    filter: &CustomerFilter<'_>,
    part: Part,
) -> Result<(Vec<CustomerRow>, i64), DbError> {
    let upload = filter.upload.map(|upload| upload.0);
    let pattern = filter.search.map(beginning);
    let page = format!(
        "SELECT c.id, c.customer_code, c.first_name, c.last_name, c.email, c.phone, c.kyc_status, c.upload_id, \
         c.created_at, c.updated_at {FROM} ORDER BY c.id DESC OFFSET $4 LIMIT $5"
    );
    let rows = diesel::sql_query(page)
        .bind::<Nullable<BigInt>, _>(upload)
        .bind::<Nullable<Text>, _>(filter.search)
        .bind::<Nullable<Text>, _>(&pattern)
        .bind::<BigInt, _>(part.offset)
        .bind::<BigInt, _>(part.limit)
        .load(connection)
        .await?;
    let count: Count = diesel::sql_query(format!("SELECT count(*) AS count FROM (SELECT 1 {FROM} LIMIT $4) listed"))
        .bind::<Nullable<BigInt>, _>(upload)
        .bind::<Nullable<Text>, _>(filter.search)
        .bind::<Nullable<Text>, _>(&pattern)
        .bind::<BigInt, _>(part.count_cap + 1)
        .get_result(connection)
        .await?;
    Ok((rows, count.count))
}
