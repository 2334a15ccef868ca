//! Looks into segments: how many, some of them, and why somebody is in or out.

use super::{
    body::PreviewBody,
    day, resolved, seen,
    view::{ExplainedPolicy, SegmentCount, SegmentExplanation, SegmentPreview, SegmentSample},
};
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, StrictBody},
    state::SharedState,
    tags::Tag,
};
use domain::{
    campaigns::audience::{Segments, Selection, findings},
    ids::{CustomerId, PolicyId, SegmentId, UserId},
};
use poem::web::Data;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use schema::{
    AsyncPgConnection,
    segments::{self, Explained},
};
use std::collections::BTreeSet;

/// Some of them, when nothing is said.
const SAMPLE: i64 = 10;

/// Looks.
pub struct SegmentLookApi;

#[OpenApi(prefix_path = "/api/segments", tag = "Tag::Segments")]
impl SegmentLookApi {
    /// Try a target
    ///
    /// How many customers in reach a filter, segments or recipients come to, and some of them. Of a large book the
    /// number may be an estimate, which it says.
    #[oai(path = "/preview", method = "post")]
    async fn preview(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        body: StrictBody<PreviewBody>,
    ) -> ApiResult<Reply<SegmentPreview>> {
        let selection = body.0.checked()?;
        let day = day(state.services.clock.now(), body.0.time_zone.as_deref())?;
        let mut connection = state.services.db.get().await?;
        let segments = resolved(&mut connection, "targetAudience", &selection.named(), caller.user_id).await?;
        let (count, sample) =
            segments::preview(&mut connection, caller.reach, &selection, &segments, day, SAMPLE).await?;
        ok(SegmentPreview { count: count.into(), sample: sample.into_iter().map(Into::into).collect() })
    }

    /// Count a segment's customers
    #[oai(path = "/:id/count", method = "get")]
    async fn count(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<SegmentId>>,
        /// The zone that days are counted in; by default `Asia/Kolkata`.
        #[oai(name = "timeZone", validator(max_length = 64))]
        time_zone: Query<Option<String>>,
    ) -> ApiResult<Reply<SegmentCount>> {
        let day = day(state.services.clock.now(), time_zone.0.as_deref())?;
        let mut connection = state.services.db.get().await?;
        let (selection, segments) = of_segment(&mut connection, caller.user_id, id.0.0).await?;
        ok(segments::count(&mut connection, caller.reach, &selection, &segments, day).await?.into())
    }

    /// See some of a segment's customers
    #[oai(path = "/:id/sample", method = "get")]
    async fn sample(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<SegmentId>>,
        /// How many; by default 10.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<i64>>,
    ) -> ApiResult<Reply<SegmentSample>> {
        let day = day(state.services.clock.now(), None)?;
        let mut connection = state.services.db.get().await?;
        let (selection, segments) = of_segment(&mut connection, caller.user_id, id.0.0).await?;
        let limit = limit.0.unwrap_or(SAMPLE);
        let sample = segments::sample(&mut connection, caller.reach, &selection, &segments, day, limit).await?;
        ok(SegmentSample { sample: sample.into_iter().map(Into::into).collect() })
    }

    /// See why somebody is in or out
    #[oai(path = "/:id/explain", method = "get")]
    async fn explain(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<SegmentId>>,
        #[oai(name = "customerId")] customer: Query<Id<CustomerId>>,
        /// Only this policy of theirs.
        #[oai(name = "policyId")]
        policy: Query<Option<Id<PolicyId>>>,
    ) -> ApiResult<Reply<SegmentExplanation>> {
        let (id, customer) = (id.0.0, customer.0.0);
        let day = day(state.services.clock.now(), None)?;
        let mut connection = state.services.db.get().await?;
        let (selection, segments) = of_segment(&mut connection, caller.user_id, id).await?;
        let (filter, policy) = (segments.filter(id), policy.0.map(|id| id.0));
        let rows =
            segments::explain(&mut connection, caller.reach, customer, policy, &selection, filter, &segments, day)
                .await?;
        if rows.is_empty() {
            return Err(ApiError::not_found(if policy.is_some() { "policy" } else { "customer" }));
        }
        let told = |row: Explained| ExplainedPolicy {
            policy_id: row.policy_id.map(|id| Id(PolicyId(id))),
            policy_number: row.policy_number,
            is_in: row.holds,
            conditions: filter
                .map(|filter| findings(filter, &row.results).into_iter().map(Into::into).collect())
                .unwrap_or_default(),
        };
        ok(SegmentExplanation {
            segment_id: Id(id),
            customer_id: Id(customer),
            is_in: rows.iter().any(|row| row.holds),
            held_out: segments.holdout(id).is_some_and(|holdout| holdout.holds(customer)),
            policies: rows.into_iter().map(told).collect(),
        })
    }
}

async fn of_segment(
    connection: &mut AsyncPgConnection,
    user: UserId,
    id: SegmentId,
) -> ApiResult<(Selection, Segments)> {
    seen(connection, user, id).await?;
    let segments = resolved(connection, "id", &BTreeSet::from([id]), user).await?;
    Ok((Selection::of_segment(id), segments))
}
