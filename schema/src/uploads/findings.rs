//! What was found in a file: the faults of its rows, and what a dry run would have done.
//!
//! What people are shown is asked for with the upload itself, which only [`file::find`](super::file::find) gives, and to
//! those who reach it.

use crate::{
    Count, DbError, Part,
    tables::{upload_previews, upload_row_errors},
    uploads::file::Upload,
};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Integer, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::UploadId;
use serde_json::Value;

/// A fault as it is recorded.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = upload_row_errors)]
pub struct Fault {
    pub row_number: i32,
    /// The header of the column at fault, as the sheet writes it.
    pub column_name: Option<String>,
    pub value: Option<String>,
    pub code: String,
    pub message: String,
}

/// What a row would do.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = upload_previews)]
pub struct PreviewRow {
    pub row_number: i32,
    pub policy_number: String,
    pub action: String,
    pub changes: Value,
}

/// How many rows a dry run would have each do.
#[derive(Debug, Clone, QueryableByName)]
pub struct ActionCount {
    #[diesel(sql_type = Text)]
    pub action: String,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// The most common fault of a file, with its first example.
#[derive(Debug, Clone, QueryableByName)]
pub struct CommonFault {
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    #[diesel(sql_type = Integer)]
    pub row_number: i32,
    #[diesel(sql_type = Nullable<Text>)]
    pub column_name: Option<String>,
    #[diesel(sql_type = Text)]
    pub message: String,
}

/// Faults by row, and their number counted up to `count_cap` + 1.
pub async fn faults(
    connection: &mut AsyncPgConnection,
    upload: &Upload,
    part: Part,
) -> Result<(Vec<Fault>, i64), DbError> {
    use upload_row_errors::dsl;
    let page = dsl::upload_row_errors
        .filter(dsl::upload_id.eq(upload.id))
        .order((dsl::row_number, dsl::id))
        .offset(part.offset)
        .limit(part.limit)
        .select(Fault::as_select())
        .load(connection)
        .await?;
    let count: Count = diesel::sql_query(
        "SELECT count(*) AS count FROM (SELECT 1 FROM upload_row_errors WHERE upload_id = $1 LIMIT $2) listed",
    )
    .bind::<BigInt, _>(upload.id)
    .bind::<BigInt, _>(part.count_cap + 1)
    .get_result(connection)
    .await?;
    Ok((page, count.count))
}

/// All recorded faults by row; as many as an import records at most.
pub async fn all_faults(connection: &mut AsyncPgConnection, upload: UploadId) -> Result<Vec<Fault>, DbError> {
    use upload_row_errors::dsl;
    Ok(dsl::upload_row_errors
        .filter(dsl::upload_id.eq(upload.0))
        .order((dsl::row_number, dsl::id))
        .select(Fault::as_select())
        .load(connection)
        .await?)
}

/// The fault most rows have.
pub async fn most_common(connection: &mut AsyncPgConnection, upload: UploadId) -> Result<Option<CommonFault>, DbError> {
    let query = diesel::sql_query(
        "SELECT DISTINCT ON (f.count) f.count, e.row_number, e.column_name, e.message FROM ( \
             SELECT code, column_name, count(*) AS count, min(id) AS first FROM upload_row_errors \
             WHERE upload_id = $1 GROUP BY code, column_name ORDER BY count(*) DESC, min(id) LIMIT 1 \
         ) f JOIN upload_row_errors e ON e.id = f.first",
    );
    Ok(query.bind::<BigInt, _>(upload.0).get_result(connection).await.optional()?)
}

/// A page of what a dry run would do, by row, of one action or all; counted up to `count_cap` + 1.
pub async fn previews(
    connection: &mut AsyncPgConnection,
    upload: &Upload,
    action: Option<&str>,
    part: Part,
) -> Result<(Vec<PreviewRow>, i64), DbError> {
    use upload_previews::dsl;
    let mut page = dsl::upload_previews.filter(dsl::upload_id.eq(upload.id)).into_boxed();
    if let Some(action) = action {
        page = page.filter(dsl::action.eq(action));
    }
    let page = page.order(dsl::row_number).offset(part.offset).limit(part.limit).select(PreviewRow::as_select());
    let page = page.load(connection).await?;
    let count: Count = diesel::sql_query(
        "SELECT count(*) AS count FROM (SELECT 1 FROM upload_previews \
           WHERE upload_id = $1 AND ($2::text IS NULL OR action = $2) LIMIT $3) listed",
    )
    .bind::<BigInt, _>(upload.id)
    .bind::<Nullable<Text>, _>(action)
    .bind::<BigInt, _>(part.count_cap + 1)
    .get_result(connection)
    .await?;
    Ok((page, count.count))
}

/// How many rows a dry run would have each do. Reads every preview of the upload, by index.
pub async fn actions(connection: &mut AsyncPgConnection, upload: &Upload) -> Result<Vec<ActionCount>, DbError> {
    let query = diesel::sql_query(
        "SELECT action, count(*) AS count FROM upload_previews WHERE upload_id = $1 GROUP BY action ORDER BY action",
    );
    Ok(query.bind::<BigInt, _>(upload.id).load(connection).await?)
}
