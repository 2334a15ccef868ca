//! A stand-in for Amazon SES v2: a message id, then events of a topic, among them Delivery and then Bounce of one message.
//!
//! Signatures of calls are not checked here (moto does that); that there is one is. Events come through a topic of SNS,
//! which signs them and serves its certificate beside the API; [`SesServer::events`] has them bare.

use super::{
    Behaviour,
    stage::{Answer, Asked, Delivery, Judged, StandIn, Vendor},
    teller::Told,
    topic::{CERTIFICATE, CERTIFICATE_PATH, Topic},
};
use crate::meta::http::Request;
use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use providers::draw::draw;
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};

/// The region.
pub const REGION: &str = "ap-south-1";
/// The key pair's id.
pub const ACCESS_KEY_ID: &str = "AKIDTEST";

/// Where events are taken.
const PATH: &str = "/api/webhooks/ses";

/// Amazon SES.
pub struct Ses {
    topic: Topic,
    events: Mutex<Vec<Value>>,
}

/// A running stand-in for SES.
pub type SesServer = StandIn<Ses>;

impl StandIn<Ses> {
    /// Starts on a free port.
    pub async fn start(behaviour: Behaviour) -> Result<Self> {
        Self::of(Ses { topic: Topic::new(REGION)?, events: Mutex::default() }, behaviour).await
    }

    /// The settings of a process that is to send here.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SES_BASE_URL", self.base_url().to_owned()),
            ("SES_FROM_EMAIL", "no-reply@renewals.example".to_owned()),
            ("SES_CONFIGURATION_SET", "renewals".to_owned()),
            ("SES_SNS_TOPIC_ARNS", self.stage.vendor.topic.arn()),
            ("SES_SNS_BASE_URL", self.base_url().to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "ses-secret".to_owned()),
        ]
    }

    /// The events of everything accepted so far and not taken yet: each perhaps twice, in any order, as behaved.
    pub fn events(&self) -> Vec<Value> {
        let behaviour = self.stage.now();
        let mut events = std::mem::take(&mut *self.stage.vendor.events.lock().unwrap_or_else(PoisonError::into_inner));
        if behaviour.webhooks.shuffled {
            events.sort_by_key(|event| draw(behaviour.seed, &[b"order", event.to_string().as_bytes()]));
        }
        events
    }
}

impl Vendor for Ses {
    fn judge(&self, behaviour: &Behaviour, request: &Request) -> Judged {
        let refused = |status: u16, name: &str, text: &str, against: Vec<String>| Judged::Refused {
            code: i64::from(status),
            answer: error(status, name, text),
            against,
        };
        if request.method == "GET" && request.path == CERTIFICATE_PATH {
            return Judged::Other(Answer::of(200, CERTIFICATE));
        }
        if request.method != "POST" || request.path != "/v2/email/outbound-emails" {
            return refused(404, "NotFoundException", "no such operation", Vec::new());
        }
        let credential = format!("AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/");
        let scope = format!("/{REGION}/ses/aws4_request");
        if behaviour.token_expired
            || !(request.authorization.starts_with(&credential) && request.authorization.contains(&scope))
        {
            return refused(403, "UnrecognizedClientException", "The security token is invalid.", Vec::new());
        }
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let mut against = Vec::new();
        let known =
            ["FromEmailAddress", "Destination", "Content", "ConfigurationSetName", "EmailTags", "ReplyToAddresses"];
        for name in message.as_object().into_iter().flat_map(|fields| fields.keys()) {
            if !known.contains(&name.as_str()) {
                against.push(format!("{name}: not described"));
            }
        }
        let recipient = message["Destination"]["ToAddresses"][0].as_str().unwrap_or_default().to_owned();
        let raw = message["Content"]["Raw"]["Data"].as_str();
        let whole = raw.and_then(|data| STANDARD.decode(data).ok()).is_some_and(|mail| !mail.is_empty());
        if !whole && message["Content"]["Simple"].is_null() {
            against.push("Content: neither a raw message nor a simple one".to_owned());
        }
        if !recipient.contains('@') {
            against.push("Destination: no address".to_owned());
        }
        let plain = |text: &Value| {
            text.as_str().is_some_and(|text| {
                (1..=256).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.@".contains(&b))
            })
        };
        for tag in message["EmailTags"].as_array().into_iter().flatten() {
            if !plain(&tag["Name"]) || !plain(&tag["Value"]) {
                against.push("EmailTags: letters, digits, _ - . @ alone".to_owned());
            }
        }
        if !against.is_empty() {
            return refused(400, "BadRequestException", &against.join("; "), against.clone());
        }
        if behaviour.happens("unreachable", &recipient, behaviour.unreachable) {
            return refused(400, "MessageRejected", "Address is on the suppression list.", Vec::new());
        }
        let mut tags = message["EmailTags"].as_array().into_iter().flatten();
        let correlation = tags.find(|tag| tag["Name"] == "correlation").and_then(|tag| tag["Value"].as_str());
        Judged::Message(Asked {
            correlation: correlation.unwrap_or_default().to_owned(),
            recipient,
            callback: message["EmailTags"].to_string(),
            sender: message["FromEmailAddress"].as_str().unwrap_or_default().to_owned(),
        })
    }

