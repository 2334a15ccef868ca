//! A stand-in for SendGrid: 202 without a body, then arrays of events that mix messages, signed with a key of its own.

use super::{
    Behaviour,
    stage::{Answer, Asked, Delivery, Judged, StandIn, Vendor},
    teller::Told,
};
use crate::{
    contract::{Called, Description, SENDGRID},
    meta::http::Request,
};
use anyhow::{Result, anyhow};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use domain::messaging::Correlation;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};

/// The key that calls must carry.
pub const API_KEY: &str = "SG.test-key";
/// What messages are from.
pub const FROM: &str = "no-reply@renewals.example";
/// Where events are taken.
const PATH: &str = "/api/webhooks/sendgrid";
/// What comes before the point of a P-256 key in its DER (RFC 5480).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// SendGrid.
pub struct Sendgrid {
    contract: Description,
    key: EcdsaKeyPair,
    random: SystemRandom,
    /// Seconds by which its clock runs ahead of the machine's.
    ahead: AtomicI64,
}

/// A running stand-in for SendGrid.
pub type SendgridServer = StandIn<Sendgrid>;

impl Sendgrid {
    #[expect(clippy::disallowed_methods, reason = "the stand-in is another party, with a clock of its own")]
    fn now(&self) -> i64 {
        chrono::Utc::now().timestamp() + self.ahead.load(Ordering::Relaxed)
    }
}

impl StandIn<Sendgrid> {
    /// Starts on a free port.
    pub async fn start(behaviour: Behaviour) -> Result<Self> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
            .map_err(|_| anyhow!("a key cannot be made"))?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random)
            .map_err(|error| anyhow!("a key cannot be read: {error}"))?;
        Self::of(Sendgrid { contract: Description::load(SENDGRID)?, key, random, ahead: AtomicI64::new(0) }, behaviour)
            .await
    }

    /// Moves its clock forward: what it signs is refused when it is too old.
    pub fn advance(&self, by: TimeDelta) {
        self.stage.vendor.ahead.fetch_add(by.num_seconds(), Ordering::Relaxed);
    }

    /// The settings of a process that is to send here.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let public = [&P256[..], self.stage.vendor.key.public_key().as_ref()].concat();
        vec![
            ("SENDGRID_BASE_URL", self.base_url().to_owned()),
            ("SENDGRID_API_KEY", API_KEY.to_owned()),
            ("SENDGRID_FROM_EMAIL", FROM.to_owned()),
            ("SENDGRID_WEBHOOK_PUBLIC_KEY", STANDARD.encode(public)),
        ]
    }
}

impl Vendor for Sendgrid {
    fn judge(&self, behaviour: &Behaviour, request: &Request) -> Judged {
        let refused = |status: u16, text: &str, against: Vec<String>| Judged::Refused {
            code: i64::from(status),
            answer: Answer::of(status, errors(text)),
            against,
        };
        if behaviour.token_expired || request.authorization != format!("Bearer {API_KEY}") {
            return refused(401, "The provided authorization grant is invalid, expired, or revoked", Vec::new());
        }
        let (content_type, body) = (request.content_type.as_str(), request.body.as_slice());
        let called = Called { method: &request.method, path: &request.path, content_type, body };
        let mut against = self.contract.against_call(called);
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        // what the description leaves to prose
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let recipient = text(&message["personalizations"][0]["to"][0]["email"]);
        if message["content"].as_array().is_none_or(|parts| parts.iter().any(|part| text(&part["value"]).is_empty())) {
            against.push("content: blank".to_owned());
        }
        if recipient.is_empty() {
            against.push("personalizations: nobody to send it to".to_owned());
        }
        if message["content"][1]["type"] == "text/plain" {
            against.push("content: text/plain must come first".to_owned());
        }
        for reserved in
            ["x-sg-id", "x-sg-eid", "received", "dkim-signature", "to", "from", "subject", "reply-to", "cc", "bcc"]
        {
            let named = |name: &String| name.eq_ignore_ascii_case(reserved);
            if message["headers"].as_object().is_some_and(|headers| headers.keys().any(named)) {
                against.push(format!("headers: {reserved} is reserved"));
            }
        }
        if !against.is_empty() {
            return refused(400, &against.join("; "), against.clone());
        }
        if behaviour.happens("unreachable", &recipient, behaviour.unreachable) {
            return refused(400, "Does not contain a valid address.", Vec::new());
        }
        let arguments = message["personalizations"][0]["custom_args"].as_object().cloned().unwrap_or_default();
        let mut texts = arguments.values().filter_map(Value::as_str);
        let correlation = texts.find(|text| text.parse::<Correlation>().is_ok()).unwrap_or_default();
        Judged::Message(Asked {
            correlation: correlation.to_owned(),
            recipient,
            // what events give back
            callback: Value::Object(arguments.clone()).to_string(),
            sender: text(&message["from"]["email"]),
        })
    }

