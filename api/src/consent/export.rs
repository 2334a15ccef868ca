//! `GET /api/communication/suppressions/export`: the list as CSV, in clear, streamed a page at a time.
//!
//! A database that fails midway breaks the download off, which the caller notices.

use super::csv;
use crate::{
    auth::{Guard, permit},
    error::{ApiError, ApiResult},
    request::Name,
    state::SharedState,
    tags::Tag,
    uploads::{content, file_reply::FileReply},
};
use bytes::Bytes;
use domain::{
    messaging::{Channel, SuppressionReason},
    permissions::Reach,
};
use futures_util::stream;
use poem::{Body, web::Data};
use poem_openapi::{OpenApi, param::Query};
use schema::{
    audit::{self, Entity},
    consent::suppressions::{self, SuppressionFilter},
};
use serde_json::json;
use std::{io, sync::Arc};

/// Rows read at once.
const PAGE: i64 = 1_000;

/// The suppression list as a file.
pub struct SuppressionExportApi;

#[OpenApi(prefix_path = "/api/communication/suppressions", tag = "Tag::Consent")]
impl SuppressionExportApi {
    /// Export suppressed addresses
    ///
    /// CSV that an import takes back. Addresses are in clear, so it is for those who see all customers; the audit log
    /// keeps who had them.
    #[oai(path = "/export", method = "get")]
    async fn export(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CustomersExport>,
        channel: Query<Option<Name<Channel>>>,
        reason: Query<Option<Name<SuppressionReason>>>,
    ) -> ApiResult<FileReply> {
        // an address is nobody's in particular: who sees some customers only would see others' here
        if caller.reach != Reach::All {
            let message = "the list holds addresses of all customers, and you see some of them only";
            return Err(ApiError::forbidden("reach_too_narrow", message));
        }
        let filter = SuppressionFilter {
            channel: channel.0.map(|name| name.0),
            reason: reason.0.map(|name| name.0),
            address: None,
        };
        let entry = caller.entry("suppressions.exported", Entity::named("suppressions", "export"));
        let entry = entry.after(json!({"channel": filter.channel, "reason": filter.reason}));
        audit::record(&mut *state.services.db.get().await?, &[entry]).await?;
        let name = format!("suppressions-{}.csv", state.services.clock.now().format("%Y-%m-%d"));
        FileReply::new(pages(Arc::clone(&state), filter), &name, content::CSV)
    }
}

/// The file, read as it is taken; no connection is held in between.
fn pages(state: SharedState, filter: SuppressionFilter) -> Body {
    let pages = stream::try_unfold(Some(0), move |after: Option<i64>| {
        let (state, filter) = (Arc::clone(&state), filter.clone());
        async move {
            let Some(after) = after else { return Ok::<_, io::Error>(None) };
            let mut connection = state.services.db.get().await.map_err(io::Error::other)?;
            let rows = suppressions::after(&mut connection, &filter, after, PAGE).await.map_err(io::Error::other)?;
            drop(connection);
            let text = csv::write(&rows, after == 0).map_err(io::Error::other)?;
            let is_full = i64::try_from(rows.len()).is_ok_and(|count| count == PAGE);
            let next = rows.last().filter(|_| is_full).map(|row| row.id);
            Ok(Some((Bytes::from(text), next)))
        }
    });
    Body::from_bytes_stream(pages)
}
