//! What stand-ins tell later: planned when a message is accepted, posted when it is due, tried again until taken.

use super::stage::{Delivery, Stage, Vendor};
use crate::{
    due::Due,
    meta::{Behaviour, WebhookCounts},
};
use anyhow::Result;
use providers::{draw::draw, http};
use serde_json::Value;
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
    task::JoinSet,
    time::Instant,
};

/// The most deliveries under way at once.
const AT_ONCE: usize = 16;
/// The longest a delivery may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The wait after the first try; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its name among those of the message.
    pub name: &'static str,
    /// Where the caller asked for it, if the vendor lets callers say so.
    pub url: String,
    /// What is said.
    pub said: Value,
}

/// The part of a stand-in that calls back.
pub(super) struct Teller {
    client: reqwest::Client,
    callback: watch::Sender<Option<String>>,
    public_url: RwLock<Option<String>>,
    counts: watch::Sender<WebhookCounts>,
    queue: mpsc::UnboundedSender<Due<Told>>,
    number: AtomicU64,
}

impl Teller {
    pub fn new() -> Result<(Self, mpsc::UnboundedReceiver<Due<Told>>)> {
        let (queue, queued) = mpsc::unbounded_channel();
        let teller = Self {
            client: http::client(TIMEOUT, true)?,
            callback: watch::Sender::new(None),
            public_url: RwLock::default(),
            counts: watch::Sender::new(WebhookCounts::default()),
            queue,
            number: AtomicU64::new(0),
        };
        Ok((teller, queued))
    }

    pub fn set_callback(&self, api: Option<String>) {
        self.callback.send_replace(api.map(|api| api.trim_end_matches('/').to_owned()));
    }

    pub fn set_public_url(&self, url: &str) {
        let url = url.trim_end_matches('/').to_owned();
        *self.public_url.write().unwrap_or_else(PoisonError::into_inner) = Some(url);
    }

    pub fn counts(&self) -> WebhookCounts {
        *self.counts.borrow()
    }

    pub async fn settled(&self, within: Duration) -> bool {
        let mut counts = self.counts.subscribe();
        tokio::time::timeout(within, counts.wait_for(|counts| counts.pending() == 0)).await.is_ok()
    }

    /// A number that no other thing of this stand-in has.
    pub fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// Plans what is told of an accepted message; what is to come before the answer is told before this returns.
    pub async fn tell<V: Vendor>(&self, stage: &Stage<V>, behaviour: &Behaviour, correlation: &str, story: Vec<Told>) {
        let hooks = &behaviour.webhooks;
        if behaviour.happens("missing", correlation, hooks.missing) {
            return;
        }
        let now = Instant::now();
        for (step, told) in (1..).zip(story) {
            let of_step = |what: &str, share| behaviour.happens(&format!("{what} {}", told.name), correlation, share);
            let early = step == 1 && behaviour.happens("early", correlation, hooks.early);
            if early && self.tell_at_once(stage, &told).await {
                continue;
            }
            let late = if of_step("late", hooks.late) { 10 } else { 0 };
            self.plan(now + hooks.delay * (step + late), told.clone());
            if of_step("duplicated", hooks.duplicated) {
                self.plan(now + hooks.delay * (step + late + 1), told);
            }
        }
    }

    pub fn plan(&self, at: Instant, what: Told) {
        self.counts.send_modify(|counts| counts.planned += 1);
        // the dispatcher ends only with the stand-in
        let _ended = self.queue.send(Due { at, number: self.number(), what });
    }

    /// One try, before the call is answered; whether it was taken.
    async fn tell_at_once<V: Vendor>(&self, stage: &Stage<V>, told: &Told) -> bool {
        let Some(api) = self.callback.borrow().clone() else { return false };
        let delivery = stage.vendor.delivery(&self.public_url(&api), std::slice::from_ref(told), true);
        let taken = self.post(&api, &delivery).await;
        if taken {
            self.counts.send_modify(|counts| {
                counts.planned += 1;
                counts.taken += 1;
            });
        }
        taken
    }

    fn public_url(&self, api: &str) -> String {
        let known = self.public_url.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.unwrap_or_else(|| api.to_owned())
    }

    async fn post(&self, api: &str, delivery: &Delivery) -> bool {
        let mut call = self.client.post(format!("{api}{}", delivery.path));
        for (name, value) in &delivery.headers {
            call = call.header(*name, value);
        }
        call.body(delivery.body.clone()).send().await.is_ok_and(|answer| answer.status().is_success())
    }
}

pub(super) async fn dispatch<V: Vendor>(stage: Arc<Stage<V>>, mut queued: mpsc::UnboundedReceiver<Due<Told>>) {
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
                while let Ok(due) = queued.try_recv() {
                    waiting.push(Reverse(due));
                }
                let batch = take_due(&stage, &mut waiting);
                let stage = Arc::clone(&stage);
                under_way.spawn(async move {
                    if !batch.is_empty() {
                        deliver(&stage, &batch).await;
                    }
                    drop(place);
                });
            }
            Some(_) = under_way.join_next() => {}
        }
    }
}

fn take_due<V: Vendor>(stage: &Stage<V>, waiting: &mut BinaryHeap<Reverse<Due<Told>>>) -> Vec<Told> {
    let behaviour = stage.now();
    let hooks = &behaviour.webhooks;
    let most = if stage.vendor.batches() { hooks.batch.max(1) } else { 1 };
    let now = Instant::now();
    let mut batch = Vec::new();
    while batch.len() < most && waiting.peek().is_some_and(|Reverse(due)| due.at <= now) {
        batch.extend(waiting.pop().map(|Reverse(due)| (due.number, due.what)));
    }
    if hooks.shuffled {
        batch.sort_by_key(|(number, _)| draw(behaviour.seed, &[b"order", &number.to_le_bytes()]));
    }
    batch.into_iter().map(|(_, what)| what).collect()
}

/// Tries until it is taken or the tries are used up.
async fn deliver<V: Vendor>(stage: &Stage<V>, batch: &[Told]) {
    let behaviour = stage.now();
    let hooks = &behaviour.webhooks;
    let teller = &stage.teller;
    let count = u64::try_from(batch.len()).unwrap_or_default();
    let forged = batch
        .first()
        .is_some_and(|told| behaviour.happens("forged", &format!("{} {}", told.name, told.said), hooks.badly_signed));
    let mut wait = FIRST_WAIT;
    for number in 0..hooks.tries {
        let api = {
            let mut callback = teller.callback.subscribe();
            let Ok(api) = callback.wait_for(Option::is_some).await else { return };
            api.clone().unwrap_or_default()
        };
        let truly = !(forged && number == 0);
        let taken = teller.post(&api, &stage.vendor.delivery(&teller.public_url(&api), batch, truly)).await;
        match (taken, truly) {
            (true, false) => teller.counts.send_modify(|counts| counts.forged_taken += 1),
            (false, false) => {}
            (true, true) => {
                teller.counts.send_modify(|counts| counts.taken += count);
                return;
            }
            (false, true) => {
                teller.counts.send_modify(|counts| counts.refused += 1);
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(hooks.longest_wait);
            }
        }
    }
    teller.counts.send_modify(|counts| counts.given_up += count);
}
