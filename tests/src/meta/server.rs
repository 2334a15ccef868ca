//! The calls: what is checked, in which order, and what is answered.

use super::{
    ACCESS_TOKEN, Behaviour, Contract, OTHER_PHONE_NUMBER_ID, PHONE_NUMBER_ID, Record,
    http::{Connection, Request},
    webhooks::Webhooks,
};
use anyhow::Result;
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// What becomes of a call.
enum Verdict {
    /// It is answered with an error.
    Refused { status: u16, code: i64, details: String },
    /// The connection is cut; nothing was taken.
    CutBefore,
    /// The message is taken.
    Taken { correlation: String, recipient: String, then: After },
}

/// What follows a message that was taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Answer,
    Cut,
    Silence,
}

pub(super) struct Server {
    behaviour: Arc<RwLock<Behaviour>>,
    record: Arc<Record>,
    webhooks: Arc<Webhooks>,
    contract: Contract,
}

impl Server {
    pub(super) fn new(
        behaviour: Arc<RwLock<Behaviour>>,
        record: Arc<Record>,
        webhooks: Arc<Webhooks>,
    ) -> Result<Arc<Self>> {
        Ok(Arc::new(Self { behaviour, record, webhooks, contract: Contract::load()? }))
    }

    pub(super) async fn listen(self: Arc<Self>, listener: TcpListener) {
        // its tasks end with it
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                incoming = listener.accept() => {
                    if let Ok((stream, _)) = incoming {
                        let server = Arc::clone(&self);
                        connections.spawn(async move {
                            // a caller that went away is no fault of the stand-in
                            let _ended = server.serve(stream).await;
                        });
                    }
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn serve(&self, stream: TcpStream) -> Result<()> {
        let mut connection = Connection::new(stream)?;
        if self.now().down {
            return connection.cut();
        }
        while let Some(request) = connection.read().await? {
            self.record.note_request();
            self.record.note_body(&request.body);
            let behaviour = self.now();
            if super::media::is_upload(&request) {
                let (status, answer) = super::media::take(&behaviour, &self.record, &request);
                connection.answer(status, "", answer.to_string().as_bytes()).await?;
                continue;
            }
            if is_number(&request) && request.authorization == format!("Bearer {ACCESS_TOKEN}") {
                let answer = json!({
                    "quality_rating": behaviour.quality, "messaging_limit_tier": behaviour.tier, "id": PHONE_NUMBER_ID,
                });
                connection.answer(200, "", answer.to_string().as_bytes()).await?;
                continue;
            }
            match self.judge(&behaviour, &request) {
                Verdict::Refused { status, code, details } => {
                    self.record.note_refusal(code);
                    let wait = if status == 429 && behaviour.retry_after { "retry-after: 1\r\n" } else { "" };
                    connection.answer(status, wait, error(code, &details).to_string().as_bytes()).await?;
                }
                Verdict::CutBefore => {
                    self.record.note_refusal(0);
                    return connection.cut();
                }
                Verdict::Taken { correlation, recipient, then } => {
                    let latency = behaviour.latency_of(&correlation);
                    if !latency.is_zero() {
                        tokio::time::sleep(latency / 2).await;
                    }
                    let wamid = self.record.accept(&correlation, &recipient, then == After::Answer);
                    self.webhooks.tell(&behaviour, &correlation, &wamid, &recipient).await;
                    if !latency.is_zero() {
                        tokio::time::sleep(latency / 2).await;
                    }
                    match then {
                        After::Answer => {
                            let answer = accepted(&recipient, &wamid).to_string();
                            connection.answer(200, "", answer.as_bytes()).await?;
                        }
                        After::Cut => return connection.cut(),
                        After::Silence => {
                            connection.wait_for_end().await;
                            return Ok(());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn now(&self) -> Behaviour {
        self.behaviour.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn judge(&self, behaviour: &Behaviour, request: &Request) -> Verdict {
        let refused = |status, code, details: &str| Verdict::Refused { status, code, details: details.to_owned() };
        if request.method != "POST" || !is_messages_path(&request.path) {
            return refused(400, 2500, "Unknown path components");
        }
        if behaviour.token_expired || request.authorization != format!("Bearer {ACCESS_TOKEN}") {
            return refused(401, 190, "Error validating access token: Session has expired");
        }
        if !request.content_type.starts_with("application/json") {
            return refused(400, 100, "the content type is not application/json");
        }
        let Ok(message) = serde_json::from_slice::<Value>(&request.body) else {
            return refused(400, 100, "the body is not JSON");
        };
        let against = self.contract.against_message(&message);
        if !against.is_empty() {
            self.record.note_violations(&against);
            return refused(400, 100, &against.join("; "));
        }
        let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        let (correlation, recipient) = (text("biz_opaque_callback_data"), text("to"));
        let happens = |what, share| behaviour.happens(what, &correlation, share);
        if happens("reset before", behaviour.reset_before) {
            return Verdict::CutBefore;
        }
        if behaviour.rate_per_second.is_some_and(|rate| !self.record.within_rate(rate)) {
            return refused(429, 130_429, "Cloud API message throughput has been reached.");
        }
        if behaviour.pair_burst.is_some_and(|burst| self.record.sent_to(&recipient) >= burst) {
            return refused(400, 131_056, "(Business Account, Consumer Account) pair rate limit hit");
        }
        if happens("server error", behaviour.server_errors) {
            return refused(500, 131_000, "Something went wrong.");
        }
        if happens("bad gateway", behaviour.bad_gateway) {
            return refused(502, 0, "Bad Gateway");
        }
        if happens("unavailable", behaviour.unavailable) {
            return refused(503, 2, "Temporary due to downtime or due to being overloaded.");
        }
        if let Some(refusal) = against_template(behaviour, &message) {
            return refusal;
        }
        if behaviour.happens("unreachable", &recipient, behaviour.unreachable) {
            return refused(400, 131_026, "Message undeliverable.");
        }
        let then = if happens("reset after", behaviour.reset_after) {
            After::Cut
        } else if happens("silent after", behaviour.silent_after) {
            After::Silence
        } else {
            After::Answer
        };
        Verdict::Taken { correlation, recipient, then }
    }
}

/// `/v23.0/{phone number id}/messages`.
fn is_messages_path(path: &str) -> bool {
    let mut parts = path.trim_start_matches('/').split('/');
    let version = parts.next().unwrap_or_default();
    let number = parts.next().unwrap_or_default();
    version.starts_with('v') && is_ours(number) && parts.eq(["messages"])
}

/// `GET /v23.0/{phone number id}?fields=…`: what is thought of the number.
fn is_number(request: &Request) -> bool {
    let path = request.path.split('?').next().unwrap_or_default();
    let mut parts = path.trim_start_matches('/').split('/');
    let version = parts.next().unwrap_or_default();
    request.method == "GET" && version.starts_with('v') && parts.next().is_some_and(is_ours) && parts.next().is_none()
}

fn is_ours(number: &str) -> bool {
    [PHONE_NUMBER_ID, OTHER_PHONE_NUMBER_ID].contains(&number)
}

fn against_template(behaviour: &Behaviour, message: &Value) -> Option<Verdict> {
    let registry = behaviour.templates.as_ref()?;
    let template = message.get("template")?;
    let name = template["name"].as_str().unwrap_or_default();
    let given = template["components"].as_array().into_iter().flatten().find(|component| component["type"] == "body");
    let given = given.and_then(|body| body["parameters"].as_array()).map_or(0, Vec::len);
    match registry.get(name) {
        None => Some(Verdict::Refused {
            status: 404,
            code: 132_001,
            details: "template name does not exist in the translation".to_owned(),
        }),
        Some(expected) if *expected != given => Some(Verdict::Refused {
            status: 400,
            code: 132_000,
            details: format!("body: number of localizable_params ({given}) does not match ({expected})"),
        }),
        Some(_) => None,
    }
}

pub(super) fn error(code: i64, details: &str) -> Value {
    json!({"error": {
        "message": format!("(#{code}) {details}"), "type": "OAuthException", "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details}, "fbtrace_id": "Atest",
    }})
}

fn accepted(recipient: &str, wamid: &str) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": recipient, "wa_id": recipient}],
        "messages": [{"id": wamid, "message_status": "accepted"}],
    })
}
