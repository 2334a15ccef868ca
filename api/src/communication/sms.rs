//! `POST /api/communication/sms/send`: one text message.

use super::given::{AskedMessage, Given, ask};
use crate::{
    auth::{Guard, permit},
    envelope::Accepted,
    error::ApiResult,
    request::{Id, JsonBody, Name, blank_is_none},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    ids::{CaseId, CustomerId},
    messaging::{Channel, Purpose},
};
use jobs::sending::content::{Content, SmsContent};
use poem::web::Data;
use poem_openapi::{Object, OpenApi};
use providers::messaging::SmsRegistration;
use std::collections::HashMap;

/// Sends text messages.
pub struct SendSmsApi;

/// A text message: words of its own, or a template with its values.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct SendSms {
    /// The recipient's number; or `customerId`.
    #[oai(validator(max_length = 40))]
    to: Option<String>,
    /// The recipient, by what the book knows of them.
    customer_id: Option<Id<CustomerId>>,
    /// The renewal case it is about.
    case_id: Option<Id<CaseId>>,
    /// What it says.
    #[oai(validator(max_length = 1600))]
    message: Option<String>,
    /// A template instead, by its id or its name.
    #[oai(validator(max_length = 255))]
    template_id: Option<String>,
    /// Values of the template's variables.
    parameters: Option<HashMap<String, String>>,
    /// What it is from, when the account's own sender is not meant.
    #[oai(validator(max_length = 20))]
    sender: Option<String>,
    /// Its registration on India's DLT platform.
    registration: Option<DltRegistration>,
    /// Seconds after which it is not delivered any more.
    #[oai(validator(minimum(value = "1"), maximum(value = "172800")))]
    validity_seconds: Option<u32>,
    /// Not before; by default at once.
    scheduled_at: Option<DateTime<Utc>>,
    /// What it is for; by default what the template is for, else `service`.
    purpose: Option<Name<Purpose>>,
    /// What it is about, for people who want some topics only.
    #[oai(validator(max_length = 50))]
    topic: Option<String>,
}

/// Ids that travel with each message to India.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct DltRegistration {
    /// The sender's principal entity.
    #[oai(validator(min_length = 1, max_length = 50))]
    entity_id: String,
    /// The approved header.
    #[oai(validator(max_length = 20))]
    header: Option<String>,
    /// The approved text.
    #[oai(validator(min_length = 1, max_length = 50))]
    template_id: String,
}

#[OpenApi(prefix_path = "/api/communication/sms", tag = "Tag::Communication")]
impl SendSmsApi {
    /// Send a text message
    ///
    /// The answer comes at once, with the parts it takes and what they cost; a job sends it, when consent, quiet hours
    /// and caps allow.
    #[oai(path = "/send", method = "post")]
    async fn send_sms(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::MessagesSend>,
        body: JsonBody<SendSms>,
    ) -> ApiResult<Accepted<AskedMessage>> {
        let body = body.0;
        let registration = body.registration.map(|given| SmsRegistration {
            entity_id: given.entity_id,
            header: given.header,
            template_id: given.template_id,
        });
        let (sender, validity_seconds) = (blank_is_none(body.sender), body.validity_seconds);
        let says = blank_is_none(body.message)
            .map(|message| Content::Sms(SmsContent { body: message, sender, registration, validity_seconds }));
        let given = Given {
            to: body.to,
            customer_id: body.customer_id,
            case_id: body.case_id,
            template_id: body.template_id,
            parameters: body.parameters,
            scheduled_at: body.scheduled_at,
            purpose: body.purpose.map(|purpose| purpose.0),
            topic: body.topic,
            ..Given::default()
        };
        ask(&state, &caller, Channel::Sms, given, says).await
    }
}
