//! What the stand-in tells later: planned when a message is accepted, posted when it is due, tried again until taken.

use super::{Behaviour, PHONE_NUMBER_ID};
use crate::due::Due;
use anyhow::{Context, Result};
use providers::{draw::draw, http, whatsapp_webhook::sign};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::Instant,
};

/// The most deliveries under way at once.
const AT_ONCE: usize = 8;
/// The longest a delivery may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The wait after the first try; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// How the webhooks fare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WebhookCounts {
    /// Statuses and messages to be told, repetitions included.
    pub planned: u64,
    /// Of those, the ones that were taken.
    pub taken: u64,
    /// Of those, the ones given up after all tries.
    pub given_up: u64,
    /// Deliveries that were answered with anything but success, or not at all.
    pub refused: u64,
    /// Deliveries with a wrong signature that were taken all the same: always a fault of the API.
    pub forged_taken: u64,
}

impl WebhookCounts {
    /// How many are still to be told.
    pub fn pending(&self) -> u64 {
        self.planned - self.taken - self.given_up
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Status(Value),
    Inbound { message: Value, contact: Value },
}

/// The part of the stand-in that calls back.
pub(super) struct Webhooks {
    client: reqwest::Client,
    secret: SecretString,
    behaviour: Arc<RwLock<Behaviour>>,
    callback: watch::Sender<Option<String>>,
    counts: watch::Sender<WebhookCounts>,
    queue: mpsc::UnboundedSender<Due<Told>>,
    number: AtomicU64,
}

impl Webhooks {
    pub(super) fn start(
        secret: SecretString,
        behaviour: Arc<RwLock<Behaviour>>,
    ) -> Result<(Arc<Self>, JoinHandle<()>)> {
        let (queue, queued) = mpsc::unbounded_channel();
        let webhooks = Arc::new(Self {
            client: http::client(TIMEOUT, true)?,
            secret,
            behaviour,
            callback: watch::Sender::new(None),
            counts: watch::Sender::new(WebhookCounts::default()),
            queue,
            number: AtomicU64::new(0),
        });
        let dispatcher = tokio::spawn(Arc::clone(&webhooks).dispatch(queued));
        Ok((webhooks, dispatcher))
    }

    pub(super) fn set_callback(&self, url: Option<String>) {
        self.callback.send_replace(url);
    }

    pub(super) fn counts(&self) -> WebhookCounts {
        *self.counts.borrow()
    }

    pub(super) async fn settled(&self, within: Duration) -> bool {
        let mut counts = self.counts.subscribe();
        tokio::time::timeout(within, counts.wait_for(|counts| counts.pending() == 0)).await.is_ok()
    }

    pub(super) async fn challenge(&self, url: &str, token: &str, challenge: &str) -> Result<(u16, String)> {
        let query = [("hub.mode", "subscribe"), ("hub.verify_token", token), ("hub.challenge", challenge)];
        let answer = self.client.get(url).query(&query).send().await.context("the webhook's set-up call")?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Plans what is told of an accepted message; what is to come before the answer is told before this returns.
    pub(super) async fn tell(&self, behaviour: &Behaviour, correlation: &str, wamid: &str, recipient: &str) {
        let hooks = &behaviour.webhooks;
        let happens = |what: &str, share| behaviour.happens(what, correlation, share);
        if happens("missing", hooks.missing) {
            return;
        }
        let now = Instant::now();
        for (step, (name, code)) in (1..).zip(story(behaviour, correlation)) {
            let status = status(wamid, recipient, correlation, name, code);
            let early = step == 1 && name == "sent" && happens("early", hooks.early);
            if early && self.tell_at_once(&status).await {
                continue;
            }
            let of_step = |what: &str, share| behaviour.happens(&format!("{what} {name}"), correlation, share);
            let late = if of_step("late", hooks.late) { 10 } else { 0 };
            self.plan(now + hooks.delay * (step + late), Told::Status(status.clone()));
            if of_step("duplicated", hooks.duplicated) {
                self.plan(now + hooks.delay * (step + late + 1), Told::Status(status));
            }
        }
    }

    pub(super) fn inbound(&self, from: &str, text: &str, in_reply_to: Option<&str>) -> String {
        let id = format!("wamid.IN{:012}", self.number.load(Ordering::Relaxed));
        let mut message = json!({
            "from": from, "id": id, "timestamp": now().to_string(), "type": "text", "text": {"body": text},
        });
        if let Some(answered) = in_reply_to {
            message["context"] = json!({"from": "15550783881", "id": answered});
        }
        let contact = json!({"profile": {"name": "Test"}, "wa_id": from});
        self.plan(Instant::now(), Told::Inbound { message, contact });
        id
    }

    fn plan(&self, at: Instant, what: Told) {
        self.counts.send_modify(|counts| counts.planned += 1);
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        // the dispatcher ends only with the stand-in
        let _ended = self.queue.send(Due { at, number, what });
    }

    /// One try, before the call is answered; whether it was taken.
    async fn tell_at_once(&self, status: &Value) -> bool {
        let Some(url) = self.callback.borrow().clone() else { return false };
        let taken = self.post(&url, &delivery(&[Told::Status(status.clone())]), true).await;
        if taken {
            self.counts.send_modify(|counts| {
                counts.planned += 1;
                counts.taken += 1;
            });
        }
        taken
    }

    async fn dispatch(self: Arc<Self>, mut queued: mpsc::UnboundedReceiver<Due<Told>>) {
        let mut waiting = BinaryHeap::new();
        let mut under_way = JoinSet::new();
        let places = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let next = waiting.peek().map(|Reverse(due): &Reverse<Due<Told>>| due.at);
            tokio::select! {
                due = queued.recv() => match due {
                    Some(due) => waiting.push(Reverse(due)),
                    None => return,
                },
                () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                    let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                    // what was planned meanwhile is part of the backlog: the more of it, the larger the deliveries
                    while let Ok(due) = queued.try_recv() {
                        waiting.push(Reverse(due));
                    }
                    let batch = self.take_due(&mut waiting);
                    let webhooks = Arc::clone(&self);
                    under_way.spawn(async move {
                        webhooks.deliver(batch).await;
                        drop(place);
                    });
                }
                Some(_) = under_way.join_next() => {}
            }
        }
    }

