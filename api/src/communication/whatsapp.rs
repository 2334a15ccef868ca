//! `POST /api/communication/whatsapp/send`: one WhatsApp message.

use super::given::{AskedMessage, Given, ask, fault};
use crate::{
    auth::{Guard, permit},
    envelope::{Accepted, FieldFault},
    error::{ApiError, ApiResult},
    request::{Id, JsonBody, Name},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    ids::{CaseId, CustomerId, FlowId},
    messaging::{
        Channel, Purpose,
        flow::{FlowAction, ReplyFlow},
        whatsapp::WhatsappContent,
    },
};
use jobs::sending::content::Content;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, types::Any};
use schema::whatsapp_flows;
use serde_json::Value;
use std::collections::HashMap;

/// Sends WhatsApp messages.
pub struct SendWhatsappApi;

/// A WhatsApp message: a template with its values, or content of its own.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct SendWhatsapp {
    /// The recipient's number; or `customerId`.
    #[oai(validator(max_length = 40))]
    to: Option<String>,
    /// The recipient, by what the book knows of them.
    customer_id: Option<Id<CustomerId>>,
    /// The renewal case it is about.
    case_id: Option<Id<CaseId>>,
    /// A template, by its id, its name, or its name at the provider.
    #[oai(validator(max_length = 255))]
    template_id: Option<String>,
    /// Values of the template's variables; those of the customer's policy need not be given with a case.
    parameters: Option<HashMap<String, String>>,
    /// Content of its own: `{"type": "text", "body": …}`, an image, a document, or buttons, a list or a form. Goes only
    /// to those who wrote within the last 24 hours.
    content: Option<Any<Value>>,
    /// A published flow of replies instead: its first message, and what follows from the answers.
    flow_id: Option<Id<FlowId>>,
    /// Not before; by default at once.
    scheduled_at: Option<DateTime<Utc>>,
    /// What it is for; by default what the template is for, else `service`.
    purpose: Option<Name<Purpose>>,
    /// What it is about, for people who want some topics only.
    #[oai(validator(max_length = 50))]
    topic: Option<String>,
}

#[OpenApi(prefix_path = "/api/communication/whatsapp", tag = "Tag::Communication")]
impl SendWhatsappApi {
    /// Send a WhatsApp message
    ///
    /// The answer comes at once; a job sends it, when consent, quiet hours and caps allow.
    #[oai(path = "/send", method = "post")]
    async fn send_whatsapp(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::MessagesSend>,
        body: JsonBody<SendWhatsapp>,
    ) -> ApiResult<Accepted<AskedMessage>> {
        let body = body.0;
        let (says, flow) = match (body.content, body.flow_id) {
            (Some(_), Some(_)) => return Err(fault("flowId", "either a flow or content, not both")),
            (content, None) => (content.map(|content| checked(content.0)).transpose()?, None),
            (None, Some(flow)) => {
                let (content, step) = first_of(&state, flow.0).await?;
                (Some(content), Some((flow.0.0, step)))
            }
        };
        let given = Given {
            to: body.to,
            customer_id: body.customer_id,
            case_id: body.case_id,
            template_id: body.template_id,
            parameters: body.parameters,
            scheduled_at: body.scheduled_at,
            purpose: body.purpose.map(|purpose| purpose.0),
            topic: body.topic,
            flow,
            ..Given::default()
        };
        ask(&state, &caller, Channel::Whatsapp, given, says).await
    }
}

/// What a published flow begins with.
async fn first_of(state: &SharedState, flow: FlowId) -> ApiResult<(Content, String)> {
    let mut connection = state.services.db.get().await?;
    let found = whatsapp_flows::published(&mut connection, &[flow.0]).await?.into_iter().next();
    let definition = found.ok_or_else(|| fault("flowId", "there is no such flow of replies that is published"))?.1;
    let first = ReplyFlow::read(&definition).ok().and_then(|flow| flow.first());
    match first {
        Some(FlowAction::Send { step, content }) => Ok((Content::Whatsapp { content, in_reply_to: None }, step)),
        Some(FlowAction::Assign(_) | FlowAction::ChangeCase(_)) | None => Err(fault("flowId", "has no first message")),
    }
}

/// The content, if the provider would take it.
fn checked(content: Value) -> ApiResult<Content> {
    let content: WhatsappContent =
        serde_json::from_value(content).map_err(|error| fault("content", error.to_string()))?;
    if content.is_template() {
        return Err(fault("content", "a template is named by templateId"));
    }
    let faults: Vec<FieldFault> = content
        .check()
        .into_iter()
        .map(|fault| FieldFault { field: format!("content.{}", fault.field), message: fault.problem })
        .collect();
    if faults.is_empty() { Ok(Content::Whatsapp { content, in_reply_to: None }) } else { Err(ApiError::faults(faults)) }
}
