//! `/api/communication` (and `/api/communications`): single messages on every channel, what became of each message and
//! why, what was said to and by a customer, and the accounts that send.

mod accounts;
mod email;
mod explain;
mod given;
mod history;
mod media;
mod message_id;
mod sms;
mod status;
mod whatsapp;

pub(crate) use given::AskedMessage;

use crate::{auth::SignedIn, envelope::Accepted, error::ApiResult, state::SharedState};
use domain::{ids::TemplateId, messaging::Channel};
use poem_openapi::OpenApi;
use std::collections::HashMap;

/// Everything about single messages.
pub fn api() -> impl OpenApi + 'static {
    (
        whatsapp::SendWhatsappApi,
        sms::SendSmsApi,
        email::SendEmailApi,
        status::DeliveryApi,
        history::HistoryApi,
        explain::ExplainApi,
        accounts::AccountsApi,
        media::WhatsappMediaApi,
    )
}

/// A text to be tried.
pub(crate) struct Text {
    pub channel: Channel,
    pub template: TemplateId,
    /// `None`: the newest.
    pub version: Option<i32>,
    /// Instead of the template's own.
    pub subject: Option<String>,
}

/// Asks for a message that fills in a template, on trial.
pub(crate) async fn test_send(
    state: &SharedState,
    caller: &SignedIn,
    text: Text,
    to: String,
    values: HashMap<String, String>,
) -> ApiResult<Accepted<AskedMessage>> {
    let given = given::Given {
        to: Some(to),
        template_id: Some(text.template.to_string()),
        template_version: text.version,
        subject: text.subject,
        parameters: Some(values),
        ..given::Given::default()
    };
    given::ask(state, caller, text.channel, given, None).await
}
