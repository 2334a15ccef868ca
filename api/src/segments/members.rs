//! The customers that a segment lists.

use super::{
    own_list, seen,
    view::{SegmentMember, SegmentMembers},
};
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, Page, StrictBody},
    state::SharedState,
    tags::Tag,
};
use domain::ids::{CustomerId, SegmentId};
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    segments::{self, Added},
};
use serde_json::json;

/// The most customers of one request.
const LIMIT: usize = 10_000;
/// The most places of an answer that name nobody.
const UNKNOWN_LIMIT: usize = 50;

/// Lists.
pub struct SegmentMembersApi;

/// Customers to be listed.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct MembersBody {
    /// By their ids.
    #[oai(default)]
    customer_ids: Vec<Id<CustomerId>>,
    /// By the insurer's own codes.
    #[oai(default)]
    customer_codes: Vec<String>,
}

/// Customers to be taken off.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct MembersRemoved {
    /// By their ids.
    #[oai(validator(min_items = 1))]
    customer_ids: Vec<Id<CustomerId>>,
}

/// What adding came to.
#[derive(Object)]
pub(super) struct MembersAdded {
    /// Customers who were not listed before.
    added: i64,
    /// Customers who were.
    known: i64,
    /// How many that were given name no customer in reach.
    unknown: usize,
    /// The first of these, as they were given.
    examples: Vec<String>,
}

impl MembersAdded {
    /// Of several steps, each with what it was given.
    pub(super) fn of(steps: Vec<(Added, Vec<String>)>) -> Self {
        let mut whole = Self { added: 0, known: 0, unknown: 0, examples: Vec::new() };
        for (step, given) in steps {
            whole.added += step.added;
            whole.known += step.known;
            whole.unknown += step.unknown.len();
            let named = step.unknown.iter().filter_map(|place| given.get(*place).cloned());
            whole.examples.extend(named);
            whole.examples.truncate(UNKNOWN_LIMIT);
        }
        whole
    }

    /// How many were added.
    pub(super) fn added(&self) -> i64 {
        self.added
    }
}

/// How many were taken off.
#[derive(Object)]
struct MembersGone {
    /// Customers who were listed before.
    removed: usize,
}

#[OpenApi(prefix_path = "/api/segments", tag = "Tag::Segments")]
impl SegmentMembersApi {
    /// List a static segment's customers
    #[oai(path = "/:id/members", method = "get")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<SegmentId>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<SegmentMembers>> {
        let page = Page::read(page.0, limit.0)?;
        let mut connection = state.services.db.get().await?;
        seen(&mut connection, caller.user_id, id.0.0).await?;
        let (rows, counted) = segments::members(&mut connection, caller.reach, id.0.0, page.part()).await?;
        let members = rows.into_iter().map(SegmentMember::from).collect();
        ok(SegmentMembers { members, pagination: page.of(counted) })
    }

    /// Add customers to a static segment
    ///
    /// Those who are listed already stay; what names no customer in reach is told, and the others are added.
    #[oai(path = "/:id/members", method = "post")]
    async fn add(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        id: Path<Id<SegmentId>>,
        body: StrictBody<MembersBody>,
    ) -> ApiResult<Reply<MembersAdded>> {
        let (id, now, reach) = (id.0.0, state.services.clock.now(), caller.reach);
        let ids: Vec<CustomerId> = body.0.customer_ids.iter().map(|id| id.0).collect();
        let codes: Vec<String> = body.0.customer_codes.iter().map(|code| code.trim().to_owned()).collect();
        if !(1..=LIMIT).contains(&(ids.len() + codes.len())) {
            let message = format!("expected 1 to {LIMIT} customers; more are imported as CSV");
            return Err(ApiError::invalid("customerIds", message));
        }
        let mut connection = state.services.db.get().await?;
        let outcome = connection
            .transaction::<_, ApiError, _>(async |connection| {
                own_list(connection, caller.user_id, id).await?;
                let by_id = segments::add(connection, reach, id, &ids, now).await?;
                let by_code = segments::add_codes(connection, reach, id, &codes, now).await?;
                let given = ids.iter().map(ToString::to_string).collect();
                let outcome = MembersAdded::of(vec![(by_id, given), (by_code, codes.clone())]);
                let entry = caller.entry("segment.members_added", Entity::of(id));
                audit::record(connection, &[entry.after(json!({"added": outcome.added}))]).await?;
                Ok(outcome)
            })
            .await?;
        ok(outcome)
    }

    /// Take customers off a static segment
    #[oai(path = "/:id/members/remove", method = "post")]
    async fn remove(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        id: Path<Id<SegmentId>>,
        body: StrictBody<MembersRemoved>,
    ) -> ApiResult<Reply<MembersGone>> {
        let (id, reach) = (id.0.0, caller.reach);
        let ids: Vec<CustomerId> = body.0.customer_ids.iter().map(|id| id.0).collect();
        if ids.len() > LIMIT {
            return Err(ApiError::invalid("customerIds", format!("expected 1 to {LIMIT} customers")));
        }
        let mut connection = state.services.db.get().await?;
        let removed = connection
            .transaction::<_, ApiError, _>(async |connection| {
                own_list(connection, caller.user_id, id).await?;
                let removed = segments::remove(connection, reach, id, &ids).await?;
                let entry = caller.entry("segment.members_removed", Entity::of(id));
                audit::record(connection, &[entry.after(json!({"removed": removed}))]).await?;
                Ok(removed)
            })
            .await?;
        ok(MembersGone { removed })
    }
}
