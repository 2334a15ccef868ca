//! A stand-in for TextLocal: HTTP 200 whatever it says, receipts without a signature to the address of the call.

use super::{
    Behaviour,
    stage::{Answer, Asked, Delivery, Judged, StandIn, Vendor},
    teller::Told,
};
use crate::{contract::form_urlencoded, meta::http::Request};
use anyhow::Result;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::form_urlencoded::Serializer;

/// The key that calls must carry.
pub const API_KEY: &str = "textlocal-key";
/// The header that is registered.
pub const SENDER: &str = "TXTLCL";
/// A part of the receipts' address.
pub const RECEIPT_SECRET: &str = "textlocal-receipt-secret";
/// What a call may hold, by the vendor's documentation.
const FIELDS: &[&str] = &[
    "apikey",
    "numbers",
    "sender",
    "message",
    "custom",
    "receipt_url",
    "unicode",
    "validity",
    "schedule_time",
    "test",
    "simple_reply",
    "optouts",
    "group_id",
];

/// TextLocal.
pub struct Textlocal;

/// A running stand-in for TextLocal.
pub type TextlocalServer = StandIn<Textlocal>;

impl StandIn<Textlocal> {
    /// Starts on a free port.
    pub async fn start(behaviour: Behaviour) -> Result<Self> {
        Self::of(Textlocal, behaviour).await
    }

    /// The settings of a process that is to send here.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("TEXTLOCAL_BASE_URL", self.base_url().to_owned()),
            ("TEXTLOCAL_API_KEY", API_KEY.to_owned()),
            ("TEXTLOCAL_SENDER", SENDER.to_owned()),
            ("TEXTLOCAL_RECEIPT_SECRET", RECEIPT_SECRET.to_owned()),
        ]
    }

    /// Somebody writes to us; the id of what they wrote.
    pub fn write_to_us(&self, from: &str, text: &str) -> String {
        let id = format!("9{:09}", self.stage.teller.number());
        let said =
            json!({"sender": from.trim_start_matches('+'), "content": text, "inNumber": "919220592205", "msgId": id});
        self.stage.teller.plan(Instant::now(), Told { name: "inbound", url: String::new(), said });
        id
    }
}

impl Vendor for Textlocal {
    fn judge(&self, behaviour: &Behaviour, request: &Request) -> Judged {
        let refused = |code: i64, text: &str, against: Vec<String>| {
            let answer = Answer::of(200, json!({"errors": [{"code": code, "message": text}], "status": "failure"}));
            Judged::Refused { code, answer, against }
        };
        if request.method != "POST" || request.path != "/send/" {
            return Judged::Other(Answer::of(404, "<html>Not Found</html>"));
        }
        let form = form_urlencoded(&request.body);
        let field = |name: &str| form.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.as_str());
        if behaviour.token_expired || field("apikey") != API_KEY {
            return refused(3, "Invalid login details", Vec::new());
        }
        let mut against: Vec<String> = form
            .iter()
            .filter(|(name, _)| !FIELDS.contains(&name.as_str()))
            .map(|(name, _)| format!("{name}: not described"))
            .collect();
        let (number, text) = (field("numbers"), field("message"));
        if !request.content_type.starts_with("application/x-www-form-urlencoded") {
            against.push("not a form".to_owned());
        }
        if !number.bytes().all(|b| b.is_ascii_digit()) || !(8..=15).contains(&number.len()) {
            against.push("numbers: not a number with its country".to_owned());
        }
        if !field("receipt_url").is_empty() && !field("receipt_url").starts_with("http") {
            against.push("receipt_url: not an address".to_owned());
        }
        let plain = domain::messaging::Segments::of(text).encoding == domain::messaging::SmsEncoding::Gsm7;
        if !plain && field("unicode") != "true" {
            against.push("message: characters that need unicode=true".to_owned());
        }
        if !against.is_empty() {
            return refused(32, "Invalid number format", against);
        }
        if text.is_empty() {
            return refused(5, "No message content", vec!["message: blank".to_owned()]);
        }
        if !(3..=11).contains(&field("sender").len()) {
            return refused(43, "Invalid sender name", Vec::new());
        }
        if behaviour.happens("unreachable", number, behaviour.unreachable) {
            return refused(51, "No valid numbers specified", Vec::new());
        }
        Judged::Message(Asked {
            correlation: field("custom").to_owned(),
            recipient: number.to_owned(),
            callback: field("receipt_url").to_owned(),
            sender: field("sender").to_owned(),
        })
    }

    fn fault(&self, status: u16) -> Answer {
        match status {
            // out of credit for a moment, or busy: the status of the answer says nothing
            500 => Answer::of(200, "Database connection failed"),
            other => Answer::of(other, "<html>Error</html>"),
        }
    }

    fn id(&self, number: usize) -> String {
        (1_151_346_215 + number).to_string()
    }

    fn take(&self, asked: &Asked, id: &str) -> Answer {
        Answer::of(
            200,
            json!({
                "balance": 1162, "batch_id": 124_578_954, "cost": 1, "num_messages": 1,
                "message": {"num_parts": 1, "sender": asked.sender, "content": "…"}, "receipt_url": asked.callback,
                "custom": asked.correlation, "messages": [{"id": id, "recipient": asked.recipient.parse::<u64>().ok()}],
                "status": "success",
            }),
        )
    }

    fn story(&self, behaviour: &Behaviour, asked: &Asked, _id: &str) -> Vec<Told> {
        if asked.callback.is_empty() {
            return Vec::new();
        }
        let happens = |what: &str, share| behaviour.happens(what, &asked.correlation, share);
        let told = |name: &'static str| Told {
            name,
            url: asked.callback.clone(),
            said: json!({
                "number": asked.recipient, "status": name, "customID": asked.correlation,
                "datetime": "2025-06-15 10:00:00",
            }),
        };
        if happens("undeliverable", behaviour.undeliverable) {
            return vec![told("?"), told("U")];
        }
        if !happens("delivered", behaviour.webhooks.delivered) {
            return vec![told("?")];
        }
        let failed = happens("failed first", behaviour.webhooks.failed_first).then(|| told("U"));
        std::iter::once(told("?")).chain(failed).chain([told("D")]).collect()
    }

    fn delivery(&self, _public_url: &str, told: &[Told], truly: bool) -> Delivery {
        let Some(told) = told.first() else { return Delivery { path: String::new(), headers: vec![], body: vec![] } };
        let own = told.url.find("/api/webhooks/").map(|at| told.url[at..].to_owned());
        let path = own.unwrap_or_else(|| format!("/api/webhooks/textlocal/{RECEIPT_SECRET}"));
        // nothing signs a receipt, so a forged one is one to another address
        let path = if truly { path } else { path.replace(RECEIPT_SECRET, "guessed-by-somebody") };
        let fields = told.said.as_object().into_iter().flatten();
        let fields = fields.map(|(name, value)| (name, text(value)));
        let body = Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes();
        Delivery { path, headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())], body }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
