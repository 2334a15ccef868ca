//! The bodies of the SES API: what a message looks like going out, and an answer coming in.

use super::SesConfig;
use crate::email::{EmailMessage, masked};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::messaging::{FailureClass, SendFailure};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The tag that carries the message row and the attempt; events return it.
pub const CORRELATION_TAG: &str = "correlation";
/// How long to wait once a day's messages are sent: the vendor counts the last 24 hours, not the day.
const QUOTA_WAIT: Duration = Duration::from_secs(60 * 60);

/// The request for one message: as it is to arrive, so that its headers and files do.
pub(super) fn request(config: &SesConfig, message: &EmailMessage) -> Result<Value, SendFailure> {
    let built = match (&message.reply_to, &config.reply_to) {
        (None, Some(reply_to)) => EmailMessage { reply_to: Some(reply_to.clone()), ..message.clone() }.build()?,
        _ => message.build()?,
    };
    let to: Vec<String> = built.envelope().to().iter().map(ToString::to_string).collect();
    let mut request = json!({
        "FromEmailAddress": message.from,
        "Destination": {"ToAddresses": to},
        "Content": {"Raw": {"Data": STANDARD.encode(built.formatted())}},
    });
    if let Some(set) = &config.configuration_set {
        request["ConfigurationSetName"] = set.as_str().into();
    }
    if let Some(correlation) = message.correlation {
        request["EmailTags"] = json!([{"Name": CORRELATION_TAG, "Value": correlation.to_string()}]);
    }
    Ok(request)
}

#[derive(Deserialize)]
struct Taken {
    #[serde(rename = "MessageId")]
    id: String,
}

/// The id of a message that was taken.
pub(super) fn accepted(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Taken>(body).ok().map(|taken| taken.id).filter(|id| (1..=255).contains(&id.len()))
}

#[derive(Deserialize)]
struct Refused {
    #[serde(rename = "__type", alias = "code")]
    kind: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

/// What an answer of the API says against a message; `None` when it is not of the API.
pub(super) fn refusal(
    status: StatusCode,
    kind: Option<&str>,
    body: &[u8],
    after: Option<Duration>,
) -> Option<SendFailure> {
    let read: Option<Refused> = serde_json::from_slice(body).ok();
    let (in_body, text) = read.map_or((None, None), |refused| (refused.kind, refused.message));
    let kind = kind.map(str::to_owned).or(in_body)?;
    // `TooManyRequestsException:http://…`, or `com.amazonaws.ses#TooManyRequestsException`
    let name = kind.split(':').next().and_then(|name| name.rsplit('#').next()).filter(|name| !name.is_empty())?;
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).take(50).collect();
    let text = text.unwrap_or_default();
    let class = classify(&name, &text, status, after);
    Some(SendFailure::new(class, Some(name.into()), &masked(&text)))
}

