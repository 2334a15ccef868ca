//! Files that come in pieces: which pieces have arrived, and what becomes of them in the end.
//!
//! Pieces lie one after the other without gaps; the next one's offset is the sum of what has arrived. Two connections
//! that send at once are settled by a lock on the upload's row.

use crate::{
    DbError,
    tables::{file_uploads, upload_chunks},
    uploads::file,
};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{UploadId, UserId},
    permissions::{Reach, Scope},
};
use serde_json::Value;
use uuid::Uuid;

/// An upload that is coming in, or has come in.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = file_uploads)]
pub struct Receiving {
    pub id: i64,
    pub filename: String,
    /// As announced.
    pub file_size: i64,
    /// As announced, if it was.
    pub sha256: Option<String>,
    pub upload_status: String,
    pub dry_run: bool,
    pub options: Option<Value>,
    pub uploaded_by: Option<i64>,
    pub job_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
}

/// A piece that has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = upload_chunks)]
pub struct Piece {
    pub chunk_offset: i64,
    pub size: i64,
    /// Where in storage it lies.
    pub path: String,
}

/// The upload, if it is in reach.
pub async fn find(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    id: UploadId,
) -> Result<Option<Receiving>, DbError> {
    let mut query = file_uploads::table.filter(file_uploads::id.eq(id.0)).select(Receiving::as_select()).into_boxed();
    let own = |user: UserId| file_uploads::uploaded_by.eq(user.0);
    query = match reach {
        Reach::All => query,
        Reach::Own(user) => query.filter(own(user)),
        Reach::Branch(user, branch) => {
            let of_branch = file_uploads::branch_id.eq(branch.0);
            query.filter(own(user).or(of_branch.and(file_uploads::scope.ne(Scope::All.as_str()))))
        }
    };
    Ok(query.first(connection).await.optional()?)
}

/// The upload, held until the transaction ends.
pub async fn hold(connection: &mut AsyncPgConnection, id: UploadId) -> Result<Option<Receiving>, DbError> {
    let held = file_uploads::table.find(id.0).select(Receiving::as_select()).for_no_key_update();
    Ok(held.first(connection).await.optional()?)
}

/// The pieces that have arrived, in order.
pub async fn pieces(connection: &mut AsyncPgConnection, id: UploadId) -> Result<Vec<Piece>, DbError> {
    use upload_chunks::dsl;
    let pieces = dsl::upload_chunks.filter(dsl::upload_id.eq(id.0)).order(dsl::chunk_offset);
    Ok(pieces.select(Piece::as_select()).load(connection).await?)
}

/// How much has arrived, in bytes: where the next piece begins.
pub async fn received(connection: &mut AsyncPgConnection, id: UploadId) -> Result<i64, DbError> {
    use upload_chunks::dsl;
    let last = dsl::upload_chunks.filter(dsl::upload_id.eq(id.0)).order(dsl::chunk_offset.desc());
    let last: Option<Piece> = last.select(Piece::as_select()).first(connection).await.optional()?;
    Ok(last.map_or(0, |piece| piece.chunk_offset + piece.size))
}

/// Records a piece; hold the upload, and have made sure that it begins where the last one ends.
pub async fn add_piece(connection: &mut AsyncPgConnection, id: UploadId, piece: &Piece) -> Result<(), DbError> {
    use upload_chunks::dsl;
    diesel::insert_into(dsl::upload_chunks)
        .values((
            dsl::upload_id.eq(id.0),
            dsl::chunk_offset.eq(piece.chunk_offset),
            dsl::size.eq(piece.size),
            dsl::path.eq(&piece.path),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// What the whole file turned out to be.
#[derive(Debug)]
pub struct Whole<'a> {
    pub sha256: &'a str,
    pub file_type: &'a str,
    pub path: &'a str,
    pub job: Uuid,
}

/// The pieces have become one file: it waits for its job now, and the pieces are forgotten.
pub async fn assemble(connection: &mut AsyncPgConnection, id: UploadId, whole: &Whole<'_>) -> Result<(), DbError> {
    use file_uploads::dsl;
    diesel::update(dsl::file_uploads.find(id.0))
        .set((
            dsl::upload_status.eq("processing"),
            dsl::sha256.eq(whole.sha256),
            dsl::file_type.eq(whole.file_type),
            dsl::upload_path.eq(whole.path),
            dsl::job_id.eq(whole.job),
            dsl::updated_at.eq(diesel::dsl::now),
        ))
        .execute(connection)
        .await?;
    diesel::delete(upload_chunks::table.filter(upload_chunks::upload_id.eq(id.0))).execute(connection).await?;
    file::open_batch(connection, id.0).await
}

/// Ends an upload that was not completed; its pieces are forgotten.
pub async fn abandon(connection: &mut AsyncPgConnection, id: UploadId, reason: &str) -> Result<(), DbError> {
    diesel::sql_query(
        "WITH u AS (UPDATE file_uploads SET upload_status = 'cancelled', updated_at = now(), \
             error_details = jsonb_build_object('code', 'abandoned', 'message', $2) \
             WHERE id = $1 AND upload_status = 'receiving' RETURNING id) \
         DELETE FROM upload_chunks c USING u WHERE c.upload_id = u.id",
    )
    .bind::<BigInt, _>(id.0)
    .bind::<Text, _>(reason)
    .execute(connection)
    .await?;
    Ok(())
}
