//! Uploads that were begun and never completed: ended first, so that no piece can join them, then their pieces are
//! taken out of storage, then forgotten. Cut short at any point, the next run goes on where this one stopped.

use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// A piece of an ended upload that still lies in storage.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Leftover {
    #[diesel(sql_type = BigInt)]
    pub upload_id: i64,
    #[diesel(sql_type = BigInt)]
    pub chunk_offset: i64,
    #[diesel(sql_type = Text)]
    pub path: String,
}

/// Ends every upload begun before `before` and not completed; how many there were.
pub async fn end_all(
    connection: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    reason: &str,
) -> Result<usize, DbError> {
    let ended = diesel::sql_query(
        "UPDATE file_uploads SET upload_status = 'cancelled', updated_at = now(), \
           error_details = jsonb_build_object('code', 'abandoned', 'message', $2) \
         WHERE upload_status = 'receiving' AND created_at < $1",
    );
    Ok(ended.bind::<Timestamptz, _>(before).bind::<Text, _>(reason).execute(connection).await?)
}

/// Pieces of uploads that have ended, at most `limit`.
pub async fn leftovers(connection: &mut AsyncPgConnection, limit: i64) -> Result<Vec<Leftover>, DbError> {
    let query = diesel::sql_query(
        "SELECT c.upload_id, c.chunk_offset, c.path FROM upload_chunks c JOIN file_uploads u ON u.id = c.upload_id \
         WHERE u.upload_status = 'cancelled' ORDER BY c.upload_id, c.chunk_offset LIMIT $1",
    );
    Ok(query.bind::<BigInt, _>(limit).load(connection).await?)
}

/// Forgets pieces that are no longer in storage.
pub async fn forget(connection: &mut AsyncPgConnection, pieces: &[Leftover]) -> Result<(), DbError> {
    let uploads: Vec<i64> = pieces.iter().map(|piece| piece.upload_id).collect();
    let offsets: Vec<i64> = pieces.iter().map(|piece| piece.chunk_offset).collect();
    let query = diesel::sql_query(
        "DELETE FROM upload_chunks c USING unnest($1::bigint[], $2::bigint[]) AS gone (upload_id, chunk_offset) \
         WHERE c.upload_id = gone.upload_id AND c.chunk_offset = gone.chunk_offset",
    );
    query.bind::<Array<BigInt>, _>(uploads).bind::<Array<BigInt>, _>(offsets).execute(connection).await?;
    Ok(())
}
