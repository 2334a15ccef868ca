//! A campaign by its number, drafts, and campaigns made of others: read, written anew, deleted, copied, rehearsed.
//!
//! Every change is one transaction with its line in the audit log. What is no draft any more is a 409.

use super::{check, find, launch, new::NewCampaign, view};
use crate::{
    auth::{Guard, SignedIn, permit},
    envelope::{Accepted, Reply, accepted, ok},
    error::{ApiError, ApiResult},
    request::{Id, JsonBody, Name},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    campaigns::{CampaignMode, CampaignStatus},
    ids::CampaignId,
};
use jobs::{
    campaigns::request,
    queue::{dispatch::Enqueued, ledger},
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    audit::{self, Entity},
    campaigns::{self, Campaign, Copy},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// One campaign, drafts and copies.
pub struct CampaignDraftsApi;

/// A campaign that was made of another.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Copied {
    /// Its id.
    id: Id<CampaignId>,
    /// What it is called.
    name: String,
    /// Where it stands.
    status: Name<CampaignStatus>,
    /// The job it begins with, of a rehearsal.
    job_id: Option<Uuid>,
}

/// What a copy is called.
#[derive(Object)]
struct CopyRequest {
    /// By default that of the original with `(copy)`.
    #[oai(validator(min_length = 1, max_length = 255))]
    name: Option<String>,
}

/// A draft that is gone.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct DeletedDraft {
    /// Which.
    campaign_id: Id<CampaignId>,
    /// Where it stood.
    status: Name<CampaignStatus>,
}

#[OpenApi(prefix_path = "/api/campaigns", tag = "Tag::Campaigns")]
impl CampaignDraftsApi {
    /// Get a campaign
    #[oai(path = "/:id", method = "get")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<CampaignId>>,
    ) -> ApiResult<Reply<view::Campaign>> {
        let mut connection = state.services.db.get().await?;
        ok(find(&mut connection, caller.reach, id.0.0).await?.into())
    }

    /// Write a draft anew
    ///
    /// Takes what `POST /api/campaigns` takes, for the one type of the draft; it addresses whom its writer reaches. 409
    /// `not_a_draft` for any other campaign: take it back first, or copy it. 409 `is_a_ladder` of one with steps: `PUT
    /// …/steps` changes it.
    #[oai(path = "/:id", method = "put")]
    async fn rewrite(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        id: Path<Id<CampaignId>>,
        body: JsonBody<NewCampaign>,
    ) -> ApiResult<Reply<view::Campaign>> {
        let now = state.services.clock.now();
        let plan = check::checked(NewCampaign { as_draft: true, ..body.0 }, now)?;
        let mut connection = state.services.db.get().await?;
        let before = find(&mut connection, caller.reach, id.0.0).await?;
        if before.mode == CampaignMode::Sequence {
            return Err(ApiError::conflict("is_a_ladder", "PUT …/steps changes a ladder, also its name and target"));
        }
        launch::check_references(&mut connection, caller.reach, &plan).await?;
        let mut rows = launch::rows(&state, &caller, &mut connection, &plan, now).await?;
        let (Some((new, foretold)), true) = (rows.pop(), rows.is_empty()) else {
            return Err(ApiError::invalid("type", "a campaign has one type"));
        };
        // what was to go to nobody is not let loose by being written anew
        let new = campaigns::NewCampaign { rehearsal: before.rehearsal, ..new };
        let campaign = before.id;
        let written = connection
            .transaction::<_, DbError, _>(async |connection| {
                if !campaigns::rewrite(connection, campaign, &new, now).await? {
                    return Ok(false);
                }
                campaigns::keep_forecast(connection, campaign, &foretold).await?;
                let entry = caller.entry("campaign.rewritten", Entity::of(id.0.0));
                let known = |name: &str, audience: &Value| json!({"name": name, "targetAudience": audience});
                let audience = serde_json::to_value(&new.audience).unwrap_or_default();
                let entry = entry.before(known(&before.name, &before.target_audience_filter));
                audit::record(connection, &[entry.after(known(&new.name, &audience))]).await?;
                Ok(true)
            })
            .await?;
        if !written {
            return Err(not_a_draft());
        }
        ok(find(&mut connection, caller.reach, id.0.0).await?.into())
    }

    /// Delete a draft
    #[oai(path = "/:id", method = "delete")]
    async fn delete(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        id: Path<Id<CampaignId>>,
    ) -> ApiResult<Reply<DeletedDraft>> {
        let mut connection = state.services.db.get().await?;
        let campaign = find(&mut connection, caller.reach, id.0.0).await?;
        let deleted = connection
            .transaction::<_, DbError, _>(async |connection| {
                if !campaigns::delete_draft(connection, campaign.id).await? {
                    return Ok(false);
                }
                let entry = caller.entry("campaign.deleted", Entity::of(id.0.0)).before(json!({"name": campaign.name}));
                audit::record(connection, &[entry]).await?;
                Ok(true)
            })
            .await?;
        match deleted {
            true => ok(DeletedDraft { campaign_id: id.0, status: Name(CampaignStatus::Draft) }),
            false => Err(not_a_draft()),
        }
    }

    /// Copy a campaign
    ///
    /// As a draft of one's own, with everything that was written about it and nothing that became of it.
    #[oai(path = "/:id/clone", method = "post")]
    async fn duplicate(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        id: Path<Id<CampaignId>>,
        body: JsonBody<CopyRequest>,
    ) -> ApiResult<Reply<Copied>> {
        let (copied, _) = copy(&state, &caller, id.0.0, body.0.name, false).await?;
        ok(copied)
    }

    /// Rehearse a campaign
    ///
    /// A copy of it with its whole audience goes out over the sandbox: nobody gets anything, and nothing of it counts for
    /// anybody. Its figures are those of any campaign.
    #[oai(path = "/:id/rehearsal", method = "post")]
    async fn rehearse(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        id: Path<Id<CampaignId>>,
    ) -> ApiResult<Accepted<Copied>> {
        let (copied, enqueued) = copy(&state, &caller, id.0.0, None, true).await?;
        state.services.dispatcher.push(&enqueued).await;
        accepted(copied)
    }
}