    fn fault(&self, status: u16) -> Answer {
        match status {
            429 => Answer::of(429, errors("too many requests")),
            502 => Answer::of(502, "<html>Bad Gateway</html>"),
            other => Answer::of(other, errors("internal error")),
        }
    }

    fn id(&self, number: usize) -> String {
        format!("sgTEST{number:016}")
    }

    fn take(&self, _asked: &Asked, id: &str) -> Answer {
        Answer { headers: format!("x-message-id: {id}\r\n"), ..Answer::of(202, "") }
    }

    fn story(&self, behaviour: &Behaviour, asked: &Asked, id: &str) -> Vec<Told> {
        let happens = |what: &str, share| behaviour.happens(what, &asked.correlation, share);
        let told = |name: &'static str, more: Value| {
            let mut said = json!({
                "email": asked.recipient, "timestamp": self.now(), "event": name,
                "sg_event_id": format!("ev-{id}-{name}"), "sg_message_id": format!("{id}.recvd-1-1"),
                "smtp-id": format!("<{id}@geopod>"),
            });
            let arguments: Value = serde_json::from_str(&asked.callback).unwrap_or_default();
            for (name, value) in
                arguments.as_object().into_iter().flatten().chain(more.as_object().into_iter().flatten())
            {
                said[name] = value.clone();
            }
            Told { name, url: String::new(), said }
        };
        let mut story = vec![told("processed", json!({}))];
        if happens("capped", behaviour.capped) {
            return vec![told("dropped", json!({"reason": "Bounced Address"}))];
        }
        if happens("undeliverable", behaviour.undeliverable) {
            story
                .push(told("bounce", json!({"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 no such user"})));
        } else if happens("delivered", behaviour.webhooks.delivered) {
            if happens("failed first", behaviour.webhooks.failed_first) {
                story.push(told("deferred", json!({"response": "451 4.7.1 try again later", "attempt": "1"})));
            }
            let read = happens("read", behaviour.webhooks.read);
            if !(read && happens("read only", behaviour.webhooks.read_only)) {
                story.push(told("delivered", json!({"response": "250 OK"})));
            }
            if read {
                story.push(told("open", json!({"useragent": "Mozilla/5.0 (X11; Linux)", "ip": "203.0.113.9"})));
            }
        }
        story
    }

    fn batches(&self) -> bool {
        true
    }

    fn delivery(&self, _public_url: &str, told: &[Told], truly: bool) -> Delivery {
        let events: Vec<&Value> = told.iter().map(|told| &told.said).collect();
        // the vendor ends its bodies so, and signs that too
        let body = format!("{}\r\n", json!(events)).into_bytes();
        let timestamp = self.now().to_string();
        let signed = if truly { [timestamp.as_bytes(), &body].concat() } else { b"something else".to_vec() };
        let signature = self.key.sign(&self.random, &signed).map(|signature| STANDARD.encode(signature.as_ref()));
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("x-twilio-email-event-webhook-signature", signature.unwrap_or_default()),
            ("x-twilio-email-event-webhook-timestamp", timestamp),
        ];
        Delivery { path: PATH.to_owned(), headers, body }
    }
}

fn errors(text: &str) -> Value {
    json!({"errors": [{"message": text, "field": null, "help": null}]})
}