fn classify(name: &str, text: &str, status: StatusCode, after: Option<Duration>) -> FailureClass {
    match name {
        "TooManyRequestsException" | "LimitExceededException" | "ThrottlingException" | "Throttling" => {
            let daily = text.contains("Daily message quota").then_some(QUOTA_WAIT);
            FailureClass::RateLimited { after: after.or(daily) }
        }
        "AccountSuspendedException" | "SendingPausedException" | "MailFromDomainNotVerifiedException" => {
            FailureClass::Account
        }
        // the configuration set of the settings
        "NotFoundException" => FailureClass::Account,
        // the vendor has no code of its own for an identity that is not verified
        "MessageRejected" | "MessageRejectedException" if text.contains("not verified") => FailureClass::Account,
        "MessageRejected" | "MessageRejectedException" | "BadRequestException" => FailureClass::Request,
        // the service's own word that nothing was taken
        "ServiceUnavailable" | "ServiceUnavailableException" => FailureClass::Retry { after },
        _ => match status.as_u16() {
            401 | 403 => FailureClass::Account,
            429 => FailureClass::RateLimited { after },
            500..=599 => FailureClass::Unknown,
            _ => FailureClass::Request,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ids::MessageId, messaging::Correlation};
    use mail_parser::MessageParser;

    fn config(reply_to: bool) -> SesConfig {
        let lookup = |name: &str| {
            let value = match name {
                "AWS_REGION" => "ap-south-1",
                "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "key",
                "SES_FROM_EMAIL" => "no-reply@renewals.example",
                "SES_REPLY_TO_EMAIL" if reply_to => "service@renewals.example",
                "SES_CONFIGURATION_SET" => "events",
                _ => return None,
            };
            Some(value.to_owned())
        };
        SesConfig::from_env(&lookup).unwrap().unwrap()
    }

    fn message() -> EmailMessage {
        let message = EmailMessage::new(
            "m-12-2@renewals.example".to_owned(),
            "Renewals <no-reply@renewals.example>".to_owned(),
            "Asha <asha@example.com>".to_owned(),
            "Your renewal".to_owned(),
            ("Hello".to_owned(), "<p>Hello</p>".to_owned()),
            chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        );
        EmailMessage { correlation: Some(Correlation { message: MessageId(12), attempt: 2 }), ..message }
    }

    #[test]
    fn a_message_as_the_vendor_describes_it() {
        let body = request(&config(true), &message()).unwrap();
        assert_eq!(body["Destination"], json!({"ToAddresses": ["asha@example.com"]}));
        assert_eq!(body["ConfigurationSetName"], "events");
        assert_eq!(body["EmailTags"], json!([{"Name": "correlation", "Value": "m-12-2"}]));
        let raw = STANDARD.decode(body["Content"]["Raw"]["Data"].as_str().unwrap()).unwrap();
        let read = MessageParser::default().parse(&raw).unwrap();
        assert_eq!(read.message_id(), Some("m-12-2@renewals.example"));
        assert_eq!(read.reply_to().unwrap().first().unwrap().address(), Some("service@renewals.example"));
        let own = EmailMessage { reply_to: Some("agent@renewals.example".to_owned()), ..message() };
        for (config, message, expected) in
            [(config(true), own, Some("agent@renewals.example")), (config(false), message(), None)]
        {
            let body = request(&config, &message).unwrap();
            let raw = STANDARD.decode(body["Content"]["Raw"]["Data"].as_str().unwrap()).unwrap();
            let read = MessageParser::default().parse(&raw).unwrap();
            assert_eq!(
                read.reply_to().and_then(|list| list.first()?.address().map(str::to_owned)).as_deref(),
                expected
            );
        }
    }

    #[test]
    fn answers_are_judged_by_their_type() {
        let wait = Some(QUOTA_WAIT);
        for (status, kind, text, expected) in [
            (
                429,
                "TooManyRequestsException:http://x",
                "Maximum sending rate exceeded.",
                FailureClass::RateLimited { after: None },
            ),
            (
                429,
                "TooManyRequestsException",
                "Daily message quota exceeded.",
                FailureClass::RateLimited { after: wait },
            ),
            (400, "AccountSuspendedException", "", FailureClass::Account),
            (400, "com.amazonaws.ses#SendingPausedException", "", FailureClass::Account),
            (400, "MailFromDomainNotVerifiedException", "", FailureClass::Account),
            (400, "MessageRejected", "Email address is not verified.", FailureClass::Account),
            (400, "MessageRejected", "Email address is on a list.", FailureClass::Request),
            (400, "BadRequestException", "", FailureClass::Request),
            (404, "NotFoundException", "", FailureClass::Account),
            (403, "SignatureDoesNotMatch", "", FailureClass::Account),
            (403, "UnrecognizedClientException", "", FailureClass::Account),
            (500, "InternalFailure", "", FailureClass::Unknown),
            (503, "ServiceUnavailable", "", FailureClass::Retry { after: None }),
        ] {
            let body = json!({"message": text}).to_string();
            let status = StatusCode::from_u16(status).unwrap();
            let found = refusal(status, Some(kind), body.as_bytes(), None).unwrap();
            assert_eq!(found.class, expected, "{kind}");
        }
        let body = br#"{"__type":"BadRequestException","message":"no asha@example.com"}"#;
        let found = refusal(StatusCode::BAD_REQUEST, None, body, None).unwrap();
        assert_eq!(found.to_string(), "request (BadRequestException): no …");
        assert!(refusal(StatusCode::BAD_GATEWAY, None, b"<html>", None).is_none());
        assert_eq!(accepted(br#"{"MessageId":"0100"}"#).as_deref(), Some("0100"));
        assert_eq!(accepted(br#"{"MessageId":""}"#), None);
    }
}
