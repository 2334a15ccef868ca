//! `POST /api/segments/{id}/members/import`: a list of customers as CSV.

use super::{members::MembersAdded, own_list};
use crate::{
    auth::{Guard, permit},
    edge::limits::for_imports,
    envelope::{FieldFault, Reply, ok},
    error::{ApiError, ApiResult},
    request::{CsvBody, Id},
    state::SharedState,
    tags::Tag,
};
use bytes::Bytes;
use domain::ids::{CustomerId, SegmentId};
use poem::web::Data;
use poem_openapi::{OpenApi, param::Path};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    segments,
};
use serde_json::json;

/// Rows of one file.
const ROWS: usize = 200_000;
/// Rows in one statement.
const PIECE: usize = 5_000;
/// The longest code.
const CODE_LIMIT: usize = 50;

/// Lists that others keep.
pub struct SegmentImportApi;

#[OpenApi(prefix_path = "/api/segments", tag = "Tag::Segments")]
impl SegmentImportApi {
    /// Import a static segment's customers
    ///
    /// CSV with a column `customer_code` (the insurer's own codes) or `customer_id` (ids such as `customer-123`); other
    /// columns are passed over. Customers are added to those listed; what names no customer in reach is told.
    #[oai(path = "/:id/members/import", method = "post", transform = "for_imports")]
    async fn import(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        id: Path<Id<SegmentId>>,
        body: CsvBody,
    ) -> ApiResult<Reply<MembersAdded>> {
        let (id, now, reach) = (id.0.0, state.services.clock.now(), caller.reach);
        let given = tokio::task::spawn_blocking(move || read(&body.0)).await.map_err(ApiError::internal)??;
        let mut connection = state.services.db.get().await?;
        let outcome = connection
            .transaction::<_, ApiError, _>(async |connection| {
                own_list(connection, caller.user_id, id).await?;
                let mut steps = Vec::new();
                match &given {
                    Given::Codes(codes) => {
                        for piece in codes.chunks(PIECE) {
                            let step = segments::add_codes(connection, reach, id, piece, now).await?;
                            steps.push((step, piece.to_vec()));
                        }
                    }
                    Given::Ids(ids) => {
                        for piece in ids.chunks(PIECE) {
                            let step = segments::add(connection, reach, id, piece, now).await?;
                            steps.push((step, piece.iter().map(ToString::to_string).collect()));
                        }
                    }
                }
                let outcome = MembersAdded::of(steps);
                let entry = caller.entry("segment.members_added", Entity::of(id));
                audit::record(connection, &[entry.after(json!({"added": outcome.added()}))]).await?;
                Ok(outcome)
            })
            .await?;
        ok(outcome)
    }
}

enum Given {
    Codes(Vec<String>),
    Ids(Vec<CustomerId>),
}

fn read(file: &Bytes) -> ApiResult<Given> {
    let refused = |message: String| ApiError::faults(vec![FieldFault { field: "file".to_owned(), message }]);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(file.as_ref());
    let header = reader.headers().map_err(|error| refused(error.to_string()))?.clone();
    // a byte order mark belongs to no name
    let place = |name: &str| header.iter().position(|column| column.trim_start_matches('\u{feff}') == name);
    let (column, by_code) = match (place("customer_code"), place("customer_id")) {
        (Some(column), _) => (column, true),
        (None, Some(column)) => (column, false),
        (None, None) => return Err(refused("the file has neither a column customer_code nor customer_id".to_owned())),
    };
    let mut texts = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| refused(error.to_string()))?;
        let text = record.get(column).unwrap_or_default();
        match text {
            _ if row >= ROWS => return Err(refused(format!("has more than {ROWS} rows"))),
            "" => {}
            _ if text.chars().count() > CODE_LIMIT || text.contains('\0') => {
                return Err(refused(format!("row {}: is no code", row + 2)));
            }
            _ => texts.push((row, text.to_owned())),
        }
    }
    if by_code {
        return Ok(Given::Codes(texts.into_iter().map(|(_, text)| text).collect()));
    }
    let id = |(row, text): (usize, String)| {
        text.parse::<CustomerId>().map_err(|error| refused(format!("row {}: {error}", row + 2)))
    };
    Ok(Given::Ids(texts.into_iter().map(id).collect::<ApiResult<_>>()?))
}