/// Copies it; answers the copy and the jobs it begins with.
async fn copy(
    state: &SharedState,
    caller: &SignedIn,
    id: CampaignId,
    name: Option<String>,
    rehearsal: bool,
) -> ApiResult<(Copied, Vec<Enqueued>)> {
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let original = find(&mut connection, caller.reach, id).await?;
    let name = name.unwrap_or_else(|| called(&original, rehearsal));
    let copy = Copy {
        of: original.id,
        name: &name,
        rehearsal,
        occurrence: None,
        created_by: Some((caller.user_id.0, caller.reach)),
    };
    let (made, enqueued) = connection
        .transaction::<_, DbError, _>(async |connection| copied(connection, caller, &copy, now).await)
        .await?;
    let made = made.ok_or_else(|| ApiError::not_found("campaign"))?;
    let status = if rehearsal { CampaignStatus::Preparing } else { CampaignStatus::Draft };
    let job_id = enqueued.first().map(|job| job.id);
    Ok((Copied { id: Id(CampaignId(made)), name, status: Name(status), job_id }, enqueued))
}

async fn copied(
    connection: &mut AsyncPgConnection,
    caller: &SignedIn,
    copy: &Copy<'_>,
    now: DateTime<Utc>,
) -> Result<(Option<i64>, Vec<Enqueued>), DbError> {
    let for_whom = copy.created_by.map(|(user, _)| user);
    let Some(made) = campaigns::copy(connection, copy, now).await? else { return Ok((None, Vec::new())) };
    let action = if copy.rehearsal { "campaign.rehearsed" } else { "campaign.copied" };
    let entry = caller.entry(action, Entity::of(CampaignId(made)));
    audit::record(connection, &[entry.after(json!({"of": CampaignId(copy.of), "name": copy.name}))]).await?;
    let jobs = match copy.rehearsal {
        true => vec![request::audience_of(made, for_whom)?],
        false => Vec::new(),
    };
    Ok((Some(made), ledger::enqueue(connection, now, &jobs).await?))
}

fn called(original: &Campaign, rehearsal: bool) -> String {
    let kind = if rehearsal { "rehearsal" } else { "copy" };
    // the longest name has 255 characters
    let name: String = original.name.chars().take(240).collect();
    format!("{name} ({kind})")
}

fn not_a_draft() -> ApiError {
    ApiError::conflict("not_a_draft", "only a draft is written anew or deleted")
}
