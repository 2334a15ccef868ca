//! `/api/upload/mappings`: which header names which column, kept under a name for files that come again and again.

use super::metadata::{check_headers, mapping_of};
use crate::{
    auth::{Guard, permit},
    envelope::{Created, Reply, created, ok},
    error::{ApiError, ApiResult},
    request::{COUNT_CAP, JsonBody, Name, Page, Pagination},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::upload::{Column, Mapping as Columns};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query};
use schema::{
    AsyncConnection, DbError,
    audit::{self, Entity, Entry},
    uploads::mappings::{self, SavedMapping},
};
use std::collections::HashMap;

/// Saved mappings.
pub struct MappingsApi;

/// A mapping to be saved.
#[derive(Debug, Object)]
struct NewMapping {
    /// What files name it by.
    #[oai(validator(min_length = 1, max_length = 100))]
    name: String,
    /// Header text to column.
    mapping: HashMap<String, Name<Column>>,
}

/// A saved mapping.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct Mapping {
    /// What files name it by.
    name: String,
    /// Header text to column.
    mapping: HashMap<String, Name<Column>>,
    /// When it was saved last.
    updated_at: DateTime<Utc>,
}

impl TryFrom<SavedMapping> for Mapping {
    type Error = ApiError;

    fn try_from(row: SavedMapping) -> ApiResult<Self> {
        let columns: Columns = serde_json::from_value(row.mapping).map_err(ApiError::internal)?;
        let mapping = columns.pairs().map(|(header, column)| (header.to_owned(), Name(column))).collect();
        Ok(Self { name: row.name, mapping, updated_at: row.updated_at })
    }
}

/// A part of the list.
#[derive(Object)]
struct Mappings {
    /// By name.
    mappings: Vec<Mapping>,
    /// Where in the list this is.
    pagination: Pagination,
}

/// A mapping that is gone.
#[derive(Object)]
struct Forgotten {
    /// What files named it by.
    name: String,
}

#[OpenApi(prefix_path = "/api/upload/mappings", tag = "Tag::Uploads")]
impl MappingsApi {
    /// List saved mappings
    #[oai(path = "/", method = "get")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::UploadsView>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Mappings>> {
        let page = Page::read(page.0, limit.0)?;
        let mut connection = state.services.db.get().await?;
        let rows = mappings::list(&mut connection, page.offset(), page.limit()).await?;
        let counted = mappings::count(&mut connection, COUNT_CAP).await?;
        let mappings = rows.into_iter().map(Mapping::try_from).collect::<ApiResult<_>>()?;
        ok(Mappings { mappings, pagination: page.of(counted) })
    }

    /// Save a mapping
    ///
    /// In place of the one of that name, if there is one. Uploads name it as `options.mappingName`.
    #[oai(path = "/", method = "post")]
    async fn save(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UploadsCreate>,
        body: JsonBody<NewMapping>,
    ) -> ApiResult<Created<Mapping>> {
        let NewMapping { name, mapping } = body.0;
        let name = name.trim();
        if name.is_empty() {
            return Err(ApiError::invalid("name", "is required"));
        }
        if mapping.is_empty() {
            return Err(ApiError::invalid("mapping", "names no header"));
        }
        check_headers(&mapping, "mapping")?;
        let content = serde_json::to_value(mapping_of(mapping)).map_err(ApiError::internal)?;
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let saved = connection
            .transaction::<_, DbError, _>(async |connection| {
                let before = mappings::hold(connection, name).await?;
                let saved = mappings::save(connection, name, &content, Some(caller.user_id.0), now).await?;
                let entry = caller.entry("mapping.saved", Entity::named("mapping", name)).after(content);
                let entry = Entry { before: before.map(|before| before.mapping), ..entry };
                audit::record(connection, &[entry]).await?;
                Ok(saved)
            })
            .await?;
        created(saved.try_into()?)
    }

    /// Forget a saved mapping
    ///
    /// Uploads that used it are not changed.
    #[oai(path = "/", method = "delete")]
    async fn forget(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UploadsCreate>,
        /// Which one.
        name: Query<String>,
    ) -> ApiResult<Reply<Forgotten>> {
        let mut connection = state.services.db.get().await?;
        let name = name.0.trim();
        connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before = mappings::hold(connection, name).await?.ok_or_else(|| ApiError::not_found("mapping"))?;
                mappings::delete(connection, name).await?;
                let entry = caller.entry("mapping.forgotten", Entity::named("mapping", name)).before(before.mapping);
                Ok(audit::record(connection, &[entry]).await?)
            })
            .await?;
        ok(Forgotten { name: name.to_owned() })
    }
}
