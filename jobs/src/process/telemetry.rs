//! Structured logs to standard error, so that what a command prints stays apart from what it logs.

use super::config::{LogFormat, TelemetryConfig};
use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging for the process. Called again, or where a test has set up its own, it leaves that in place.
pub fn start(config: &TelemetryConfig) {
    // the text was checked when it was read
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let started = match config.format {
        LogFormat::Json => {
            let lines = fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(std::io::stderr);
            registry.with(lines).try_init()
        }
        LogFormat::Pretty => {
            let colours = std::io::stderr().is_terminal();
            registry.with(fmt::layer().compact().with_ansi(colours).with_writer(std::io::stderr)).try_init()
        }
    };
    if started.is_err() {
        tracing::debug!("logging was already set up");
    }
}
