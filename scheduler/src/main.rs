//! `scheduler`: fires what is due, feeds the queues, rescues and prunes. Any number may run.

use anyhow::Context;
use clap::Parser;
use jobs::process::{
    build,
    config::{Environment, TelemetryConfig, load},
    health::Health,
    health_server, shutdown, telemetry,
};
use scheduler::SchedulerConfig;
use std::net::SocketAddr;

/// Fires what is due, feeds the queues, rescues jobs of lost workers and prunes what is old. Any number may run.
///
/// Configured by environment variables, or a .env file: DATABASE_URL, REDIS_URL (both needed); JOBS_RETENTION,
/// DISCARDED_JOBS_RETENTION, EVENTS_RETENTION, DB_POOL, RUST_LOG, LOG_FORMAT. SIGTERM or SIGINT stops it within 5 s.
#[derive(Debug, Parser)]
#[command(name = "scheduler", version)]
struct Arguments {
    /// Serve /health and /health/ready there, such as 0.0.0.0:8081.
    #[arg(long, value_name = "ADDRESS:PORT")]
    health_addr: Option<SocketAddr>,
    /// Check the configuration and stop.
    #[arg(long)]
    check: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let environment = Environment::of_process()?;
    let (telemetry, config) = load(&environment.lookup(), |reader| {
        let (telemetry, config) = (TelemetryConfig::read(reader), SchedulerConfig::read(reader));
        Some((telemetry, config?))
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
    if let Some(address) = arguments.health_addr {
        let health = Health::new(services.db.clone(), &config.services.database, &config.services.redis.url)?;
        health_server::start(address, health, shutdown.clone())
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
    }
    tracing::info!("scheduling");
    scheduler::run(services, config, shutdown).await;
    tracing::info!("stopped");
    Ok(())
}
