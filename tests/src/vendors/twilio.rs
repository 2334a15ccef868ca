//! A stand-in for Twilio: 201 and then statuses one by one, 21610 after STOP, a list of messages whose price comes late.

use super::{
    Behaviour,
    stage::{Answer, Asked, Delivery, Judged, StandIn, Vendor},
    teller::Told,
};
use crate::{
    contract::{Called, Description, TWILIO, form_urlencoded},
    meta::http::Request,
};
use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use providers::twilio_webhook::{Signed, sign};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::time::Instant;
use url::{Url, form_urlencoded::Serializer};

/// The account.
pub const ACCOUNT_SID: &str = "AC0123456789abcdef0123456789abcdef";
/// What signs calls and webhooks.
pub const AUTH_TOKEN: &str = "twilio-auth-token";
/// What messages are from.
pub const FROM: &str = "+15005550006";
/// How long after acceptance a message has its price.
const PRICE_AFTER: TimeDelta = TimeDelta::milliseconds(20);
/// Where a message to us is told.
const INBOUND: &str = "/api/webhooks/twilio/inbound";

/// Twilio.
pub struct Twilio {
    contract: Description,
    stopped: Mutex<BTreeSet<String>>,
    messages: Mutex<Vec<Listed>>,
}

/// A running stand-in for Twilio.
pub type TwilioServer = StandIn<Twilio>;

struct Listed {
    sid: String,
    to: String,
    from: String,
    at: DateTime<Utc>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::disallowed_methods, reason = "the stand-in is another party, with a clock of its own")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

impl StandIn<Twilio> {
    /// Starts on a free port.
    pub async fn start(behaviour: Behaviour) -> Result<Self> {
        let contract = Description::load(TWILIO)?;
        Self::of(Twilio { contract, stopped: Mutex::default(), messages: Mutex::default() }, behaviour).await
    }

    /// The settings of a process that is to send here.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("TWILIO_BASE_URL", self.base_url().to_owned()),
            ("TWILIO_ACCOUNT_SID", ACCOUNT_SID.to_owned()),
            ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.to_owned()),
            ("TWILIO_FROM", FROM.to_owned()),
        ]
    }

    /// Somebody writes to us; the id of what they wrote. After STOP nothing is taken for them until START.
    pub fn write_to_us(&self, from: &str, text: &str) -> String {
        let mut stopped = lock(&self.stage.vendor.stopped);
        match text.trim().to_ascii_uppercase().as_str() {
            "STOP" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" => {
                stopped.insert(from.to_owned());
            }
            "START" | "UNSTOP" | "YES" => {
                stopped.remove(from);
            }
            _ => {}
        }
        drop(stopped);
        let sid = format!("SM{:032x}", (1_u128 << 64) + u128::from(self.stage.teller.number()));
        let said = json!({
            "MessageSid": sid, "SmsSid": sid, "AccountSid": ACCOUNT_SID, "From": from, "To": FROM, "Body": text,
            "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received", "ApiVersion": "2010-04-01",
        });
        self.stage.teller.plan(Instant::now(), Told { name: "inbound", url: String::new(), said });
        sid
    }
}

