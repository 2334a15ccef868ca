//! Segments: listed, made, changed, taken away.

use super::{
    body::SegmentBody,
    owned, resolved, seen,
    view::{Segment, SegmentList},
};
use crate::{
    auth::{Guard, permit},
    envelope::{Created, Reply, created, ok},
    error::{ApiError, ApiResult},
    request::{Id, Page, StrictBody, blank_is_none},
    state::SharedState,
    tags::Tag,
};
use domain::{
    campaigns::audience::{Filter, Segments},
    ids::{SegmentId, UserId},
};
use poem::web::Data;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    audit::{self, Entity},
    segments::{self, SegmentRow},
};
use serde_json::{Value, json};

/// Segments.
pub struct SegmentsApi;

#[OpenApi(prefix_path = "/api/segments", tag = "Tag::Segments")]
impl SegmentsApi {
    /// List segments
    ///
    /// One's own, and those that are shared.
    #[oai(path = "/", method = "get")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        /// A part of the name.
        #[oai(validator(max_length = 100))]
        search: Query<Option<String>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<SegmentList>> {
        let page = Page::read(page.0, limit.0)?;
        let search = blank_is_none(search.0);
        let mut connection = state.services.db.get().await?;
        let part = page.part();
        let (rows, counted) = segments::list(&mut connection, caller.user_id, search.as_deref(), part).await?;
        let segments = rows.into_iter().map(|row| Segment::of(row, caller.user_id)).collect();
        ok(SegmentList { segments, pagination: page.of(counted) })
    }

    /// Make a segment
    #[oai(path = "/", method = "post")]
    async fn create(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        body: StrictBody<SegmentBody>,
    ) -> ApiResult<Created<Segment>> {
        let (new, filter) = body.0.checked()?;
        let (owner, now) = (caller.user_id, state.services.clock.now());
        let mut connection = state.services.db.get().await?;
        refers_well(&mut connection, filter.as_ref(), owner, None).await?;
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let row = segments::create(connection, owner, &new, now).await.map_err(name_taken)?;
                let entry = caller.entry("segment.created", Entity::of(SegmentId(row.id)));
                audit::record(connection, &[entry.after(told(&row))]).await?;
                Ok(row)
            })
            .await?;
        created(Segment::of(row, owner))
    }

    /// Get a segment
    #[oai(path = "/:id", method = "get")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<SegmentId>>,
    ) -> ApiResult<Reply<Segment>> {
        let mut connection = state.services.db.get().await?;
        ok(Segment::of(seen(&mut connection, caller.user_id, id.0.0).await?, caller.user_id))
    }

    /// Change a segment
    ///
    /// Replaces all of it but who is listed; what is left out gets its default. A list stays a list, and a dynamic one
    /// keeps a filter. Only its owner may.
    #[oai(path = "/:id", method = "put")]
    async fn change(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        id: Path<Id<SegmentId>>,
        body: StrictBody<SegmentBody>,
    ) -> ApiResult<Reply<Segment>> {
        let ((new, filter), id) = (body.0.checked()?, id.0.0);
        let (owner, now) = (caller.user_id, state.services.clock.now());
        let mut connection = state.services.db.get().await?;
        let before = owned(&mut connection, owner, id).await?;
        match (before.filter.is_some(), filter.is_some()) {
            (true, false) => return Err(ApiError::invalid("filter", "is required: the segment is dynamic")),
            (false, true) => return Err(ApiError::invalid("filter", "the segment is a list, and takes none")),
            _ => refers_well(&mut connection, filter.as_ref(), owner, Some(id)).await?,
        }
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let row = segments::change(connection, owner, id, &new, now).await.map_err(name_taken)?;
                let row = row.ok_or_else(|| ApiError::not_found("segment"))?;
                let entry = caller.entry("segment.changed", Entity::of(id));
                audit::record(connection, &[entry.before(told(&before)).after(told(&row))]).await?;
                Ok(row)
            })
            .await?;
        ok(Segment::of(row, owner))
    }

    /// Take a segment away
    ///
    /// Nobody sees it any more. Campaigns and segments that refer to it keep their meaning.
    #[oai(path = "/:id", method = "delete")]
    async fn delete(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        id: Path<Id<SegmentId>>,
    ) -> ApiResult<Reply<Segment>> {
        let (id, owner, now) = (id.0.0, caller.user_id, state.services.clock.now());
        let mut connection = state.services.db.get().await?;
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let row = owned(connection, owner, id).await?;
                if !segments::delete(connection, owner, id, now).await? {
                    return Err(ApiError::not_found("segment"));
                }
                let entry = caller.entry("segment.deleted", Entity::of(id)).before(told(&row));
                audit::record(connection, &[entry]).await?;
                Ok(row)
            })
            .await?;
        ok(Segment::of(row, owner))
    }
}

/// Whether the segments that a filter names can be used, and do not lead back to the one it is of.
async fn refers_well(
    connection: &mut AsyncPgConnection,
    filter: Option<&Filter>,
    viewer: UserId,
    of: Option<SegmentId>,
) -> ApiResult<()> {
    let Some(filter) = filter else { return Ok(()) };
    let named = filter.root.segments();
    let segments: Segments = resolved(connection, "filter", &named, viewer).await?;
    match of {
        Some(of) if segments.get(of).is_some() => Err(ApiError::invalid("filter", "leads back to the segment itself")),
        _ => Ok(()),
    }
}

fn name_taken(error: DbError) -> ApiError {
    match error.unique_violation() {
        Some(_) => ApiError::conflict("name_taken", "you have a segment of that name already"),
        None => error.into(),
    }
}

fn told(row: &SegmentRow) -> Value {
    json!({
        "name": row.name, "description": row.description, "kind": row.kind, "filter": row.filter,
        "shared": row.shared, "holdoutBasisPoints": row.holdout_basis_points,
    })
}
