//! What may be done with a campaign beside starting and stopping it: written anew, copied, deleted, agreed to, rehearsed,
//! tried, given more time, tried again, decided.
//!
//! Every change is one transaction with its line in the audit log. What does not fit where the campaign stands is a 409
//! that says what would.

use super::{check, find, launch, new::NewCampaign, variants};
use crate::{
    auth::{Guard, SignedIn, permit},
    communication::{self, AskedMessage},
    envelope::{Accepted, Reply, accepted, ok},
    error::{ApiError, ApiResult},
    request::{Id, JsonBody, Name},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    campaigns::{CampaignStatus, status},
    ids::{CampaignId, TemplateId},
    messaging::{Channel, template::Variables},
};
use jobs::{
    NewJob, Priority,
    campaigns::{forecast, lanes, request, winner},
    kinds::{compute_analytics::ComputeAnalytics, decide_winner::DecideWinner},
    queue::{dispatch::Enqueued, ledger},
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, payload::Json};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    audit::{self, Entity},
    campaigns::{self, Campaign, Copy, Extension, Judgement, Win},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// What else may be done with campaigns.
pub struct CampaignControlApi;

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

/// A second person's word.
#[derive(Object)]
struct ApprovalRequest {
    /// Whether it may begin.
    approved: bool,
    /// Why.
    #[oai(validator(max_length = 1000))]
    note: Option<String>,
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
struct Retried {
    /// How many messages.
    messages: i64,
}

/// Who wins.
#[derive(Object)]
struct WinnerRequest {
    /// The variant's label.
    #[oai(validator(min_length = 1, max_length = 20))]
    variant: String,
}

/// To whom a test goes.
#[derive(Object)]
struct CampaignTestSend {
    /// An address or number of one's own choice.
    #[oai(validator(min_length = 3, max_length = 255))]
    to: String,
}

/// Messages that were asked for.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Tested {
    /// One a variant.
    messages: Vec<AskedMessage>,
    /// The job that sends the first.
    job_id: Option<Uuid>,
}

/// A test that is decided.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Decided {
    /// Whose.
    campaign_id: Id<CampaignId>,
    /// The variant's label.
    winner: String,
    /// The job that gives it to the rest.
    job_id: Option<Uuid>,
}

/// What a campaign comes to.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct ForecastView {
    /// People who get a message; absent when it takes too long to tell.
    recipients: Option<i64>,
    /// People of the target who do not, by reason.
    exclusions: Value,
    /// Parts of text messages.
    segments: Option<i64>,
    /// By currency, as decimal text; empty where no price is known.
    cost: Value,
    /// Whether every text was counted; else it is told from a sample.
    exact: bool,
}

