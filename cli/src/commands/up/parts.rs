//! Parts that run together, and the order in which they end.

use crate::output::say;
use anyhow::Context;
use futures_util::future::select_all;
use std::future::Future;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Something that runs until it is told to stop.
pub struct Part {
    name: &'static str,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Part {
    /// Starts it; the token tells it to stop.
    pub fn start<Fut>(name: &'static str, run: impl FnOnce(CancellationToken) -> Fut) -> Self
    where
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(stop.clone()));
        Self { name, stop, task }
    }
}

/// Waits for `shutdown`, or for a part that ends by itself, which is a fault. Then stops the parts one after the other,
/// the last one first.
pub async fn run(mut parts: Vec<Part>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    tokio::select! {
        () = shutdown.cancelled() => {}
        (ended, index, _) = select_all(parts.iter_mut().map(|part| &mut part.task)) => {
            let part = parts.remove(index);
            outcome = match ended.with_context(|| format!("{} broke off", part.name)).flatten() {
                Ok(()) => Err(anyhow::anyhow!("{} stopped by itself", part.name)),
                Err(error) => Err(error),
            };
        }
    }
    say("Stopping…");
    while let Some(part) = parts.pop() {
        part.stop.cancel();
        let ended = part.task.await.with_context(|| format!("{} broke off", part.name)).flatten();
        outcome = outcome.and(ended);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn parts_end_in_the_reverse_order_of_their_start() {
        let ends = Arc::new(Mutex::new(Vec::new()));
        let part = |name: &'static str| {
            let ends = ends.clone();
            Part::start(name, move |stop| async move {
                stop.cancelled().await;
                ends.lock().unwrap().push(name);
                Ok(())
            })
        };
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        run(vec![part("first"), part("second"), part("third")], shutdown).await.unwrap();
        assert_eq!(*ends.lock().unwrap(), ["third", "second", "first"]);
    }

    #[tokio::test]
    async fn a_part_that_ends_by_itself_ends_the_rest() {
        let obedient = Part::start("obedient", |stop| async move {
            stop.cancelled().await;
            Ok(())
        });
        let broken = Part::start("broken", |_| async { anyhow::bail!("no more") });
        let error = run(vec![obedient, broken], CancellationToken::new()).await.unwrap_err();
        assert_eq!(error.to_string(), "no more");
    }
}
