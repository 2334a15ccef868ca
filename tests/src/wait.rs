//! Waiting for what must come true, with a deadline.

use std::{future::Future, time::Duration};
use tokio::time::{Instant, sleep};

/// How often a condition is looked at.
const EVERY: Duration = Duration::from_millis(20);

/// Polls until `probe` gives a value; panics, naming what was waited for, when the deadline passes.
pub async fn until_some<T, F, Fut>(what: &str, deadline: Duration, mut probe: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        sleep(EVERY).await;
    }
}

/// Polls until `probe` is true; panics, naming what was waited for, when the deadline passes.
pub async fn until<F, Fut>(what: &str, deadline: Duration, mut probe: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    until_some(what, deadline, || {
        let holds = probe();
        async move { holds.await.then_some(()) }
    })
    .await;
}
