//! One piece of a file: taken in if it begins where the last one ended, whole or not at all.
//!
//! A piece that breaks off leaves nothing, so a caller who reconnects asks for the offset and sends that piece anew.

use super::{chunked_view::shortest_piece, incoming, offset::Place, record};
use crate::{
    error::{ApiError, ApiResult},
    state::SharedState,
};
use domain::ids::UploadId;
use poem::{
    Body, FromRequest, Request, RequestBody, Result,
    http::{HeaderName, HeaderValue, StatusCode},
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef},
};
use schema::{
    AsyncConnection, AsyncPgConnection,
    audit::{self, Actor, Entity},
    uploads::chunked::{self, Receiving},
};

/// Where the next piece begins.
pub const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// A body of any type, or of none: programs that send files often name none.
pub struct PieceBody(pub Body);

impl<'a> ApiExtractor<'a> for PieceBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn request_meta() -> Option<MetaRequest> {
        let bytes = MetaSchema { format: Some("binary"), ..MetaSchema::new("string") };
        let schema = MetaSchemaRef::Inline(Box::new(bytes));
        let content = vec![MetaMediaType { content_type: "application/octet-stream", schema }];
        Some(MetaRequest { description: Some("The piece."), content, required: true })
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        Ok(Self(<Body as FromRequest>::from_request(request, body).await?))
    }
}

/// Takes a piece in; answers the file and how much of it has come in.
pub async fn take(
    state: &SharedState,
    upload: Receiving,
    place: Place,
    body: Body,
    by: Actor,
) -> ApiResult<(Receiving, i64)> {
    let id = UploadId(upload.id);
    let received = {
        let mut connection = state.services.db.get().await?;
        chunked::received(&mut connection, id).await?
    };
    expect(&upload, received, place.offset)?;
    let left = upload.file_size - received;
    let limit = u64::try_from(place.length.unwrap_or(left)).map_err(ApiError::internal)?;
    let kept = incoming::put(state, Box::pin(body.into_bytes_stream()), limit).await;
    let (kept, stored) = kept.map_err(|error| beyond(error, limit))?;
    let length = i64::try_from(stored.size).map_err(ApiError::internal)?;
    check_length(&upload, place, length, left)?;
    let state = SharedState::clone(state);
    record::unhurried(async move {
        let path = kept.key().to_owned();
        let piece = chunked::Piece { chunk_offset: place.offset, size: length, path: path.clone() };
        let outcome = add(&state, id, &piece, &by).await;
        let known = async {
            let mut connection = state.services.db.get().await?;
            Ok(chunked::pieces(&mut connection, id).await?.iter().any(|piece| piece.path == path))
        };
        record::settle(kept, outcome, known).await
    })
    .await?;
    Ok((upload, received + length))
}

async fn add(state: &SharedState, id: UploadId, piece: &chunked::Piece, by: &Actor) -> ApiResult<()> {
    let mut connection = state.services.db.get().await?;
    connection
        .transaction::<_, ApiError, _>(async |connection| {
            let upload = hold(connection, id).await?;
            let received = chunked::received(connection, id).await?;
            expect(&upload, received, piece.chunk_offset)?;
            chunked::add_piece(connection, id, piece).await?;
            let entry = by.entry("upload.piece_received", Entity::of(id));
            let entry = entry.after(serde_json::json!({"offset": piece.chunk_offset, "size": piece.size}));
            Ok(audit::record(connection, &[entry]).await?)
        })
        .await
}

/// The upload, held until the transaction ends.
pub async fn hold(connection: &mut AsyncPgConnection, id: UploadId) -> ApiResult<Receiving> {
    chunked::hold(connection, id).await?.ok_or_else(|| ApiError::not_found("upload"))
}

/// 409 unless pieces are taken, and the next one begins there.
fn expect(upload: &Receiving, received: i64, offset: i64) -> ApiResult<()> {
    if upload.upload_status != "receiving" {
        return Err(not_receiving(upload));
    }
    if offset == received {
        return Ok(());
    }
    let details = serde_json::json!({"uploadId": UploadId(upload.id), "offset": received});
    let message = format!("the next piece begins at {received}, not at {offset}");
    Err(ApiError::conflict("wrong_offset", message)
        .with_details(details)
        .with_header(UPLOAD_OFFSET, HeaderValue::from(received)))
}

/// 409: no more pieces are taken.
pub fn not_receiving(upload: &Receiving) -> ApiError {
    let message = format!("the upload is {}; it takes no more pieces", upload.upload_status);
    let details = serde_json::json!({"uploadId": UploadId(upload.id), "status": upload.upload_status});
    ApiError::conflict("upload_not_receiving", message).with_details(details)
}

fn check_length(upload: &Receiving, place: Place, length: i64, left: i64) -> ApiResult<()> {
    if place.length.is_some_and(|told| told != length) {
        return Err(ApiError::invalid("Content-Range", format!("tells another length than the {length} bytes sent")));
    }
    let shortest = shortest_piece(upload.file_size).min(left);
    if length < shortest {
        let message = format!("a piece of this file has at least {shortest} bytes, this one has {length}");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "piece_too_short", message));
    }
    Ok(())
}

fn beyond(error: ApiError, limit: u64) -> ApiError {
    if error.http_status() != StatusCode::PAYLOAD_TOO_LARGE {
        return error;
    }
    let message = format!("the piece is longer than the {limit} bytes that are left or were told");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "piece_too_long", message)
}
