//! Ladders: written, changed while they are drafts, and looked at. They are paused, resumed and stopped as any campaign.
//!
//! Everything about a ladder is checked before anything is written, and the faults are told together.

mod check;
mod given;
mod shown;

use super::{find, trials::unforeseen};
use crate::{
    auth::{Guard, SignedIn, permit},
    envelope::{Reply, Success, ok},
    error::{ApiError, ApiResult},
    request::{Id, JsonBody, Name, Page, named_set},
    state::SharedState,
    tags::Tag,
};
use domain::{
    campaigns::{
        CampaignStatus, ExclusionReason,
        sequence::{Condition, EnrolmentState, Reached},
    },
    ids::{CampaignId, PolicyId},
    permissions::Permission,
};
use given::{LadderChange, NewLadder};
use jobs::campaigns::forecast::ForecastError;
use poem::web::Data;
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Path, Query},
    payload::Json,
};
use schema::{
    AsyncConnection, DbError, QueryError,
    audit::{self, Entity},
    sequences::{self, EnrolmentList},
};
use shown::{Enrolments, Ladder, PolicyWay};
use uuid::Uuid;

named_set!(Condition, Reached, EnrolmentState);

/// Ladders.
pub struct SequencesApi;

/// A ladder that was written.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct LadderWritten {
    /// The campaign.
    id: Id<CampaignId>,
    /// Where it stands.
    status: Name<CampaignStatus>,
    /// Policies that would be put on it now; absent when that takes too long to tell.
    recipients: Option<i64>,
    /// The most messages that these get, over all steps and channels.
    messages: Option<i64>,
    /// The job that puts policies on it; absent for a draft, and for one that waits for a second person's word.
    job_id: Option<Uuid>,
}

/// 202 when policies are being put on it, 201 when it waits.
#[derive(ApiResponse)]
enum Written {
    /// A draft, or one that waits for a second person's word.
    #[oai(status = 201)]
    Waiting(Json<Success<LadderWritten>>),
    /// Begun: `GET /api/jobs/{jobId}` tells when everybody is on it.
    #[oai(status = 202)]
    Started(Json<Success<LadderWritten>>),
}

#[OpenApi(prefix_path = "/api/campaigns", tag = "Tag::Campaigns")]
impl SequencesApi {
    /// Start a ladder, or draft one
    ///
    /// Leads every policy of the target to its renewal: each step is a message so many days before or after the policy's
    /// last day, at a time of the recipient's day. A policy's way ends at once when it is renewed, paid, lapses or has an
    /// open claim, or when its holder answers or opts out. A policy's term is on one ladder at a time.
    /// One that may send more than one person may waits for a second person's word (`POST /api/campaigns/:id/approval`).
    #[oai(path = "/sequences", method = "post")]
    async fn create_sequence(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        body: JsonBody<NewLadder>,
    ) -> ApiResult<Written> {
        let draft = body.0.draft.unwrap_or(false);
        if !draft {
            may_send(&caller)?;
        }
        let services = &state.services;
        let mut connection = services.db.get().await?;
        let new = check::ladder(services, &mut connection, &caller, body.0).await?;
        let created = connection
            .transaction::<_, ForecastError, _>(async |connection| {
                let created = jobs::sequences::request::create(services, connection, &new, draft).await?;
                let entry = caller.entry("campaign.created", Entity::of(CampaignId(created.id)));
                audit::record(connection, &[entry.after(check::told(&new, created.status))]).await?;
                Ok(created)
            })
            .await
            .map_err(unforeseen)?;
        drop(connection);
        services.dispatcher.push(&created.enqueued).await;
        let job_id = created.enqueued.first().map(|job| job.id);
        let forecast = &created.forecast;
        let (recipients, messages) = (forecast.recipients, forecast.messages);
        let (id, status) = (Id(CampaignId(created.id)), Name(created.status));
        let answer = Json(Success { success: true, data: LadderWritten { id, status, recipients, messages, job_id } });
        Ok(if job_id.is_some() { Written::Started(answer) } else { Written::Waiting(answer) })
    }

    /// Get the steps of a ladder
    ///
    /// With how the messages of each fared on each channel, and how many policies have it before them. 409
    /// `not_a_ladder` of a campaign without steps.
    #[oai(path = "/:id/steps", method = "get")]
    async fn steps(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<CampaignId>>,
    ) -> ApiResult<Reply<Ladder>> {
        let mut connection = state.services.db.get().await?;
        find(&mut connection, caller.reach, id.0.0).await?;
        ok(shown::ladder(&mut connection, id.0.0).await?)
    }

