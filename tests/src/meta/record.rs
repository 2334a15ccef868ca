//! What the stand-in has seen: the truth that a test holds the sender's own record against.

use domain::messaging::Correlation;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The most violations that are kept; the first ones tell.
const VIOLATIONS_LIMIT: usize = 100;
/// The most bodies that are kept; the last ones.
const BODIES_LIMIT: usize = 50;

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedMessage {
    /// The stand-in's id of it.
    pub wamid: String,
    /// What the caller sent as `biz_opaque_callback_data`.
    pub correlation: String,
    /// The digits of the recipient.
    pub recipient: String,
    /// Whether the caller was told.
    pub answered: bool,
    /// When it was taken.
    pub at: Instant,
}

/// Everything that was accepted, and counts of the rest.
#[derive(Debug, Default)]
pub struct Record {
    accepted: Mutex<Vec<AcceptedMessage>>,
    refusals: Mutex<BTreeMap<i64, u64>>,
    violations: Mutex<Vec<String>>,
    recent: Mutex<VecDeque<Instant>>,
    uploads: Mutex<Vec<(String, usize)>>,
    requests: AtomicU64,
    bodies: Mutex<VecDeque<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Record {
    pub(crate) fn note_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps what was asked for.
    pub(crate) fn note_body(&self, body: &[u8]) {
        let mut kept = lock(&self.bodies);
        if kept.len() == BODIES_LIMIT {
            kept.pop_front();
        }
        kept.push_back(String::from_utf8_lossy(body).into_owned());
    }

    /// What was asked for last, oldest first.
    pub(crate) fn bodies(&self) -> Vec<String> {
        lock(&self.bodies).iter().cloned().collect()
    }

    pub(crate) fn note_refusal(&self, code: i64) {
        *lock(&self.refusals).entry(code).or_default() += 1;
    }

    pub(crate) fn note_violations(&self, found: &[String]) {
        let mut kept = lock(&self.violations);
        let room = VIOLATIONS_LIMIT.saturating_sub(kept.len());
        kept.extend(found.iter().take(room).cloned());
    }

    /// Whether one more message fits into this second; if it does, it is counted.
    pub(crate) fn within_rate(&self, per_second: u32) -> bool {
        let now = Instant::now();
        let mut recent = lock(&self.recent);
        while recent.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(1)) {
            recent.pop_front();
        }
        let fits = recent.len() < usize::try_from(per_second).unwrap_or(usize::MAX);
        if fits {
            recent.push_back(now);
        }
        fits
    }

    /// Takes a message and gives it an id.
    pub(crate) fn accept(&self, correlation: &str, recipient: &str, answered: bool) -> String {
        self.accept_as(correlation, recipient, answered, |number| format!("wamid.TEST{number:012}"))
    }

    /// Takes a message under the id that its number makes.
    pub(crate) fn accept_as(
        &self,
        correlation: &str,
        recipient: &str,
        answered: bool,
        id: impl FnOnce(usize) -> String,
    ) -> String {
        let mut accepted = lock(&self.accepted);
        let wamid = id(accepted.len() + 1);
        accepted.push(AcceptedMessage {
            wamid: wamid.clone(),
            correlation: correlation.to_owned(),
            recipient: recipient.to_owned(),
            answered,
            at: Instant::now(),
        });
        wamid
    }

    /// Keeps word of a file; its number.
    pub(crate) fn note_upload(&self, what: String, length: usize) -> usize {
        let mut uploads = lock(&self.uploads);
        uploads.push((what, length));
        uploads.len()
    }

    pub(crate) fn uploads(&self) -> Vec<(String, usize)> {
        lock(&self.uploads).clone()
    }

    pub(crate) fn accepted(&self) -> Vec<AcceptedMessage> {
        lock(&self.accepted).clone()
    }

    pub(crate) fn accepted_count(&self) -> usize {
        lock(&self.accepted).len()
    }

    pub(crate) fn doubles(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for message in lock(&self.accepted).iter() {
            *counts.entry(message_of(message)).or_default() += 1;
        }
        counts.retain(|_, count| *count > 1);
        counts
    }

    /// How many messages a recipient was sent.
    pub(crate) fn sent_to(&self, recipient: &str) -> usize {
        lock(&self.accepted).iter().filter(|message| message.recipient == recipient).count()
    }

    pub(crate) fn by_recipient(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for message in lock(&self.accepted).iter() {
            *counts.entry(message.recipient.clone()).or_default() += 1;
        }
        counts
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn refusals(&self) -> BTreeMap<i64, u64> {
        lock(&self.refusals).clone()
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        lock(&self.violations).clone()
    }
}

/// All attempts of one message are that message.
fn message_of(message: &AcceptedMessage) -> String {
    match message.correlation.parse::<Correlation>() {
        Ok(correlation) => correlation.message.to_string(),
        Err(_) => format!("{} to {}", message.correlation, message.recipient),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_attempt_of_an_accepted_message_is_a_double() {
        let record = Record::default();
        record.accept("m-1-1", "911", false);
        record.accept("m-1-2", "911", true);
        record.accept("m-2-1", "912", true);
        record.accept("other", "913", true);
        assert_eq!(record.doubles(), [("message-1".to_owned(), 2)].into());
        assert_eq!(record.by_recipient()["911"], 2);
        assert_eq!(record.accepted_count(), 4);
    }

    #[test]
    fn a_second_holds_only_so_many() {
        let record = Record::default();
        assert_eq!((0..10).filter(|_| record.within_rate(7)).count(), 7);
    }
}
