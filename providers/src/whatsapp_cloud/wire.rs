//! The bodies of the WhatsApp Cloud API: what a message looks like going out, and an answer coming in.

use crate::messaging::{Accepted, OutboundTemplate};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct Request<'a> {
    messaging_product: &'static str,
    recipient_type: &'static str,
    to: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    template: Template<'a>,
    biz_opaque_callback_data: String,
}

#[derive(Serialize)]
struct Template<'a> {
    name: &'a str,
    language: Language<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<[Body<'a>; 1]>,
}

#[derive(Serialize)]
struct Language<'a> {
    code: &'a str,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    parameters: Vec<Text<'a>>,
}

#[derive(Serialize)]
struct Text<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

/// The request for one message; a template without parameters has no components.
pub(super) fn request(message: &OutboundTemplate) -> Request<'_> {
    let parameters: Vec<_> = message.parameters.iter().map(|text| Text { kind: "text", text }).collect();
    Request {
        messaging_product: "whatsapp",
        recipient_type: "individual",
        to: message.to.digits(),
        kind: "template",
        template: Template {
            name: &message.template,
            language: Language { code: &message.language },
            components: (!parameters.is_empty()).then_some([Body { kind: "body", parameters }]),
        },
        biz_opaque_callback_data: message.correlation.to_string(),
    }
}

#[derive(Deserialize)]
struct Success {
    messages: Vec<SentMessage>,
}

#[derive(Deserialize)]
struct SentMessage {
    id: String,
    message_status: Option<String>,
}

/// What a successful answer says; `None` when it names no message.
pub(super) fn accepted(body: &[u8]) -> Option<Accepted> {
    let answer: Success = serde_json::from_slice(body).ok()?;
    let message = answer.messages.into_iter().next().filter(|message| !message.id.is_empty())?;
    let held = message.message_status.is_some_and(|status| status != "accepted");
    Some(Accepted { provider_message_id: message.id, held })
}

#[derive(Deserialize)]
struct Failure {
    error: ErrorBody,
}

/// The error object of an answer; also one of a failed status's `errors`.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    pub code: i64,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    error_data: Option<ErrorData>,
}

#[derive(Debug, Deserialize)]
struct ErrorData {
    #[serde(default)]
    details: Option<String>,
}

impl ErrorBody {
    /// For people: the details where there are any, else the message.
    pub fn text(&self) -> String {
        let details = self.error_data.as_ref().and_then(|data| data.details.clone());
        details.or_else(|| self.message.clone()).unwrap_or_default()
    }
}

/// The error of an answer in the API's own shape.
pub(super) fn error(body: &[u8]) -> Option<ErrorBody> {
    serde_json::from_slice::<Failure>(body).ok().map(|failure| failure.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ids::MessageId, messaging::Correlation};
    use serde_json::json;

    fn message(parameters: &[&str]) -> OutboundTemplate {
        OutboundTemplate {
            to: "+919876543210".parse().unwrap(),
            template: "renewal_reminder".to_owned(),
            language: "en".to_owned(),
            parameters: parameters.iter().map(|text| (*text).to_owned()).collect(),
            correlation: Correlation { message: MessageId(12), attempt: 2 },
        }
    }

    #[test]
    fn a_message_as_the_vendor_describes_it() {
        let body = serde_json::to_value(request(&message(&["Asha", "POL1"]))).unwrap();
        assert_eq!(
            body,
            json!({
                "messaging_product": "whatsapp", "recipient_type": "individual", "to": "919876543210",
                "type": "template",
                "template": {
                    "name": "renewal_reminder", "language": {"code": "en"},
                    "components": [{"type": "body", "parameters": [
                        {"type": "text", "text": "Asha"}, {"type": "text", "text": "POL1"},
                    ]}],
                },
                "biz_opaque_callback_data": "m-12-2",
            })
        );
        let bare = serde_json::to_value(request(&message(&[]))).unwrap();
        assert_eq!(bare["template"].get("components"), None);
    }

    #[test]
    fn answers() {
        let ok = br#"{"messaging_product":"whatsapp","messages":[{"id":"wamid.A","message_status":"accepted"}]}"#;
        assert_eq!(accepted(ok), Some(Accepted { provider_message_id: "wamid.A".to_owned(), held: false }));
        let held = br#"{"messages":[{"id":"wamid.B","message_status":"held_for_quality_assessment"}]}"#;
        assert!(accepted(held).unwrap().held);
        for body in [&b"{}"[..], b"<html>", b"", br#"{"messages":[]}"#, br#"{"messages":[{"id":""}]}"#] {
            assert_eq!(accepted(body), None);
        }
        let refused =
            br#"{"error":{"message":"(#100)","type":"OAuthException","code":100,"error_data":{"details":"why"}}}"#;
        let refused = error(refused).unwrap();
        assert_eq!((refused.code, refused.text()), (100, "why".to_owned()));
        assert!(error(b"{\"error\":\"no\"}").is_none());
    }
}
