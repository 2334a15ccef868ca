//! The bodies of SendGrid's API: what a message looks like going out, and an answer coming in.

use crate::email::{EmailMessage, masked};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::messaging::{FailureClass, SendFailure};
use lettre::message::Mailbox;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The argument that carries the message row and the attempt; events return it beside their own members.
pub const CORRELATION_ARGUMENT: &str = "renewals_correlation";

/// The request for one message.
pub(super) fn request(message: &EmailMessage) -> Result<Value, SendFailure> {
    let checked = message.checked()?;
    if message.subject.trim().is_empty() || (message.text.is_empty() && message.html.is_empty()) {
        return Err(SendFailure::new(
            FailureClass::Request,
            None,
            "SendGrid takes no message without subject and text",
        ));
    }
    let mut recipient = json!({"to": [address(&checked.to)]});
    if let Some(correlation) = message.correlation {
        recipient["custom_args"] = json!({CORRELATION_ARGUMENT: correlation.to_string()});
    }
    let bodies = [("text/plain", &message.text), ("text/html", &message.html)];
    let bodies = bodies.into_iter().filter(|(_, body)| !body.is_empty());
    let mut headers: Map<String, Value> =
        checked.headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    headers.insert("Message-ID".to_owned(), format!("<{}>", message.id).into());
    let mut request = json!({
        "personalizations": [recipient],
        "from": address(&checked.from),
        "subject": message.subject,
        "content": bodies.map(|(kind, body)| json!({"type": kind, "value": body})).collect::<Vec<_>>(),
        "headers": headers,
    });
    if let Some(reply_to) = &checked.reply_to {
        request["reply_to"] = address(reply_to);
    }
    if !message.attachments.is_empty() {
        let files = message.attachments.iter().map(|file| {
            let mut value = json!({
                "content": STANDARD.encode(&file.content),
                "filename": file.name,
                "type": file.content_type,
                "disposition": "attachment",
            });
            if let Some(id) = &file.inline_id {
                value["disposition"] = "inline".into();
                value["content_id"] = id.as_str().into();
            }
            value
        });
        request["attachments"] = files.collect();
    }
    Ok(request)
}

fn address(mailbox: &Mailbox) -> Value {
    match &mailbox.name {
        Some(name) => json!({"email": mailbox.email.to_string(), "name": name}),
        None => json!({"email": mailbox.email.to_string()}),
    }
}

#[derive(Deserialize)]
struct Refused {
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    message: Option<String>,
    field: Option<String>,
}

/// What an answer of the API says against a message; `None` when it is not of the API.
pub(super) fn refusal(status: StatusCode, body: &[u8], after: Option<Duration>) -> Option<SendFailure> {
    let first = serde_json::from_slice::<Refused>(body).ok()?.errors.into_iter().next()?;
    let of_recipient = first.field.as_deref().is_some_and(|field| {
        field.starts_with("personalizations") && field.split('.').any(|part| part == "to" || part == "email")
    });
    let class = match status.as_u16() {
        400 if of_recipient => FailureClass::Recipient,
        400 | 413 => FailureClass::Request,
        401 | 403 | 404 | 405 => FailureClass::Account,
        429 => FailureClass::RateLimited { after },
        // the API's own word that it did not take the message
        500 | 503 => FailureClass::Retry { after },
        502 | 504 => FailureClass::Unknown,
        _ => FailureClass::Request,
    };
    let detail = match &first.field {
        Some(field) => format!("{field}: {}", first.message.unwrap_or_default()),
        None => first.message.unwrap_or_default(),
    };
    Some(SendFailure::new(class, Some(format!("http_{}", status.as_u16()).into()), &masked(&detail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, body: &str) -> Option<FailureClass> {
        refusal(StatusCode::from_u16(status).unwrap(), body.as_bytes(), None).map(|failure| failure.class)
    }

    #[test]
    fn answers_are_judged_by_status_and_field() {
        let fault = |field: &str| json!({"errors": [{"message": "no", "field": field, "help": {}}]}).to_string();
        assert_eq!(class(400, &fault("personalizations.0.to.0.email")), Some(FailureClass::Recipient));
        assert_eq!(class(400, &fault("content.0.value")), Some(FailureClass::Request));
        let bare = r#"{"errors":[{"message":"no","field":null}],"id":"x"}"#;
        for (status, expected) in [
            (400, FailureClass::Request),
            (401, FailureClass::Account),
            (403, FailureClass::Account),
            (413, FailureClass::Request),
            (429, FailureClass::RateLimited { after: None }),
            (500, FailureClass::Retry { after: None }),
            (503, FailureClass::Retry { after: None }),
            (504, FailureClass::Unknown),
        ] {
            assert_eq!(class(status, bare), Some(expected), "{status}");
        }
        assert_eq!(class(500, "<html>"), None);
        assert_eq!(class(500, r#"{"errors":[]}"#), None);
        let told = r#"{"errors":[{"message":"asha@example.com is wrong","field":"from"}]}"#;
        let told = refusal(StatusCode::BAD_REQUEST, told.as_bytes(), None).unwrap();
        assert_eq!(told.to_string(), "request (http_400): from: … is wrong");
    }
}