#[OpenApi(prefix_path = "/api/campaigns", tag = "Tag::Campaigns")]
impl CampaignControlApi {
    /// Write a draft anew
    ///
    /// Takes what `POST /api/campaigns` takes, for the one type of the draft. 409 `not_a_draft` for any other campaign:
    /// take it back first, or copy it.
    #[oai(path = "/:id", method = "put")]
    async fn rewrite(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        id: Path<Id<CampaignId>>,
        body: JsonBody<NewCampaign>,
    ) -> ApiResult<Reply<super::view::Campaign>> {
        let now = state.services.clock.now();
        let plan = check::checked(NewCampaign { as_draft: true, ..body.0 }, now)?;
        let mut connection = state.services.db.get().await?;
        let before = find(&mut connection, caller.reach, id.0.0).await?;
        launch::check_references(&mut connection, caller.reach, &plan).await?;
        let mut rows = launch::rows(&state, &caller, &mut connection, &plan, now).await?;
        let (Some((new, foretold)), true) = (rows.pop(), rows.is_empty()) else {
            return Err(ApiError::invalid("type", "a campaign has one type"));
        };
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
    ) -> ApiResult<Reply<Stands>> {
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
            true => ok(Stands { campaign_id: id.0, status: Name(CampaignStatus::Draft) }),
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

    /// Agree to a campaign, or not
    ///
    /// By somebody else than its author. Agreed to, it begins as it would have; refused, it is a draft again, or stopped
    /// when its audience is written. 409 `not_awaiting_approval` when nobody asked.
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
        if campaign.created_by == Some(caller.user_id.0) {
            return Err(ApiError::forbidden("own_campaign", "a second person has to agree to it"));
        }
        let (approved, note) = (body.0.approved, body.0.note);
        let word = Judgement { campaign: campaign.id, approved, to, note, actor: caller.actor() };
        let judged = connection
            .transaction::<_, DbError, _>(async |connection| request::judge(connection, now, &word, &campaign).await)
            .await?;
        drop(connection);
        state.services.dispatcher.push(&judged.ok_or_else(not_awaiting)?).await;
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
                campaigns::extend(connection, campaign.id, &by, &caller.actor(), now).await
            })
            .await?;
        if !extended {
            let message = "a timed one that has not begun has a latestStart not before its time, a sequence an enrolUntil, a \
                           recurring one a recurUntil ahead; what is over is not extended";
            return Err(ApiError::conflict("not_extendable", message));
        }
        ok(find(&mut connection, caller.reach, id.0.0).await?.into())
    }

    /// Try failed messages again
    ///
    /// Those that no provider has taken. A completed campaign is active again until they are through.
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
        let codes = body.0.error_codes;
        let (messages, enqueued) = connection
            .transaction::<_, DbError, _>(async |connection| {
                let retried = campaigns::retry_failed(connection, campaign.id, &codes, &caller.actor(), now).await?;
                let mut jobs = Vec::new();
                if retried > 0 {
                    jobs = lanes::jobs(connection, &campaign).await?;
                    jobs.push(job(&ComputeAnalytics::of(campaign.id))?);
                }
                Ok((retried, ledger::enqueue(connection, now, &jobs).await?))
            })
            .await?;
        drop(connection);
        state.services.dispatcher.push(&enqueued).await;
        ok(Retried { messages })
    }

    /// How the variants of a test fare
    #[oai(path = "/:id/variants", method = "get")]
    async fn variants(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<CampaignId>>,
    ) -> ApiResult<Reply<variants::Trial>> {
        let mut connection = state.services.db.get().await?;
        let campaign = find(&mut connection, caller.reach, id.0.0).await?;
        let rows = campaigns::variants(&mut connection, campaign.id).await?;
        let tried = campaigns::tried(&mut connection, campaign.id).await?;
        ok(variants::Trial::of(&campaign, &rows, &tried))
    }

    /// Decide a test by hand
    ///
    /// The rest of the recipients gets that variant. 409 `winner_named` when it is decided, or the campaign is over.
    #[oai(path = "/:id/winner", method = "post")]
    async fn decide(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsSend>,
        id: Path<Id<CampaignId>>,
        body: JsonBody<WinnerRequest>,
    ) -> ApiResult<Accepted<Decided>> {
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let campaign = find(&mut connection, caller.reach, id.0.0).await?;
        let rows = campaigns::variants(&mut connection, campaign.id).await?;
        let chosen = rows.iter().find(|variant| variant.label == body.0.variant);
        let variant = chosen.ok_or_else(|| ApiError::invalid("variant", "there is no such variant"))?;
        let tried = campaigns::tried(&mut connection, campaign.id).await?;
        let test = campaign.plan().test;
        let mut basis = test.map_or(json!({}), |test| {
            let (arms, judgement) = winner::judged(&rows, &tried, &test);
            winner::basis(&arms, &judgement, &test)
        });
        basis["decidedBy"] = json!(caller.user_id.to_string());
        let enqueued = connection
            .transaction::<_, DbError, _>(async |connection| {
                let win = Win { variant, basis: &basis };
                if !campaigns::name_winner(connection, campaign.id, &win, now).await? {
                    return Ok(None);
                }
                let entry = caller.entry("campaign.winner_named", Entity::of(id.0.0));
                audit::record(connection, &[entry.after(json!({"variant": variant.label}))]).await?;
                let give = job(&DecideWinner { campaign: campaign.id })?.priority(Priority::High);
                Ok(Some(ledger::enqueue(connection, now, &[give]).await?))
            })
            .await?;
        drop(connection);
        let named = || ApiError::conflict("winner_named", "it is decided, or the campaign does not run");
        let enqueued = enqueued.ok_or_else(named)?;
        state.services.dispatcher.push(&enqueued).await;
        let job_id = enqueued.first().map(|job| job.id);
        accepted(Decided { campaign_id: id.0, winner: variant.label.clone(), job_id })
    }

    /// What a campaign will come to
    ///
    /// Recipients and exclusions as of now; parts and cost from the texts of a sample of them. Once its audience is
    /// written, what was counted.
    #[oai(path = "/:id/forecast", method = "get")]
    async fn forecast(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<CampaignId>>,
    ) -> ApiResult<Reply<ForecastView>> {
        let mut connection = state.services.db.get().await?;
        let campaign = find(&mut connection, caller.reach, id.0.0).await?;
        let counted = campaign.forecast().filter(|forecast| forecast.exact);
        let forecast = match counted {
            Some(counted) => counted,
            None => forecast::foretell(&state.services, &mut connection, &campaign).await.map_err(unforeseen)?,
        };
        let cost: serde_json::Map<String, Value> = forecast
            .cost
            .iter()
            .map(|(currency, amount)| (currency.clone(), json!(amount.round_dp(2).to_string())))
            .collect();
        ok(ForecastView {
            recipients: forecast.recipients,
            exclusions: json!(forecast.exclusions),
            segments: forecast.segments,
            cost: Value::Object(cost),
            exact: forecast.exact,
        })
    }

    /// Send a campaign's text to oneself
    ///
    /// One message a variant, filled in with samples, to an address of one's own choice.
    #[oai(path = "/:id/test-send", method = "post")]
    async fn test_send(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::MessagesSend>,
        id: Path<Id<CampaignId>>,
        body: JsonBody<CampaignTestSend>,
    ) -> ApiResult<Accepted<Tested>> {
        let mut connection = state.services.db.get().await?;
        let campaign = find(&mut connection, caller.reach, id.0.0).await?;
        let variants = campaigns::variants(&mut connection, campaign.id).await?;
        drop(connection);
        let to = body.0.to;
        let is_mail = to.contains('@');
        let own = campaign.template_id.filter(|_| variants.is_empty()).map(|template| (campaign.channel, template));
        let tried = variants.iter().map(|variant| (variant.channel, variant.template_id));
        let mut messages = Vec::new();
        // one a variant: a handful
        for (channel, template) in
            own.into_iter().chain(tried).filter(|(channel, _)| (*channel == Channel::Email) == is_mail)
        {
            let values = Variables::sample_texts().into_iter().collect();
            let asked =
                communication::test_send(&state, &caller, channel, TemplateId(template), to.clone(), values).await?;
            let Accepted::Accepted(Json(answer)) = asked;
            messages.push(answer.data);
        }
        match messages.first().map(AskedMessage::job_id) {
            None => Err(ApiError::invalid("to", "is no address of the campaign's type")),
            job_id => accepted(Tested { messages, job_id }),
        }
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
    let copy = Copy { of: original.id, name: &name, rehearsal, occurrence: None, created_by: Some(caller.user_id.0) };
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
    let Some(made) = campaigns::copy(connection, copy, now).await? else { return Ok((None, Vec::new())) };
    let action = if copy.rehearsal { "campaign.rehearsed" } else { "campaign.copied" };
    let entry = caller.entry(action, Entity::of(CampaignId(made)));
    audit::record(connection, &[entry.after(json!({"of": CampaignId(copy.of), "name": copy.name}))]).await?;
    let jobs = match copy.rehearsal {
        true => vec![request::audience_of(made, copy.created_by)?],
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

fn job<J: jobs::Job>(job: &J) -> Result<NewJob, DbError> {
    request::new_job(job)
}

fn not_a_draft() -> ApiError {
    ApiError::conflict("not_a_draft", "only a draft is written anew or deleted")
}

fn not_awaiting() -> ApiError {
    ApiError::conflict("not_awaiting_approval", "nobody waits for a word on it")
}

fn unforeseen(error: forecast::ForecastError) -> ApiError {
    match error {
        forecast::ForecastError::Broken(why) => ApiError::conflict("campaign_broken", why),
        forecast::ForecastError::Database(error) => error.into(),
    }
}
