//! `/api/segments`: named parts of the book's customers, by a filter or as a list, and tags on customers.
//!
//! A segment is its owner's, and may be shared: others then see it and use it, and only its owner changes it. Whom it
//! comes to is for each reader what is in their reach.

mod body;
mod crud;
mod import;
mod look;
mod members;
mod tags;
mod view;

use crate::error::{ApiError, ApiResult};
use domain::{
    campaigns::audience::{Day, Segments},
    ids::{SegmentId, UserId},
    local_day::{DEFAULT_ZONE, zone_of},
};
use poem_openapi::OpenApi;
use schema::{
    AsyncPgConnection,
    segments::{self, ResolveError, Seen, SegmentRow},
};
use std::collections::BTreeSet;

/// Every part of the resource.
pub fn api() -> impl OpenApi + 'static {
    (
        crud::SegmentsApi,
        look::SegmentLookApi,
        members::SegmentMembersApi,
        import::SegmentImportApi,
        tags::CustomerTagsApi,
    )
}

/// The segments that `field` names, as far as the caller sees them, with all they refer to.
pub(crate) async fn resolved(
    connection: &mut AsyncPgConnection,
    field: &'static str,
    named: &BTreeSet<SegmentId>,
    viewer: UserId,
) -> ApiResult<Segments> {
    segments::resolve(connection, named, Some(viewer)).await.map_err(|error| match error {
        ResolveError::Database(error) => error.into(),
        ResolveError::Missing(_) | ResolveError::TooDeep => ApiError::invalid(field, error.to_string()),
        ResolveError::Unreadable { .. } => ApiError::internal(error),
    })
}

/// A segment that the caller sees.
async fn seen(connection: &mut AsyncPgConnection, user: UserId, id: SegmentId) -> ApiResult<SegmentRow> {
    segments::find(connection, Seen::By(user), id).await?.ok_or_else(|| ApiError::not_found("segment"))
}

/// A segment that is the caller's own; one of somebody else's, which they only see, is refused.
async fn owned(connection: &mut AsyncPgConnection, user: UserId, id: SegmentId) -> ApiResult<SegmentRow> {
    let row = seen(connection, user, id).await?;
    match row.owner_id == Some(user.0) {
        true => Ok(row),
        false => Err(ApiError::forbidden("not_owner", "only its owner changes a segment; make one of your own")),
    }
}

/// A list that is the caller's own.
async fn own_list(connection: &mut AsyncPgConnection, user: UserId, id: SegmentId) -> ApiResult<SegmentRow> {
    let row = owned(connection, user, id).await?;
    match row.filter.is_none() {
        true => Ok(row),
        false => Err(ApiError::conflict("segment_is_dynamic", "its filter says who is in it; only a list has members")),
    }
}

/// The day that relative dates are counted from, in the zone that was asked for.
fn day(now: chrono::DateTime<chrono::Utc>, zone: Option<&str>) -> ApiResult<Day> {
    match zone {
        None => Ok(Day::of(now, DEFAULT_ZONE)),
        Some(name) if name.parse::<chrono_tz::Tz>().is_ok() => Ok(Day::of(now, zone_of(Some(name)))),
        Some(_) => Err(ApiError::invalid("timeZone", "expected a time zone such as Asia/Kolkata")),
    }
}
