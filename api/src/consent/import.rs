//! `POST /api/communication/suppressions/import`: a list of addresses as CSV; all of it, or nothing.

use super::csv::{Reading, read};
use crate::{
    auth::{Guard, permit},
    edge::limits::for_imports,
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::CsvBody,
    state::SharedState,
    tags::Tag,
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    consent::{rules, suppressions},
};
use serde_json::json;

/// Rows in one statement.
const PIECE: usize = 2_000;

/// Lists that others keep.
pub struct SuppressionImportApi;

/// What became of a list.
#[derive(Object)]
struct SuppressionsImported {
    /// Its rows.
    rows: usize,
    /// Entries that are new, or hold more than before.
    suppressed: usize,
}

#[OpenApi(prefix_path = "/api/communication/suppressions", tag = "Tag::Consent")]
impl SuppressionImportApi {
    /// Import suppressed addresses
    ///
    /// CSV with the columns `channel` and `address`, and as it may be `reason` (do_not_disturb, if nothing is said),
    /// `scope`, `detail` and `expires_at`. Nothing that is on the list already comes to hold less. A file with a fault is
    /// refused whole: 400 names the rows.
    #[oai(path = "/import", method = "post", transform = "for_imports")]
    async fn import(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::SettingsManage>,
        body: CsvBody,
    ) -> ApiResult<Reply<SuppressionsImported>> {
        let (now, by) = (state.services.clock.now(), caller.user_id);
        let country = rules::get(&mut *state.services.db.get().await?).await?.country;
        let reading = move || read(&body.0, &Reading { country: &country, by, now });
        let entries = tokio::task::spawn_blocking(reading).await.map_err(ApiError::internal)?;
        let entries = entries.map_err(ApiError::faults)?;
        let mut connection = state.services.db.get().await?;
        let suppressed = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let mut suppressed = 0;
                for piece in entries.chunks(PIECE) {
                    suppressed += suppressions::suppress(connection, piece, now).await?.len();
                }
                let entry = caller.entry("suppressions.imported", Entity::named("suppressions", "import"));
                let after = json!({"rows": entries.len(), "suppressed": suppressed});
                audit::record(connection, &[entry.after(after)]).await?;
                Ok(suppressed)
            })
            .await?;
        ok(SuppressionsImported { rows: entries.len(), suppressed })
    }
}
