//! What is logged, and how it is written.

use super::Reader;
use std::io::IsTerminal;

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people, coloured.
    Pretty,
    /// One object a line, for collectors.
    Json,
}

/// Logging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelemetryConfig {
    /// Directives such as `info,jobs=debug`.
    pub filter: String,
    /// How lines are written.
    pub format: LogFormat,
}

impl TelemetryConfig {
    /// `RUST_LOG`, `LOG_FORMAT`; without the latter a terminal gets text and a pipe JSON.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let format = if std::io::stderr().is_terminal() { LogFormat::Pretty } else { LogFormat::Json };
        let filter = reader.checked("RUST_LOG", "info".to_owned(), "directives such as info,jobs=debug", |text| {
            tracing_subscriber::EnvFilter::try_new(text).is_ok().then(|| text.to_owned())
        });
        let format = reader.checked("LOG_FORMAT", format, "pretty or json", |text| match text {
            "pretty" => Some(LogFormat::Pretty),
            "json" => Some(LogFormat::Json),
            _ => None,
        });
        Self { filter, format }
    }
}