    fn take_due(&self, waiting: &mut BinaryHeap<Reverse<Due<Told>>>) -> Vec<Told> {
        let behaviour = self.behaviour.read().unwrap_or_else(PoisonError::into_inner);
        let hooks = &behaviour.webhooks;
        let now = Instant::now();
        let mut batch = Vec::new();
        while batch.len() < hooks.batch.max(1) && waiting.peek().is_some_and(|Reverse(due)| due.at <= now) {
            batch.extend(waiting.pop().map(|Reverse(due)| (due.number, due.what)));
        }
        if hooks.shuffled {
            batch.sort_by_key(|(number, _)| draw(behaviour.seed, &[b"order", &number.to_le_bytes()]));
        }
        batch.into_iter().map(|(_, what)| what).collect()
    }

    /// Tries until it is taken or the tries are used up.
    async fn deliver(&self, batch: Vec<Told>) {
        let hooks = self.behaviour.read().unwrap_or_else(PoisonError::into_inner).webhooks.clone();
        let body = delivery(&batch);
        let told = u64::try_from(batch.len()).unwrap_or_default();
        let forged = self.behaviour.read().unwrap_or_else(PoisonError::into_inner).happens(
            "forged",
            &String::from_utf8_lossy(&body),
            hooks.badly_signed,
        );
        let mut wait = FIRST_WAIT;
        for number in 0..hooks.tries {
            let url = {
                let mut callback = self.callback.subscribe();
                let Ok(url) = callback.wait_for(Option::is_some).await else { return };
                url.clone().unwrap_or_default()
            };
            if forged && number == 0 {
                if self.post(&url, &body, false).await {
                    self.counts.send_modify(|counts| counts.forged_taken += 1);
                }
            } else if self.post(&url, &body, true).await {
                self.counts.send_modify(|counts| counts.taken += told);
                return;
            } else {
                self.counts.send_modify(|counts| counts.refused += 1);
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(hooks.longest_wait);
            }
        }
        self.counts.send_modify(|counts| counts.given_up += told);
    }

    async fn post(&self, url: &str, body: &[u8], truly: bool) -> bool {
        let signed: &[u8] = if truly { body } else { b"something else" };
        let signature = sign(&self.secret, signed).unwrap_or_default();
        let call = self.client.post(url).header("x-hub-signature-256", signature);
        let answer = call.header("content-type", "application/json").body(body.to_vec()).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

/// What happens to an accepted message, in order, with the error code of a failure.
fn story(behaviour: &Behaviour, correlation: &str) -> Vec<(&'static str, Option<i64>)> {
    let hooks = &behaviour.webhooks;
    let happens = |what: &str, share| behaviour.happens(what, correlation, share);
    if happens("capped", behaviour.capped) {
        return vec![("failed", Some(131_049))];
    }
    if happens("undeliverable", behaviour.undeliverable) {
        return vec![("sent", None), ("failed", Some(131_026))];
    }
    let mut story = vec![("sent", None)];
    if happens("delivered", hooks.delivered) {
        if happens("failed first", hooks.failed_first) {
            story.push(("failed", Some(131_000)));
        }
        let read = happens("read", hooks.read);
        if !(read && happens("read only", hooks.read_only)) {
            story.push(("delivered", None));
        }
        if read {
            story.push(("read", None));
        }
    }
    story
}

fn status(wamid: &str, recipient: &str, correlation: &str, name: &str, code: Option<i64>) -> Value {
    let mut status = json!({
        "id": wamid, "status": name, "timestamp": now().to_string(), "recipient_id": recipient,
        "biz_opaque_callback_data": correlation,
        "pricing": {"billable": true, "pricing_model": "PMP", "category": "utility"},
    });
    if let Some(code) = code {
        status["errors"] =
            json!([{"code": code, "title": "Failed", "message": "Failed", "error_data": {"details": "Failed"}}]);
    }
    status
}

fn delivery(batch: &[Told]) -> Vec<u8> {
    let value = |mut fields: Value| {
        fields["messaging_product"] = json!("whatsapp");
        fields["metadata"] = json!({"display_phone_number": "15550783881", "phone_number_id": PHONE_NUMBER_ID});
        json!({"field": "messages", "value": fields})
    };
    let mut changes = Vec::new();
    let statuses: Vec<_> =
        batch.iter().filter_map(|told| if let Told::Status(status) = told { Some(status) } else { None }).collect();
    if !statuses.is_empty() {
        changes.push(value(json!({"statuses": statuses})));
    }
    for told in batch {
        if let Told::Inbound { message, contact } = told {
            changes.push(value(json!({"contacts": [contact], "messages": [message]})));
        }
    }
    let whole =
        json!({"object": "whatsapp_business_account", "entry": [{"id": "419561257915477", "changes": changes}]});
    whole.to_string().into_bytes()
}

#[expect(clippy::disallowed_methods, reason = "the stand-in is another party, with a clock of its own")]
fn now() -> i64 {
    chrono::Utc::now().timestamp()
}
