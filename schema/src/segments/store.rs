//! Segments as rows: made, changed, listed, taken away.

use crate::{DbError, Part, tables::segments};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::{SegmentId, UserId};
use serde_json::Value;

/// A segment.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = segments)]
pub struct SegmentRow {
    pub id: i64,
    pub name: String,
    pub description: Option<String>,
    /// `dynamic` or `static`.
    pub kind: String,
    /// Of a dynamic one.
    pub filter: Option<Value>,
    pub shared: bool,
    pub holdout_basis_points: i16,
    pub owner_id: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What a segment is written as.
#[derive(Debug, Clone)]
pub struct NewSegment {
    pub name: String,
    pub description: Option<String>,
    /// Of a dynamic one; without it, it is a list.
    pub filter: Option<Value>,
    pub shared: bool,
    pub holdout_basis_points: i16,
}

/// Whose segments are seen: one's own and the shared ones, or only one's own.
#[derive(Debug, Clone, Copy)]
pub enum Seen {
    /// One's own, and what is shared.
    By(UserId),
    /// One's own.
    Own(UserId),
}

type Boxed<'a> = segments::BoxedQuery<'a, diesel::pg::Pg>;

fn seen<'a>(seen: Seen) -> Boxed<'a> {
    let query = segments::table.filter(segments::deleted_at.is_null()).into_boxed();
    match seen {
        Seen::By(user) => query.filter(segments::shared.or(segments::owner_id.is_not_distinct_from(user.0))),
        Seen::Own(user) => query.filter(segments::owner_id.eq(user.0)),
    }
}

/// A page of those that somebody sees, newest first, and how many there are, as far as counted.
pub async fn list(
    connection: &mut AsyncPgConnection,
    user: UserId,
    name: Option<&str>,
    part: Part,
) -> Result<(Vec<SegmentRow>, i64), DbError> {
    let filtered = || match name {
        None => seen(Seen::By(user)),
        Some(name) => seen(Seen::By(user)).filter(segments::name.ilike(crate::like::containing(name))),
    };
    let page = filtered().order(segments::id.desc()).offset(part.offset).limit(part.limit);
    let rows = page.select(SegmentRow::as_select()).load(connection).await?;
    let ids: Vec<i64> = filtered().select(segments::id).limit(part.count_cap + 1).load(connection).await?;
    Ok((rows, i64::try_from(ids.len()).unwrap_or(i64::MAX)))
}

/// One of those that somebody sees.
pub async fn find(
    connection: &mut AsyncPgConnection,
    whose: Seen,
    id: SegmentId,
) -> Result<Option<SegmentRow>, DbError> {
    let found = seen(whose).filter(segments::id.eq(id.0)).select(SegmentRow::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// Makes one; fails with a violation of `segments_name` when its owner has one of that name.
pub async fn create(
    connection: &mut AsyncPgConnection,
    owner: UserId,
    new: &NewSegment,
    now: DateTime<Utc>,
) -> Result<SegmentRow, DbError> {
    let kind = if new.filter.is_some() { "dynamic" } else { "static" };
    Ok(diesel::insert_into(segments::table)
        .values((
            segments::name.eq(&new.name),
            segments::description.eq(&new.description),
            segments::kind.eq(kind),
            segments::filter.eq(&new.filter),
            segments::shared.eq(new.shared),
            segments::holdout_basis_points.eq(new.holdout_basis_points),
            segments::owner_id.eq(owner.0),
            segments::created_at.eq(now),
            segments::updated_at.eq(now),
        ))
        .returning(SegmentRow::as_returning())
        .get_result(connection)
        .await?)
}

/// Changes one of the owner's; `None` when there is none. It stays of its kind.
pub async fn change(
    connection: &mut AsyncPgConnection,
    owner: UserId,
    id: SegmentId,
    new: &NewSegment,
    now: DateTime<Utc>,
) -> Result<Option<SegmentRow>, DbError> {
    let target =
        segments::table.find(id.0).filter(segments::owner_id.eq(owner.0)).filter(segments::deleted_at.is_null());
    let changed = diesel::update(target)
        .set((
            segments::name.eq(&new.name),
            segments::description.eq(&new.description),
            segments::filter.eq(&new.filter),
            segments::shared.eq(new.shared),
            segments::holdout_basis_points.eq(new.holdout_basis_points),
            segments::updated_at.eq(now),
        ))
        .returning(SegmentRow::as_returning());
    Ok(changed.get_result(connection).await.optional()?)
}

/// Takes away one of the owner's: nobody sees it any more; campaigns and segments that refer to it still find it.
pub async fn delete(
    connection: &mut AsyncPgConnection,
    owner: UserId,
    id: SegmentId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let target =
        segments::table.find(id.0).filter(segments::owner_id.eq(owner.0)).filter(segments::deleted_at.is_null());
    Ok(diesel::update(target).set(segments::deleted_at.eq(now)).execute(connection).await? == 1)
}
