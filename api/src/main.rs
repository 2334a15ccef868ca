//! `api`: serves the HTTP API.

use anyhow::Context;
use api::ApiConfig;
use clap::Parser;
use jobs::process::{
    build,
    config::{Environment, TelemetryConfig, load},
    shutdown, telemetry,
};
use std::process::ExitCode;

/// Serves the HTTP API of Intelipro Renewals.
///
/// Configured by environment variables, or a .env file: DATABASE_URL, REDIS_URL, SECRET_KEY (all needed); PORT,
/// BIND_ADDRESS, CORS_ALLOWED_ORIGINS, MAX_UPLOAD_BYTES, MAX_BODY_BYTES, REQUEST_TIMEOUT, DRAIN_TIMEOUT, DB_POOL,
/// RUST_LOG, LOG_FORMAT. SIGTERM or SIGINT stops it: open requests may finish within DRAIN_TIMEOUT.
#[derive(Debug, Parser)]
#[command(name = "api", version)]
struct Arguments {
    /// Check the configuration and stop.
    #[arg(long)]
    check: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let environment = Environment::of_process()?;
    let (telemetry, config) = load(&environment.lookup(), |reader| {
        let telemetry = TelemetryConfig::read(reader);
        Some((telemetry, ApiConfig::read(reader)?))
    })?;
    if arguments.check {
        return Ok(());
    }
    telemetry::start(&telemetry);
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider was installed twice"))?;
    let services = build::services(&config.services)?;
    let shutdown = shutdown::on_signal().context("listening for signals")?;
    api::run(config, services, shutdown).await?;
    Ok(())
}
