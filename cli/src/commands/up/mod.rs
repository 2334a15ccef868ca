//! `renewals up`: API, workers for all queues and scheduler in one process, on servers of its own unless told others.
//!
//! Begins in the order of need and ends in the reverse: the API stops taking requests, then workers and scheduler stop
//! taking work, then the servers go: within a minute at worst, usually within a second. A part that ends by itself ends
//! the rest.

pub mod address;
mod parts;
mod welcome;

use self::parts::Part;
use crate::{
    ground::{Ground, environment},
    output::say,
};
use anyhow::Context;
use api::ApiConfig;
use clap::Args;
use domain::contact::Email;
use jobs::{
    initial,
    kinds::registry,
    process::{build, config::load, shutdown},
    services::SharedServices,
};
use scheduler::SchedulerConfig;
use std::{path::Path, time::Duration};
use tokio_util::sync::CancellationToken;
use workers::WorkerConfig;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The administrator's address, used at the first start.
    #[arg(long, default_value = initial::ADMINISTRATOR)]
    admin_email: Email,
    /// The API's port, as PORT; without either 8000, or the next free one.
    #[arg(long)]
    port: Option<u16>,
}

/// How long open requests may go on after Ctrl-C, unless DRAIN_TIMEOUT says otherwise.
const REQUEST_DRAIN: &str = "5s";
/// How long jobs may go on after Ctrl-C; what is left goes back to the queue.
const WORK_DRAIN: Duration = Duration::from_secs(10);
/// Connections that API, workers and scheduler share.
const CONNECTIONS: &str = "30";

pub async fn run(arguments: Arguments, data: &Path) -> anyhow::Result<()> {
    let environment = environment()?;
    let shutdown = shutdown::on_signal().context("listening for signals")?;
    say("Starting…");
    let ground = Ground::own(environment, data).await?;
    let outcome = serve(&arguments, &ground, data, shutdown).await;
    let stopped = ground.stop().await;
    outcome?;
    stopped?;
    say("Stopped.");
    Ok(())
}

async fn serve(arguments: &Arguments, ground: &Ground, data: &Path, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut environment = ground.environment.clone();
    environment.set_default("DB_POOL", CONNECTIONS);
    environment.set_default("DRAIN_TIMEOUT", REQUEST_DRAIN);
    if let Some(port) = arguments.port {
        environment.set("PORT", port.to_string());
    }
    let (api, scheduler) = load(&environment.lookup(), |reader| {
        let (api, scheduler) = (ApiConfig::read(reader), SchedulerConfig::read(reader));
        Some((api?, scheduler?))
    })?;
    let db = ground.database().await?;
    let services = build::services(&api.services)?;
    // before the initial data: its password is shown once, and nothing may fail between the two
    let listening = address::listen(api, &services).await?;
    let loaded = initial::load(&db, arguments.admin_email.as_str()).await?;
    drop(db);
    let url = address::url(listening.address());
    let _note = address::Note::leave(data, &url)?;
    welcome::print(&url, loaded.administrator.as_ref());
    let parts = vec![
        part_of_scheduler(&services, scheduler),
        part_of_workers(&services),
        Part::start("the API", |stop| async move { Ok(listening.serve(stop).await?) }),
    ];
    parts::run(parts, shutdown).await
}

fn part_of_scheduler(services: &SharedServices, config: SchedulerConfig) -> Part {
    let services = services.clone();
    Part::start("the scheduler", |stop| async move {
        scheduler::run(services, config, stop).await;
        Ok(())
    })
}

fn part_of_workers(services: &SharedServices) -> Part {
    let services = services.clone();
    let config = WorkerConfig { drain_timeout: WORK_DRAIN, ..WorkerConfig::all_queues() };
    Part::start("the workers", |stop| async move { Ok(workers::run(services, registry::all(), config, stop).await?) })
}
