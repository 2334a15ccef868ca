//! What a campaign will come to, and what its texts are worth: forecasts, tests sent to oneself, variants and the winner
//! among them.
//!
//! A decision is one transaction with its line in the audit log; one that is made already is a 409.

use super::{find, variants};
use crate::{
    auth::{Guard, permit},
    communication::{self, AskedMessage, Text},
    envelope::{Accepted, Reply, accepted, ok},
    error::{ApiError, ApiResult},
    request::{Id, JsonBody},
    state::SharedState,
    tags::Tag,
};
use domain::{
    campaigns::CampaignMode,
    ids::{CampaignId, TemplateId},
    messaging::{Channel, template::Variables},
};
use jobs::{
    Priority,
    campaigns::{forecast, request::new_job as job, winner},
    kinds::decide_winner::DecideWinner,
    queue::ledger,
    sequences,
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, payload::Json};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    audit::{self, Entity},
    campaigns::{self, Campaign, Win},
    sequences::StepText,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// What campaigns are worth, told before and meanwhile.
pub struct CampaignTrialsApi;

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
    /// Of a ladder: this step only, from 0.
    #[oai(validator(minimum(value = "0"), maximum(value = "23")))]
    step: Option<i16>,
}

/// Messages that were asked for.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Tested {
    /// One a variant, or a step and its fallback.
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
    /// Of a ladder: the most messages that they get, over all steps and channels; parts and cost are of these.
    messages: Option<i64>,
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
impl CampaignTrialsApi {
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
                // the one that would have decided sleeps until the test's time is over
                let give = job(&DecideWinner { campaign: campaign.id })?.priority(Priority::High).waking();
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
            None if campaign.mode == CampaignMode::Sequence => {
                sequences::forecast::foretell(&state.services, &mut connection, &campaign).await.map_err(unforeseen)?
            }
            None => forecast::foretell(&state.services, &mut connection, &campaign).await.map_err(unforeseen)?,
        };
        let cost: serde_json::Map<String, Value> = forecast
            .cost
            .iter()
            .map(|(currency, amount)| (currency.clone(), json!(amount.round_dp(2).to_string())))
            .collect();
        ok(ForecastView {
            recipients: forecast.recipients,
            messages: forecast.messages,
            exclusions: json!(forecast.exclusions),
            segments: forecast.segments,
            cost: Value::Object(cost),
            exact: forecast.exact,
        })
    }

    /// Send a campaign's text to oneself
    ///
    /// What it says in the versions that it sends: one message a variant, or a step and its fallback, filled in with
    /// samples, to an address of one's own choice.
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
        let texts = texts(&mut connection, &campaign, body.0.step).await?;
        drop(connection);
        let to = body.0.to;
        let is_mail = to.contains('@');
        let mut messages = Vec::new();
        // one a variant, or two a step: no more than some dozens
        for text in texts.into_iter().filter(|text| (text.channel == Channel::Email) == is_mail) {
            let values = Variables::sample_texts().into_iter().collect();
            let asked = communication::test_send(&state, &caller, text, to.clone(), values).await?;
            let Accepted::Accepted(Json(answer)) = asked;
            messages.push(answer.data);
        }
        match messages.first().map(AskedMessage::job_id) {
            None => Err(ApiError::invalid("to", "is no address of the campaign's type")),
            job_id => accepted(Tested { messages, job_id }),
        }
    }
}

/// What it says, in the versions that it sends.
async fn texts(
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
    step: Option<i16>,
) -> Result<Vec<Text>, DbError> {
    if campaign.mode == CampaignMode::Sequence {
        let texts = schema::sequences::step_texts(connection, campaign.id).await?;
        let text = |text: &StepText| Text {
            channel: text.channel,
            template: TemplateId(text.template),
            version: Some(text.version),
            subject: None,
        };
        return Ok(texts.iter().filter(|text| step.is_none_or(|step| step == text.step)).map(text).collect());
    }
    let variants = campaigns::variants(connection, campaign.id).await?;
    let own = campaign.template_id.filter(|_| variants.is_empty()).map(|template| Text {
        channel: campaign.channel,
        template: TemplateId(template),
        version: campaign.template_version,
        subject: None,
    });
    let tried = variants.into_iter().map(|variant| Text {
        channel: variant.channel,
        template: TemplateId(variant.template_id),
        version: Some(variant.template_version),
        subject: variant.subject,
    });
    Ok(own.into_iter().chain(tried).collect())
}

pub(super) fn unforeseen(error: forecast::ForecastError) -> ApiError {
    match error {
        forecast::ForecastError::Broken(why) => ApiError::conflict("campaign_broken", why),
        forecast::ForecastError::Database(error) => error.into(),
    }
}
