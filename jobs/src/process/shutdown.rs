//! SIGTERM and SIGINT ask a program to stop; a second one stops it at once.

use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// As shells report a program ended by SIGINT.
const INTERRUPTED: i32 = 130;

/// Signals this close are one wish: a terminal and a parent process may both pass it on.
const SAME: Duration = Duration::from_millis(500);

/// A token that the first signal cancels. Fails if the system refuses to tell of signals.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        let mut first: Option<Instant> = None;
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            match first {
                None => {
                    tracing::info!("asked to stop; once more to stop at once");
                    first = Some(Instant::now());
                    cancelled.cancel();
                }
                Some(first) if first.elapsed() < SAME => {}
                Some(_) => {
                    tracing::warn!("second signal: stopping at once");
                    std::process::exit(INTERRUPTED);
                }
            }
        }
    });
    Ok(token)
}
