//! `GET /api/communication/explain`: why somebody did or did not get a message, from the record and nothing else.

use super::{message_id, status::Delivery};
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::Id,
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    ids::{CampaignId, CustomerId},
    masking,
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query, types::Any};
use schema::{
    AsyncPgConnection,
    book::customers,
    campaigns,
    messages::story::{self, MessageRow},
};
use serde_json::Value;

/// Why messages go out or do not.
pub struct ExplainApi;

/// Why somebody did or did not get a message.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct MessageExplanation {
    /// `written`: the audience has a message for them. `excluded`: it left them out. `not_targeted`: the target does not
    /// name them, or the audience is not written yet. `single`: it is no campaign's message.
    decision: String,
    /// Why the audience left them out.
    exclusion: Option<LeftOut>,
    /// The message, and how far it got.
    message: Option<Delivery>,
    /// Each look at whether it may go out, with what was known.
    checks: Vec<SendCheck>,
    /// Each call to a provider.
    attempts: Vec<SendAttempt>,
    /// Everything providers told of it.
    events: Vec<ToldEvent>,
}

/// Why an audience left somebody out.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct LeftOut {
    /// Why.
    reason: String,
    /// What exactly.
    detail: Option<String>,
    /// When it was decided.
    decided_at: DateTime<Utc>,
}

/// One look.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct SendCheck {
    /// When.
    at: DateTime<Utc>,
    /// `send`, `defer` or `exclude`.
    verdict: String,
    /// Why it was put off or left out.
    reason: Option<String>,
    /// Put off until then.
    until: Option<DateTime<Utc>>,
    /// What was known: consent, suppressions, local time, recent messages.
    facts: Option<Any<Value>>,
}

/// One call.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct SendAttempt {
    /// From 1.
    attempt: i32,
    /// Which account was called.
    account: String,
    /// `accepted`, `again`, `failed`, `unknown` or `suppressed`.
    outcome: String,
    /// The provider's code.
    code: Option<String>,
    /// What it said.
    detail: Option<String>,
    /// When the answer came.
    at: DateTime<Utc>,
}

/// One word of a provider.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct ToldEvent {
    /// Who told it.
    provider: String,
    /// `status`, `feedback` or `inbound`.
    kind: String,
    /// What it told: a status, or what the recipient did.
    told: Option<String>,
    /// How the message came back.
    bounce: Option<String>,
    /// Not a person's doing.
    automatic: bool,
    /// The provider's code.
    code: Option<String>,
    /// What came of it.
    outcome: Option<String>,
    /// When it happened.
    at: DateTime<Utc>,
}

#[OpenApi(prefix_path = "/api/communication", tag = "Tag::Communication")]
impl ExplainApi {
    /// Explain why somebody did or did not get a message
    ///
    /// About one message, or about a campaign and a customer.
    #[oai(path = "/explain", method = "get")]
    async fn explain(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::MessagesView>,
        /// The message; or `campaignId` with `customerId`.
        #[oai(name = "messageId")]
        message: Query<Option<String>>,
        /// The campaign.
        #[oai(name = "campaignId")]
        campaign: Query<Option<Id<CampaignId>>>,
        /// The customer.
        #[oai(name = "customerId")]
        customer: Query<Option<Id<CustomerId>>>,
    ) -> ApiResult<Reply<MessageExplanation>> {
        let mut connection = state.services.db.get().await?;
        let connection = &mut *connection;
        match (message.0, campaign.0, customer.0) {
            (Some(message), None, None) => {
                let found = story::find(connection, caller.reach, message_id::read(&message)?).await?;
                let row = found.ok_or_else(|| ApiError::not_found("message"))?;
                ok(about(connection, row).await?)
            }
            (None, Some(campaign), Some(customer)) => {
                let (campaign, customer) = (campaign.0, customer.0);
                if campaigns::find(connection, caller.reach, campaign.0).await?.is_none() {
                    return Err(ApiError::not_found("campaign"));
                }
                if customers::find(connection, caller.reach, customer).await?.is_none() {
                    return Err(ApiError::not_found("customer"));
                }
                match story::of_campaign(connection, caller.reach, campaign.0, customer.0).await? {
                    Some(row) => ok(about(connection, row).await?),
                    None => ok(absent(story::exclusion(connection, campaign.0, customer.0).await?)),
                }
            }
            _ => Err(super::given::fault("messageId", "either messageId, or campaignId with customerId")),
        }
    }
}

/// Nobody wrote them a message.
fn absent(exclusion: Option<(String, Option<String>, DateTime<Utc>)>) -> MessageExplanation {
    let left = exclusion.map(|(reason, detail, decided_at)| LeftOut { reason, detail, decided_at });
    MessageExplanation {
        decision: if left.is_some() { "excluded" } else { "not_targeted" }.to_owned(),
        exclusion: left,
        message: None,
        checks: Vec::new(),
        attempts: Vec::new(),
        events: Vec::new(),
    }
}

async fn about(connection: &mut AsyncPgConnection, row: MessageRow) -> ApiResult<MessageExplanation> {
    let (id, address) = (row.id, row.address.clone());
    let checks = story::checks(connection, id).await?.into_iter().map(|row| SendCheck {
        at: row.checked_at,
        verdict: row.verdict,
        reason: row.reason,
        until: row.until,
        facts: row.detail.map(Any),
    });
    let attempts = story::attempts(connection, id).await?.into_iter().map(|row| SendAttempt {
        attempt: row.attempt.into(),
        account: row.account,
        outcome: row.outcome,
        code: row.code,
        detail: row.detail.map(|text| masking::within(&text, &address)),
        at: row.ended_at,
    });
    let attempts = attempts.collect();
    let events = story::events(connection, id).await?.into_iter().map(|row| ToldEvent {
        provider: row.provider,
        kind: row.kind,
        told: row.status.or(row.feedback),
        bounce: row.bounce,
        automatic: row.automatic,
        code: row.error_code,
        outcome: row.outcome,
        at: row.occurred_at,
    });
    Ok(MessageExplanation {
        decision: if row.campaign_id.is_some() { "written" } else { "single" }.to_owned(),
        exclusion: None,
        events: events.collect(),
        checks: checks.collect(),
        attempts,
        message: Some(row.into()),
    })
}
