//! Looks up the segments that a target refers to, and those that they refer to.

use crate::{DbError, tables::segments};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::audience::{Body, Filter, Segments};
use domain::ids::{SegmentId, UserId};
use serde_json::Value;
use std::collections::BTreeSet;

/// Segments that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// There is none, or not for this person.
    #[error("there is no such segment: {0}")]
    Missing(SegmentId),
    /// They refer to each other in a circle, or too far.
    #[error("its segments refer to each other, or further than {} deep", Segments::DEPTH_LIMIT)]
    TooDeep,
    /// What is stored cannot be read.
    #[error("{id} cannot be read")]
    Unreadable {
        /// Which one.
        id: SegmentId,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl From<diesel::result::Error> for ResolveError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

type Row = (i64, Option<Value>, i16);

/// Looks up the named segments with all they refer to, in as many statements as the references are deep. The named ones
/// have to be there for `viewer`, when one is given: shared or their own, and not deleted. What those refer to is found
/// in any case, so that a segment means the same to everybody, and a campaign keeps its target.
pub async fn resolve(
    connection: &mut AsyncPgConnection,
    named: &BTreeSet<SegmentId>,
    viewer: Option<UserId>,
) -> Result<Segments, ResolveError> {
    let mut found = Segments::default();
    let mut wanted = named.clone();
    let mut viewer = viewer;
    for _ in 0..=Segments::DEPTH_LIMIT {
        if wanted.is_empty() {
            return match found.is_too_deep(named) {
                true => Err(ResolveError::TooDeep),
                false => Ok(found),
            };
        }
        let ids: Vec<i64> = wanted.iter().map(|id| id.0).collect();
        let mut query = segments::table
            .filter(segments::id.eq_any(ids))
            .select((segments::id, segments::filter, segments::holdout_basis_points))
            .into_boxed();
        if let Some(viewer) = viewer.take() {
            let seen = segments::shared.or(segments::owner_id.eq(viewer.0).is_not_distinct_from(true));
            query = query.filter(seen).filter(segments::deleted_at.is_null());
        }
        for (id, filter, holdout) in query.load::<Row>(connection).await? {
            let id = SegmentId(id);
            let body = match filter {
                None => Body::Static,
                Some(filter) => {
                    let filter: Result<Filter, _> = serde_json::from_value(filter);
                    Body::Dynamic(filter.map_err(|source| ResolveError::Unreadable { id, source })?)
                }
            };
            found.insert(id, body, u16::try_from(holdout).unwrap_or(0));
        }
        if let Some(missing) = wanted.iter().find(|id| found.get(**id).is_none()) {
            return Err(ResolveError::Missing(*missing));
        }
        wanted = found.missing(named);
    }
    Err(ResolveError::TooDeep)
}
