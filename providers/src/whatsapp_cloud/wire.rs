//! The bodies of the WhatsApp Cloud API: what a message looks like going out, and an answer coming in.

use crate::messaging::{Accepted, WhatsappMessage};
use domain::messaging::whatsapp::{
    ButtonKind, Choice, HeaderValue, Interactive, Media, MediaSource, TemplateContent, WhatsappContent,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The request for one message. Members as in the vendor's API description (Cloud API, `POST /messages`).
pub(super) fn request(message: &WhatsappMessage) -> Value {
    let (kind, content) = content(&message.content);
    let mut request = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.to.digits(),
        "type": kind,
        "biz_opaque_callback_data": message.correlation.to_string(),
    });
    request[kind] = content;
    if let Some(answered) = &message.in_reply_to {
        request["context"] = json!({"message_id": answered});
    }
    request
}

fn content(content: &WhatsappContent) -> (&'static str, Value) {
    match content {
        WhatsappContent::Template(template) => ("template", template_of(template)),
        WhatsappContent::Text { body, preview_url } => ("text", json!({"body": body, "preview_url": preview_url})),
        WhatsappContent::Image(file) => ("image", media(file, false)),
        WhatsappContent::Document(file) => ("document", media(file, true)),
        WhatsappContent::Interactive(interactive) => ("interactive", interactive_of(interactive)),
    }
}

fn template_of(template: &TemplateContent) -> Value {
    let text = |text: &String| json!({"type": "text", "text": text});
    let mut components = Vec::new();
    if let Some(header) = &template.header {
        let parameter = match header {
            HeaderValue::Text { text: value } => text(value),
            HeaderValue::Image(file) => json!({"type": "image", "image": media(file, false)}),
            HeaderValue::Document(file) => json!({"type": "document", "document": media(file, true)}),
            HeaderValue::Video(file) => json!({"type": "video", "video": media(file, false)}),
        };
        components.push(json!({"type": "header", "parameters": [parameter]}));
    }
    if !template.body.is_empty() {
        components.push(json!({"type": "body", "parameters": template.body.iter().map(text).collect::<Vec<_>>()}));
    }
    for button in &template.buttons {
        let (kind, parameter) = match &button.kind {
            ButtonKind::Url { text: value } => ("url", text(value)),
            ButtonKind::QuickReply { payload } => ("quick_reply", json!({"type": "payload", "payload": payload})),
            ButtonKind::CopyCode { code } => ("copy_code", json!({"type": "coupon_code", "coupon_code": code})),
            ButtonKind::Flow { token, data } => {
                let mut action = json!({"flow_token": token});
                if let Some(data) = data {
                    action["flow_action_data"] = data.clone();
                }
                ("flow", json!({"type": "action", "action": action}))
            }
        };
        components.push(json!({
            "type": "button",
            "sub_type": kind,
            "index": button.index.to_string(),
            "parameters": [parameter],
        }));
    }
    let mut value = json!({"name": template.name, "language": {"code": template.language}});
    if !components.is_empty() {
        value["components"] = components.into();
    }
    value
}

fn media(file: &Media, named: bool) -> Value {
    let mut value = match &file.source {
        MediaSource::Id(id) => json!({"id": id}),
        MediaSource::Link(link) => json!({"link": link}),
    };
    if let Some(caption) = &file.caption {
        value["caption"] = caption.as_str().into();
    }
    if let Some(filename) = file.filename.as_ref().filter(|_| named) {
        value["filename"] = filename.as_str().into();
    }
    value
}

fn interactive_of(interactive: &Interactive) -> Value {
    let (kind, body, footer, action) = match interactive {
        Interactive::Buttons { body, footer, buttons } => {
            let button = |button: &Choice| json!({"type": "reply", "reply": {"id": button.id, "title": button.title}});
            ("button", body, footer, json!({"buttons": buttons.iter().map(button).collect::<Vec<_>>()}))
        }
        Interactive::List { body, footer, button, sections } => {
            ("list", body, footer, json!({"button": button, "sections": sections}))
        }
        Interactive::Flow { body, footer, flow_id, button, token, screen, data } => {
            let mut payload = json!({"screen": screen});
            if let Some(data) = data {
                payload["data"] = data.clone();
            }
            let parameters = json!({
                "flow_message_version": "3",
                "flow_id": flow_id,
                "flow_cta": button,
                "flow_token": token,
                "flow_action": "navigate",
                "flow_action_payload": payload,
            });
            ("flow", body, footer, json!({"name": "flow", "parameters": parameters}))
        }
    };
    let mut value = json!({"type": kind, "body": {"text": body}, "action": action});
    if let Some(footer) = footer {
        value["footer"] = json!({"text": footer});
    }
    value
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

    fn message(parameters: &[&str]) -> WhatsappMessage {
        WhatsappMessage {
            to: "+919876543210".parse().unwrap(),
            content: WhatsappContent::Template(TemplateContent {
                name: "renewal_reminder".to_owned(),
                language: "en".to_owned(),
                header: None,
                body: parameters.iter().map(|text| (*text).to_owned()).collect(),
                buttons: Vec::new(),
            }),
            in_reply_to: None,
            correlation: Correlation { message: MessageId(12), attempt: 2 },
        }
    }

    #[test]
    fn a_message_as_the_vendor_describes_it() {
        let body = request(&message(&["Asha", "POL1"]));
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
        let bare = request(&message(&[]));
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
