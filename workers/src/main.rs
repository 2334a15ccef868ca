//! `worker`: runs the jobs of any set of queues. Any number may run.

use anyhow::{Context, anyhow, ensure};
use clap::Parser;
use jobs::kinds::registry;
use jobs::process::{
    build,
    config::{Environment, ServicesConfig, TelemetryConfig, load},
    health::Health,
    health_server, shutdown, telemetry,
};
use std::net::SocketAddr;
use std::time::Duration;
use workers::{QueueSlots, WorkerConfig};

/// Runs the jobs of the queues named. Any number may run, on any machines.
///
/// Configured by environment variables, or a .env file: DATABASE_URL, REDIS_URL (both needed); QUEUE_TRANSPORT, DB_POOL,
/// STORAGE_DIR or the S3 and Azure settings, the WHATSAPP_ settings, RUST_LOG, LOG_FORMAT. On SIGTERM or SIGINT it stops
/// taking jobs, finishes what it can within the drain time-out, and gives the rest back within five seconds more.
#[derive(Debug, Parser)]
#[command(name = "worker", version)]
struct Arguments {
    /// A queue and how many of its jobs run at once, such as whatsapp=64; may be repeated. Default: every queue.
    #[arg(long = "queue", value_name = "NAME=JOBS")]
    queues: Vec<QueueSlots>,
    /// Seconds that jobs under way may go on after a signal to stop.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    drain_timeout: u64,
    /// Serve /health and /health/ready there, such as 0.0.0.0:8081.
    #[arg(long, value_name = "ADDRESS:PORT")]
    health_addr: Option<SocketAddr>,
    /// Check the configuration and stop.
    #[arg(long)]
    check: bool,
}

impl Arguments {
    fn config(&self) -> anyhow::Result<WorkerConfig> {
        let mut config = match self.queues.is_empty() {
            true => WorkerConfig::all_queues(),
            false => WorkerConfig::new(self.queues.clone()),
        };
        for (place, served) in config.queues.iter().enumerate() {
            let again = config.queues[..place].iter().any(|earlier| earlier.queue == served.queue);
            ensure!(!again, "--queue {} is given twice", served.queue.name());
        }
        config.drain_timeout = Duration::from_secs(self.drain_timeout);
        Ok(config)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let worker = arguments.config()?;
    let environment = Environment::of_process()?;
    let (telemetry, config) = load(&environment.lookup(), |reader| {
        let (telemetry, services) = (TelemetryConfig::read(reader), ServicesConfig::read(reader));
        Some((telemetry, services?))
    })?;
    if arguments.check {
        return Ok(());
    }
    telemetry::start(&telemetry);
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("a TLS provider was installed twice"))?;
    let services = build::services(&config)?;
    let shutdown = shutdown::on_signal().context("listening for signals")?;
    if let Some(address) = arguments.health_addr {
        let health = Health::new(services.db.clone(), &config.database, &config.redis.url)?;
        health_server::start(address, health, shutdown.clone())
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
    }
    tracing::info!("working");
    workers::run(services, registry::all(), worker, shutdown).await?;
    tracing::info!("stopped");
    Ok(())
}
