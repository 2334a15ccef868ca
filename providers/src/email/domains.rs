//! What each receiving domain bears: so many messages at once, and a rest after it asked for one.
//!
//! A domain that rests is not asked: its messages fail at once, worth a retry after the rest. What is known is bounded
//! and of this process alone; forgetting a domain costs it one message too early.

use domain::messaging::{FailureClass, SendFailure};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most domains that are remembered.
const REMEMBERED: usize = 4_096;
/// The first rest; each one after it lasts twice as long.
const FIRST_REST: Duration = Duration::from_secs(60);
/// The longest rest (RFC 5321, 4.5.4.1, asks for half an hour).
const LONGEST_REST: Duration = Duration::from_secs(30 * 60);

/// All domains that are written to.
pub(super) struct Domains {
    /// Messages at once to each.
    at_once: usize,
    /// A message waits no longer for its turn.
    patience: Duration,
    known: Mutex<HashMap<String, Arc<Domain>>>,
}

struct Domain {
    places: Arc<Semaphore>,
    rest: Mutex<Rest>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Rest {
    until: Option<Instant>,
    last: Duration,
}

impl Rest {
    fn left(&self, now: Instant) -> Option<Duration> {
        self.until.and_then(|until| until.checked_duration_since(now)).filter(|left| !left.is_zero())
    }
}

/// A turn at a domain; it ends with this value.
pub(super) struct Turn {
    domain: Arc<Domain>,
    _place: OwnedSemaphorePermit,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Domains {
    pub fn new(at_once: u32, patience: Duration) -> Self {
        Self { at_once: at_once.try_into().unwrap_or(usize::MAX).max(1), patience, known: Mutex::default() }
    }

    /// Waits for a turn; fails at once while the domain rests.
    pub async fn turn(&self, name: &str) -> Result<Turn, SendFailure> {
        let domain = self.domain(name, Instant::now());
        domain.awake(Instant::now())?;
        let waiting = Arc::clone(&domain.places).acquire_owned();
        let place = match tokio::time::timeout(self.patience, waiting).await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) | Err(_) => return Err(later(self.patience, "domain_busy", "other messages to it take long")),
        };
        // it may have asked for a rest while this one waited
        domain.awake(Instant::now())?;
        Ok(Turn { domain, _place: place })
    }

    fn domain(&self, name: &str, now: Instant) -> Arc<Domain> {
        let mut known = lock(&self.known);
        if let Some(domain) = known.get(name) {
            return Arc::clone(domain);
        }
        if known.len() >= REMEMBERED {
            known.retain(|_, domain| Arc::strong_count(domain) > 1 || lock(&domain.rest).left(now).is_some());
        }
        // all of them rest: the oldest names are as good as any to forget
        if known.len() >= REMEMBERED {
            known.retain(|_, domain| Arc::strong_count(domain) > 1);
        }
        let domain =
            Arc::new(Domain { places: Arc::new(Semaphore::new(self.at_once)), rest: Mutex::new(Rest::default()) });
        known.insert(name.to_owned(), Arc::clone(&domain));
        domain
    }
}

impl Domain {
    fn awake(&self, now: Instant) -> Result<(), SendFailure> {
        let left = lock(&self.rest).left(now);
        left.map_or(Ok(()), |left| Err(later(left, "domain_resting", "the receiving domain asked for a rest")))
    }

    /// Begins a rest, or finds it begun by another message; how long it lasts from now.
    fn rest(&self, now: Instant) -> Duration {
        let mut rest = lock(&self.rest);
        if let Some(left) = rest.left(now) {
            return left;
        }
        rest.last = (rest.last * 2).clamp(FIRST_REST, LONGEST_REST);
        rest.until = now.checked_add(rest.last);
        rest.last
    }
}

impl Turn {
    /// The domain took a message: all is well there.
    pub fn taken(&self) {
        *lock(&self.domain.rest) = Rest::default();
    }

    /// The domain asked for patience; how long to leave it alone.
    pub fn rest(&self) -> Duration {
        self.domain.rest(Instant::now())
    }
}

fn later(after: Duration, code: &'static str, detail: &str) -> SendFailure {
    SendFailure::new(FailureClass::Retry { after: Some(after) }, Some(code.into()), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_and_end_with_a_message_that_is_taken() {
        let domains = Domains::new(2, Duration::ZERO);
        let start = Instant::now();
        let domain = domains.domain("example.com", start);
        assert_eq!(domain.rest(start), FIRST_REST);
        assert_eq!(
            domain.rest(start + Duration::from_secs(10)),
            Duration::from_secs(50),
            "one rest, however often asked"
        );
        let refused = domain.awake(start + Duration::from_secs(59)).unwrap_err();
        assert_eq!(refused.class, FailureClass::Retry { after: Some(Duration::from_secs(1)) });
        let mut now = start + FIRST_REST;
        assert!(domain.awake(now).is_ok());
        for minutes in [2, 4, 8, 16, 30, 30] {
            let rest = domain.rest(now);
            assert_eq!(rest, Duration::from_secs(minutes * 60));
            now += rest;
        }
        *lock(&domain.rest) = Rest::default();
        assert_eq!(domain.rest(now), FIRST_REST);
    }

    #[tokio::test]
    async fn a_domain_has_so_many_turns_at_once_and_others_their_own() {
        let domains = Domains::new(2, Duration::from_millis(5));
        let first = domains.turn("slow.example").await.unwrap();
        let _second = domains.turn("slow.example").await.unwrap();
        let refused = domains.turn("slow.example").await.err().unwrap();
        assert_eq!(refused.code.as_deref(), Some("domain_busy"));
        assert!(domains.turn("quick.example").await.is_ok());
        drop(first);
        let third = domains.turn("slow.example").await.unwrap();
        assert_eq!(third.rest(), FIRST_REST);
        let refused = domains.turn("slow.example").await.err().unwrap();
        assert_eq!(refused.code.as_deref(), Some("domain_resting"));
        assert!(refused.class.wait().unwrap() > Duration::from_secs(50));
        third.taken();
        assert!(domains.turn("slow.example").await.is_err(), "the second and the third hold their places");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let domains = Domains::new(1, Duration::ZERO);
        let now = Instant::now();
        let held = domains.domain("held.example", now);
        for number in 0..REMEMBERED + 10 {
            domains.domain(&format!("{number}.example"), now).rest(now);
        }
        let known = lock(&domains.known).len();
        assert!(known <= REMEMBERED, "{known}");
        assert!(Arc::ptr_eq(&held, &domains.domain("held.example", now)));
    }
}