impl Vendor for Twilio {
    fn judge(&self, behaviour: &Behaviour, request: &Request) -> Judged {
        let refused = |status, code, text: &str| Judged::Refused {
            code,
            answer: Answer::of(status, refusal(status, code, text)),
            against: Vec::new(),
        };
        let known = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT_SID}:{AUTH_TOKEN}")));
        if behaviour.token_expired || request.authorization != known {
            return refused(401, 20_003, "Authenticate");
        }
        let (content_type, body) = (request.content_type.as_str(), request.body.as_slice());
        let called = Called { method: &request.method, path: &request.path, content_type, body };
        let mut against = self.contract.against_call(called);
        if request.method == "GET" && against.is_empty() {
            return Judged::Other(self.list(&request.path));
        }
        let form = form_urlencoded(body);
        let field = |name: &str| form.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.as_str());
        let (to, text, callback) = (field("To"), field("Body"), field("StatusCallback"));
        // what the description leaves to prose
        if field("From").is_empty() == field("MessagingServiceSid").is_empty() {
            against.push("one of From and MessagingServiceSid".to_owned());
        }
        if text.is_empty() || text.chars().count() > 1_600 {
            against.push("Body: blank, or longer than 1600 characters".to_owned());
        }
        if !field("ValidityPeriod").is_empty()
            && !field("ValidityPeriod").parse().is_ok_and(|s| (1..=36_000).contains(&s))
        {
            against.push("ValidityPeriod: from 1 to 36000".to_owned());
        }
        if !against.is_empty() {
            let answer = Answer::of(400, refusal(400, 21_602, &against.join("; ")));
            return Judged::Refused { code: 21_602, answer, against };
        }
        if lock(&self.stopped).contains(to) {
            return refused(400, 21_610, "Attempt to send to unsubscribed recipient");
        }
        if behaviour.happens("unreachable", to, behaviour.unreachable) {
            return refused(400, 21_211, "Invalid 'To' Phone Number");
        }
        let pairs = Url::parse(callback).map(|url| url.query_pairs().into_owned().collect::<Vec<_>>());
        let correlation = pairs.unwrap_or_default().into_iter().find(|(name, _)| name == "m").map(|(_, value)| value);
        Judged::Message(Asked {
            correlation: correlation.unwrap_or_default(),
            recipient: to.to_owned(),
            callback: callback.to_owned(),
            sender: format!("{}{}", field("From"), field("MessagingServiceSid")),
        })
    }

    fn fault(&self, status: u16) -> Answer {
        match status {
            429 => Answer::of(429, refusal(429, 20_429, "Too Many Requests")),
            500 => Answer::of(500, refusal(500, 20_500, "An internal server error has occurred")),
            503 => Answer::of(503, refusal(503, 20_503, "Service is unavailable. Please try again")),
            other => Answer::of(other, "<html>Bad Gateway</html>"),
        }
    }

    fn id(&self, number: usize) -> String {
        format!("SM{number:032x}")
    }

    fn take(&self, asked: &Asked, id: &str) -> Answer {
        let listed = Listed { sid: id.to_owned(), to: asked.recipient.clone(), from: asked.sender.clone(), at: now() };
        let answer = Answer::of(201, resource(&listed, "queued", false));
        lock(&self.messages).push(listed);
        answer
    }

    fn story(&self, behaviour: &Behaviour, asked: &Asked, id: &str) -> Vec<Told> {
        if asked.callback.is_empty() {
            return Vec::new();
        }
        let happens = |what: &str, share| behaviour.happens(what, &asked.correlation, share);
        let told = |name: &'static str, error: Option<i64>| {
            let mut said = json!({
                "MessageSid": id, "SmsSid": id, "AccountSid": ACCOUNT_SID, "MessageStatus": name, "SmsStatus": name,
                "To": asked.recipient, "From": FROM, "ApiVersion": "2010-04-01",
            });
            if let Some(code) = error {
                said["ErrorCode"] = code.to_string().into();
            }
            Told { name, url: asked.callback.clone(), said }
        };
        let mut story = vec![told("sending", None), told("sent", None)];
        if happens("undeliverable", behaviour.undeliverable) {
            story.push(told("undelivered", Some(30_005)));
        } else if happens("delivered", behaviour.webhooks.delivered) {
            if happens("failed first", behaviour.webhooks.failed_first) {
                story.push(told("undelivered", Some(30_008)));
            }
            story.push(told("delivered", None));
        }
        story
    }

    fn delivery(&self, public_url: &str, told: &[Told], truly: bool) -> Delivery {
        let Some(told) = told.first() else { return Delivery { path: String::new(), headers: vec![], body: vec![] } };
        let url = if told.url.is_empty() { format!("{public_url}{INBOUND}") } else { told.url.clone() };
        let fields = told.said.as_object().into_iter().flatten();
        let fields = fields.map(|(name, value)| (name, value.as_str().unwrap_or_default()));
        let body = Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes();
        let token = if truly { AUTH_TOKEN } else { "another" };
        let signature = sign(&token.into(), Signed { url: &url, body: &body, is_form: true });
        let path = url.find("/api/webhooks/").map_or(url.as_str(), |at| &url[at..]).to_owned();
        let form = "application/x-www-form-urlencoded; charset=UTF-8".to_owned();
        Delivery { path, headers: vec![("content-type", form), ("x-twilio-signature", signature)], body }
    }
}

impl Twilio {
    /// The messages of one recipient, newest first.
    fn list(&self, path: &str) -> Answer {
        let query = form_urlencoded(path.split_once('?').map_or("", |(_, query)| query).as_bytes());
        let of = |name: &str| query.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
        let size: usize = of("PageSize").and_then(|size| size.parse().ok()).unwrap_or(50);
        let messages = lock(&self.messages);
        let fitting: Vec<&Listed> =
            messages.iter().rev().filter(|message| of("To").is_none_or(|to| to == message.to)).collect();
        let page: Vec<Value> = fitting
            .iter()
            .take(size)
            .map(|message| resource(message, "delivered", now() - message.at > PRICE_AFTER))
            .collect();
        let next = (fitting.len() > size).then_some("/2010-04-01/next");
        let body = json!({"messages": page, "page": 0, "page_size": size, "next_page_uri": next});
        let date = now().format("%a, %d %b %Y %H:%M:%S GMT");
        Answer { headers: format!("date: {date}\r\n"), ..Answer::of(200, body) }
    }
}

fn resource(message: &Listed, status: &str, priced: bool) -> Value {
    let (name, service) = if message.from.starts_with("MG") {
        (Value::Null, json!(message.from))
    } else {
        (json!(message.from), Value::Null)
    };
    json!({
        "account_sid": ACCOUNT_SID, "api_version": "2010-04-01", "body": "…", "date_created": message.at.to_rfc2822(),
        "date_sent": null, "date_updated": message.at.to_rfc2822(), "direction": "outbound-api", "error_code": null,
        "error_message": null, "from": name, "messaging_service_sid": service, "num_media": "0", "num_segments": "1",
        "price": priced.then_some("-0.00830"), "price_unit": "USD", "sid": message.sid, "status": status,
        "to": message.to, "uri": format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{}.json", message.sid),
    })
}

fn refusal(status: u16, code: i64, text: &str) -> Value {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    json!({"code": code, "message": text, "more_info": more, "status": status})
}
