//! `POST /api/communication/email/send`: one e-mail.

use super::given::{AskedMessage, Given, ask, fault};
use crate::{
    auth::{Guard, permit},
    envelope::Accepted,
    error::{ApiError, ApiResult},
    request::{Id, JsonBody, Name, blank_is_none},
    state::SharedState,
    tags::Tag,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use domain::{
    ids::{CaseId, CustomerId},
    messaging::{Channel, Purpose},
};
use jobs::sending::content::{Content, EmailContent, StoredFile};
use poem::web::Data;
use poem_openapi::{Object, OpenApi};
use providers::{email::is_sender, storage::StorageError};
use std::collections::HashMap;
use uuid::Uuid;

/// The largest file, in bytes.
const FILE_LIMIT: u64 = 10 << 20;

/// Sends e-mail.
pub struct SendEmailApi;

/// An e-mail: words of its own, or a template with its values.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct SendEmail {
    /// The recipient's address; or `customerId`.
    #[oai(validator(max_length = 255))]
    to: Option<String>,
    /// The recipient, by what the book knows of them.
    customer_id: Option<Id<CustomerId>>,
    /// The renewal case it is about.
    case_id: Option<Id<CaseId>>,
    /// One line.
    #[oai(validator(max_length = 500))]
    subject: Option<String>,
    /// What it says, for programs that show text.
    #[oai(validator(max_length = 262144))]
    text: Option<String>,
    /// What it says, as a page; made of the text when absent.
    #[oai(validator(max_length = 524288))]
    html: Option<String>,
    /// Where answers go, when not to the sender.
    #[oai(validator(max_length = 255))]
    reply_to: Option<String>,
    /// Files that go along.
    #[oai(validator(max_items = 10))]
    attachments: Option<Vec<MailFile>>,
    /// A template instead, by its id or its name.
    #[oai(validator(max_length = 255))]
    template_id: Option<String>,
    /// Values of the template's variables.
    parameters: Option<HashMap<String, String>>,
    /// Not before; by default at once.
    scheduled_at: Option<DateTime<Utc>>,
    /// What it is for; by default what the template is for, else `service`.
    purpose: Option<Name<Purpose>>,
    /// What it is about, for people who want some topics only.
    #[oai(validator(max_length = 50))]
    topic: Option<String>,
}

/// A file.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct MailFile {
    /// Its name.
    #[oai(validator(min_length = 1, max_length = 255))]
    name: String,
    /// Its media type.
    #[oai(validator(min_length = 3, max_length = 100))]
    content_type: String,
    /// What is in it, in base64.
    content: String,
    /// A picture that the page shows as `cid:` and this.
    #[oai(validator(max_length = 100))]
    inline_id: Option<String>,
}

#[OpenApi(prefix_path = "/api/communication/email", tag = "Tag::Communication")]
impl SendEmailApi {
    /// Send an e-mail
    ///
    /// The answer comes at once; a job sends it, when consent, quiet hours and caps allow.
    #[oai(path = "/send", method = "post")]
    async fn send_email(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::MessagesSend>,
        body: JsonBody<SendEmail>,
    ) -> ApiResult<Accepted<AskedMessage>> {
        let mut body = body.0;
        let says = own_words(&state, &mut body).await?;
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
        ask(&state, &caller, Channel::Email, given, says).await
    }
}

async fn own_words(state: &SharedState, body: &mut SendEmail) -> ApiResult<Option<Content>> {
    let (text, html) = (blank_is_none(body.text.take()), blank_is_none(body.html.take()));
    let subject = blank_is_none(body.subject.take());
    if text.is_none() && html.is_none() && subject.is_none() {
        return Ok(None);
    }
    let subject = subject.ok_or_else(|| fault("subject", "an email needs a subject"))?;
    if subject.contains(['\r', '\n']) {
        return Err(fault("subject", "a subject is one line"));
    }
    let text = text.ok_or_else(|| fault("text", "is required: not every program shows pages"))?;
    let reply_to = blank_is_none(body.reply_to.take());
    if reply_to.as_ref().is_some_and(|address| !is_sender(address)) {
        return Err(fault("replyTo", "expected an address, as in Renewals <help@example.com>"));
    }
    let mut attachments = Vec::new();
    for (index, file) in body.attachments.take().unwrap_or_default().into_iter().enumerate() {
        attachments.push(kept(state, index, file).await?);
    }
    Ok(Some(Content::Email(EmailContent { subject, text, html, reply_to, attachments })))
}

/// Keeps a file until the mail has gone out.
async fn kept(state: &SharedState, index: usize, file: MailFile) -> ApiResult<StoredFile> {
    let field = format!("attachments[{index}]");
    let content = STANDARD.decode(file.content.trim()).map_err(|_| fault(&field, "expected content in base64"))?;
    if file.name.contains(['/', '\\', '\r', '\n', '\0']) || file.content_type.contains(['\r', '\n']) {
        return Err(fault(&field, "expected a plain name and media type"));
    }
    let key = format!("attachments/{}", Uuid::now_v7());
    let piece = futures_util::stream::iter([Ok::<_, StorageError>(bytes::Bytes::from(content))]);
    state.services.storage.put_stream(&key, piece, FILE_LIMIT).await.map_err(|error| match error {
        StorageError::TooLarge { .. } => fault(&field, "is larger than 10 MB"),
        other => ApiError::internal(other),
    })?;
    Ok(StoredFile { key, name: file.name, content_type: file.content_type, inline_id: blank_is_none(file.inline_id) })
}