    fn fault(&self, status: u16) -> Answer {
        match status {
            429 => error(429, "TooManyRequestsException", "Maximum sending rate exceeded."),
            503 => error(503, "ServiceUnavailable", "Service is unable to handle request."),
            502 => Answer::of(502, "<html>Bad Gateway</html>"),
            other => error(other, "InternalFailure", "internal"),
        }
    }

    fn id(&self, number: usize) -> String {
        format!("010901{number:010}-test-000000")
    }

    fn take(&self, _asked: &Asked, id: &str) -> Answer {
        Answer::of(200, json!({"MessageId": id}))
    }

    fn story(&self, behaviour: &Behaviour, asked: &Asked, id: &str) -> Vec<Told> {
        let happens = |what: &str, share| behaviour.happens(what, &asked.correlation, share);
        if happens("missing", behaviour.webhooks.missing) {
            return Vec::new();
        }
        let tags: Value = serde_json::from_str(&asked.callback).unwrap_or_default();
        let tags = tags.as_array().into_iter().flatten().filter_map(|tag| Some((tag["Name"].as_str()?, &tag["Value"])));
        let tags: serde_json::Map<String, Value> =
            tags.map(|(name, value)| (name.to_owned(), json!([value]))).collect();
        let time = "2025-06-15T10:00:00.000Z";
        let mail = json!({
            "timestamp": time, "messageId": id, "source": asked.sender, "destination": [asked.recipient], "tags": tags,
        });
        let event = |kind: &str, part: &str, more: Value| json!({"eventType": kind, "mail": mail, part: more});
        let bounce = |kind: &str, sub: &str| {
            let recipient = json!({"emailAddress": asked.recipient, "action": "failed", "status": "5.1.1",
                                   "diagnosticCode": "smtp; 550 5.1.1 no such user"});
            event(
                "Bounce",
                "bounce",
                json!({
                    "bounceType": kind, "bounceSubType": sub, "bouncedRecipients": [recipient], "timestamp": time,
                    "feedbackId": format!("fb-{id}"),
                }),
            )
        };
        let delivery = || {
            event(
                "Delivery",
                "delivery",
                json!({
                    "timestamp": time, "recipients": [asked.recipient], "smtpResponse": "250 ok", "processingTimeMillis": 9,
                }),
            )
        };
        let mut events = vec![event("Send", "send", json!({}))];
        if happens("undeliverable", behaviour.undeliverable) {
            events.push(bounce("Permanent", "General"));
        } else if happens("delivered", behaviour.webhooks.delivered) {
            events.push(delivery());
            // taken by the next server, and sent back by the one behind it
            if happens("failed first", behaviour.webhooks.failed_first) {
                events.push(bounce("Transient", "MailboxFull"));
            }
            if happens("read", behaviour.webhooks.read) {
                events.push(event("Open", "open", json!({"timestamp": time, "userAgent": "Mozilla/5.0 (X11)"})));
            }
        }
        let mut kept = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        for event in &events {
            let what = format!("twice {}", event["eventType"]);
            let times = if happens(&what, behaviour.webhooks.duplicated) { 2 } else { 1 };
            kept.extend(std::iter::repeat_n(event, times).cloned());
        }
        let name = |event: &Value| match event["eventType"].as_str() {
            Some("Send") => "Send",
            Some("Delivery") => "Delivery",
            Some("Bounce") => "Bounce",
            _ => "Open",
        };
        events.into_iter().map(|said| Told { name: name(&said), url: String::new(), said }).collect()
    }

    fn delivery(&self, _public_url: &str, told: &[Told], truly: bool) -> Delivery {
        let event = told.first().map(|told| &told.said).unwrap_or(&Value::Null);
        // what is delivered again keeps its id
        let id = format!("{}-{}", event["mail"]["messageId"].as_str().unwrap_or_default(), event["eventType"]);
        let body = self.topic.delivery(&id.replace('"', ""), event, truly).unwrap_or_default();
        let headers = vec![("content-type", "text/plain; charset=UTF-8".to_owned())];
        Delivery { path: PATH.to_owned(), headers, body }
    }
}

fn error(status: u16, name: &str, text: &str) -> Answer {
    Answer { headers: format!("x-amzn-errortype: {name}\r\n"), ..Answer::of(status, json!({"message": text})) }
}
