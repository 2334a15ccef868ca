//! Work that comes round: what it does, how often, and what happens when it fails.
//!
//! A tick that fails, panics or hangs is logged and tried again, sooner at first and then every few seconds. Ticks run
//! apart from each other, so a broken one stops no other.

use futures_util::{FutureExt, future::BoxFuture};
use std::{error::Error, future::Future, panic::AssertUnwindSafe, time::Duration};
use tokio_util::sync::CancellationToken;

/// A tick that takes longer is dropped, which rolls its transaction back, and tried again.
const PATIENCE: Duration = Duration::from_secs(120);
/// The wait after a first failure; doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait after failures: what is due should not wait much longer than the fault lasts.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// When a tick wants to run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// When it is due.
    InTime,
    /// At once: it did as much as it may in one go, and there is more.
    AtOnce,
}

/// Why a tick failed.
pub type TickError = Box<dyn Error + Send + Sync>;

type Work = Box<dyn Fn() -> BoxFuture<'static, Result<Next, TickError>> + Send + Sync>;

/// Work that comes round.
pub struct Tick {
    name: &'static str,
    every: Duration,
    patience: Duration,
    work: Work,
}

impl Tick {
    /// Runs `work` again and again, `every` so long after it was done.
    pub fn new<F, Fut>(name: &'static str, every: Duration, work: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Next, TickError>> + Send + 'static,
    {
        Self { name, every, patience: PATIENCE, work: Box::new(move || work().boxed()) }
    }

    /// Its name in the logs.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Keeps running it until `shutdown`.
    pub(crate) async fn keep_up(self, shutdown: CancellationToken) {
        let mut failures = 0_u32;
        while !shutdown.is_cancelled() {
            let wait = match self.once().await {
                Ok(next) => {
                    if failures > 0 {
                        tracing::info!(tick = self.name, failures, "works again");
                    }
                    failures = 0;
                    match next {
                        Next::AtOnce => Duration::ZERO,
                        Next::InTime => self.every,
                    }
                }
                Err(problem) => {
                    failures = failures.saturating_add(1);
                    let wait = wait_after(failures);
                    tracing::error!(tick = self.name, failures, problem, ?wait, "failed, and will be tried again");
                    wait
                }
            };
            // even a tick that is always behind must let others run
            tokio::task::yield_now().await;
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn once(&self) -> Result<Next, String> {
        match tokio::time::timeout(self.patience, AssertUnwindSafe((self.work)()).catch_unwind()).await {
            Ok(Ok(Ok(next))) => Ok(next),
            Ok(Ok(Err(error))) => Err(chain(error.as_ref())),
            Ok(Err(_)) => Err("it panicked".to_owned()),
            Err(_) => Err(format!("it took longer than {:?}", self.patience)),
        }
    }
}

fn wait_after(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_WAIT)
}

/// An error and everything behind it, in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    };
    use tokio::time::Instant;

    /// Runs a tick until its work has been called `calls` times, and tells when it was.
    async fn run<Fut>(mut tick: Tick, calls: u32, work: impl Fn(u32) -> Fut + Send + Sync + 'static) -> Vec<Instant>
    where
        Fut: Future<Output = Result<Next, TickError>> + Send + 'static,
    {
        let (shutdown, count) = (CancellationToken::new(), AtomicU32::new(0));
        let times = Arc::new(Mutex::new(Vec::new()));
        let (stop, called) = (shutdown.clone(), times.clone());
        tick.work = Box::new(move || {
            let call = count.fetch_add(1, Ordering::Relaxed) + 1;
            called.lock().unwrap().push(Instant::now());
            if call == calls {
                stop.cancel();
            }
            work(call).boxed()
        });
        tick.keep_up(shutdown).await;
        times.lock().unwrap().clone()
    }

    fn tick(every: Duration) -> Tick {
        Tick::new("test", every, async || Ok(Next::InTime))
    }

    #[tokio::test]
    async fn it_runs_in_time_and_at_once_when_there_is_more() {
        let every = Duration::from_millis(200);
        let next = async |call| Ok(if call == 1 { Next::AtOnce } else { Next::InTime });
        let times = run(tick(every), 3, next).await;
        assert!(times[1] - times[0] < every);
        assert!(times[2] - times[1] >= every);
    }

    #[tokio::test]
    async fn after_a_failure_or_a_panic_it_does_not_wait_its_turn() {
        let hourly = tick(Duration::from_secs(3600));
        let fail = async |call| if call == 1 { Err("no".into()) } else { panic!("on purpose") };
        let times = run(hourly, 3, fail).await;
        assert!(times[1] - times[0] >= FIRST_WAIT && times[2] - times[1] >= 2 * FIRST_WAIT);
    }

    #[tokio::test]
    async fn one_that_hangs_is_dropped_and_tried_again() {
        let impatient = Tick { patience: Duration::from_millis(10), ..tick(Duration::from_secs(3600)) };
        let hang = async |call| if call == 1 { std::future::pending().await } else { Ok(Next::InTime) };
        assert_eq!(run(impatient, 2, hang).await.len(), 2);
    }

    #[test]
    fn waits_grow_to_a_limit() {
        let waits: Vec<_> = [1, 2, 3, 5, 6, u32::MAX].map(|failures| wait_after(failures).as_millis()).into();
        assert_eq!(waits, [250, 500, 1000, 4000, 5000, 5000]);
    }
}
