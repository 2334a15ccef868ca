//! What may be done with a campaign under way beside holding and stopping it: agreed to, given more time, tried again.
//!
//! Every change is one transaction with its line in the audit log. What does not fit where the campaign stands is a 409
//! that says what would.

use super::find;
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, JsonBody, Name},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    campaigns::{CampaignStatus, status},
    ids::CampaignId,
};
use jobs::{
    campaigns::{analytics::after_change, request, retry},
    kinds::retry_failed::RetryFailed,
    queue::ledger,
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use schema::{
    AsyncConnection, DbError,
    campaigns::{self, Extension, Judgement},
};
use uuid::Uuid;

/// What else may be done with campaigns.
pub struct CampaignControlApi;

/// A second person's word.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct ApprovalRequest {
    /// Whether it may begin.
    approved: bool,
    /// Why.
    #[oai(validator(max_length = 1000))]
    note: Option<String>,
    /// The campaign's `updatedAt` when it was looked at; what was changed since is not agreed to.
    updated_at: Option<DateTime<Utc>>,
}

/// Where a campaign stands now.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Stands {
    /// Which.
    campaign_id: Id<CampaignId>,
    /// Where it stands.
    status: Name<CampaignStatus>,
}

/// More time.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct ExtensionRequest {
    /// A timed campaign may start until then; one that missed its time waits again.
    latest_start: Option<DateTime<Utc>>,
    /// A sequence takes people in until then.
    enrol_until: Option<DateTime<Utc>>,
    /// A recurring campaign goes on until then.
    recur_until: Option<DateTime<Utc>>,
}

/// Which failed messages are tried again.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct RetryRequest {
    /// Those with these codes only; by default all.
    #[oai(default, validator(max_items = 50))]
    error_codes: Vec<String>,
}

/// What is tried again.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Retried {
    /// How many messages.
    messages: i64,
    /// The job that goes on with them, where they are many.
    job_id: Option<Uuid>,
}

#[OpenApi(prefix_path = "/api/campaigns", tag = "Tag::Campaigns")]
impl CampaignControlApi {
    /// Agree to a campaign, or not
    ///
    /// By somebody else than its author and whoever wrote it last. Agreed to, it begins as it would have, or is missed when
    /// its latest start has passed; refused, it is a draft again, or stopped when its audience is written. 409
    /// `not_awaiting_approval` when nobody asked, `changed_meanwhile` when it is not what was looked at.
    #[oai(path = "/:id/approval", method = "post")]
    async fn approve(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsApprove>,
        id: Path<Id<CampaignId>>,
        body: JsonBody<ApprovalRequest>,
    ) -> ApiResult<Reply<Stands>> {
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let campaign = find(&mut connection, caller.reach, id.0.0).await?;
        let begins = campaign.begins(now);
        let to = status::judged(campaign.status, body.0.approved, begins).ok_or_else(not_awaiting)?;
        if campaign.is_by(caller.user_id) {
            return Err(ApiError::forbidden("own_campaign", "a second person has to agree to it"));
        }
        let (approved, note) = (body.0.approved, body.0.note);
        let seen = body.0.updated_at;
        let word = Judgement { campaign: campaign.id, approved, to, note, seen, actor: caller.actor() };
        let judged = connection
            .transaction::<_, DbError, _>(async |connection| request::judge(connection, now, &word, &campaign).await)
            .await?;
        drop(connection);
        let refused = || if seen.is_some() { changed_meanwhile() } else { not_awaiting() };
        state.services.dispatcher.push(&judged.ok_or_else(refused)?).await;
        ok(Stands { campaign_id: id.0, status: Name(to) })
    }

    /// Give a campaign more time
    #[oai(path = "/:id/extension", method = "post")]
    async fn extend(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsSend>,
        id: Path<Id<CampaignId>>,
        body: JsonBody<ExtensionRequest>,
    ) -> ApiResult<Reply<super::view::Campaign>> {
        let by = Extension {
            latest_start: body.0.latest_start,
            enrol_until: body.0.enrol_until,
            recur_until: body.0.recur_until,
        };
        if by == Extension::default() {
            return Err(ApiError::invalid("latestStart", "say what is to last longer"));
        }
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let campaign = find(&mut connection, caller.reach, id.0.0).await?;
        let extended = connection
            .transaction::<_, DbError, _>(async |connection| {
                if !campaigns::extend(connection, campaign.id, &by, &caller.actor(), now).await? {
                    return Ok(None);
                }
                // one that had missed its time is scheduled again
                ledger::enqueue(connection, now, &[after_change(campaign.id)?]).await.map(Some)
            })
            .await?;
        let Some(enqueued) = extended else {
            let message = "a timed one that has not begun has a latestStart not before its time, a sequence an enrolUntil, a \
                           recurring one a recurUntil ahead; what is over is not extended";
            return Err(ApiError::conflict("not_extendable", message));
        };
        let campaign = find(&mut connection, caller.reach, id.0.0).await?;
        drop(connection);
        state.services.dispatcher.push(&enqueued).await;
        ok(campaign.into())
    }

    /// Try failed messages again
    ///
    /// Those that no provider has taken; of a ladder those of the step that a policy stands at, unless its fallback got
    /// through. A completed campaign is active again until they are through.
    #[oai(path = "/:id/retry", method = "post")]
    async fn retry(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsSend>,
        id: Path<Id<CampaignId>>,
        body: JsonBody<RetryRequest>,
    ) -> ApiResult<Reply<Retried>> {
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let campaign = find(&mut connection, caller.reach, id.0.0).await?;
        let asked = RetryFailed { campaign: campaign.id, codes: body.0.error_codes, asked_at: now, after: 0 };
        let begun = retry::begin(&mut connection, &campaign, asked, &caller.actor(), now).await?;
        drop(connection);
        state.services.dispatcher.push(&begun.enqueued).await;
        ok(Retried { messages: begun.messages, job_id: begun.rest })
    }
}

fn changed_meanwhile() -> ApiError {
    ApiError::conflict("changed_meanwhile", "it is not what was looked at any more: look again")
}

fn not_awaiting() -> ApiError {
    ApiError::conflict("not_awaiting_approval", "nobody waits for a word on it")
}