    /// Change a ladder that is a draft
    ///
    /// Replaces all of its steps, and what else is said. 409 `not_a_draft` once it has begun.
    #[oai(path = "/:id/steps", method = "put")]
    async fn set_steps(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        id: Path<Id<CampaignId>>,
        body: JsonBody<LadderChange>,
    ) -> ApiResult<Reply<Ladder>> {
        let services = &state.services;
        let campaign = id.0.0;
        let mut connection = state.services.db.get().await?;
        let draft = find(&mut connection, caller.reach, campaign).await?;
        let change = check::change(services, &mut connection, &caller, body.0).await?;
        let before = sequences::steps(&mut connection, campaign.0).await?;
        let before: Vec<_> = before.into_iter().map(|row| row.step).collect();
        let changed = connection
            .transaction::<_, ForecastError, _>(async |connection| {
                if !sequences::change(connection, campaign.0, &change.beside, services.clock.now()).await? {
                    return Err(QueryError::RollbackTransaction.into());
                }
                sequences::replace(connection, campaign.0, &change.steps).await?;
                let entry = caller.entry("campaign.steps_changed", Entity::of(campaign));
                let entry = entry.before(check::steps_told(&before)).after(check::steps_told(&change.steps));
                let mut entries = vec![entry];
                if let Some(after) = change.told() {
                    let entry =
                        caller.entry("campaign.rewritten", Entity::of(campaign)).before(check::replaced(&draft));
                    entries.push(entry.after(after));
                }
                audit::record(connection, &entries).await?;
                jobs::sequences::request::foretold(services, connection, campaign.0).await
            })
            .await;
        match changed {
            Ok(_) => ok(shown::ladder(&mut connection, campaign).await?),
            Err(ForecastError::Database(DbError::Query(QueryError::RollbackTransaction))) => {
                Err(ApiError::conflict("not_a_draft", "only the steps of a ladder that has not begun can be changed"))
            }
            Err(error) => Err(unforeseen(error)),
        }
    }

    /// List who is on a ladder
    ///
    /// In the order in which they were put on. `next` of an answer, given as `after`, leads on.
    #[oai(path = "/:id/enrolments", method = "get")]
    #[expect(clippy::too_many_arguments, reason = "one a filter")]
    async fn enrolments(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<CampaignId>>,
        /// In this state only.
        #[oai(name = "state")]
        standing: Query<Option<Name<EnrolmentState>>>,
        /// Ended by this only.
        #[oai(name = "stoppedFor")]
        stopped_for: Query<Option<Name<ExclusionReason>>>,
        /// Those after this one.
        #[oai(validator(minimum(value = "0")))]
        after: Query<Option<i64>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Enrolments>> {
        let page = Page::read(None, limit.0)?;
        let wanted = EnrolmentList {
            state: standing.0.map(|name| name.0),
            stopped_for: stopped_for.0.map(|name| name.0.as_str()),
            after: after.0.unwrap_or(0),
            limit: page.limit() + 1,
        };
        let mut connection = state.services.db.get().await?;
        find(&mut connection, caller.reach, id.0.0).await?;
        let rows = sequences::list(&mut connection, caller.reach, id.0.0.0, &wanted).await?;
        ok(shown::enrolments(rows, page.size()))
    }

    /// Say where a policy stands on a ladder, and why
    ///
    /// Its steps with their times, what it was sent, and what ended its way, or would end it now; or why it was left out.
    #[oai(path = "/:id/enrolments/:policy", method = "get")]
    async fn way(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<CampaignId>>,
        policy: Path<Id<PolicyId>>,
    ) -> ApiResult<Reply<PolicyWay>> {
        let mut connection = state.services.db.get().await?;
        find(&mut connection, caller.reach, id.0.0).await?;
        let now = state.services.clock.now();
        ok(shown::way(&mut connection, caller.reach, (id.0.0, policy.0.0), now).await?)
    }
}

/// Whoever may only prepare has to leave it a draft.
fn may_send(caller: &SignedIn) -> ApiResult<()> {
    if caller.may(Permission::CampaignsSend) {
        return Ok(());
    }
    let message =
        format!("this needs the permission {}; without it a ladder can be a draft", Permission::CampaignsSend);
    let details = serde_json::json!({"permission": Permission::CampaignsSend});
    Err(ApiError::forbidden("permission_denied", message).with_details(details))
}
