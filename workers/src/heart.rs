//! The heart of a worker process: renews leases, writes progress, hears of cancellations, shows that it lives.
//!
//! With nothing running it only shows that it lives. A failed beat is logged; the next one makes good, and a lease that
//! runs out meanwhile is lost, which the next beat notices.

use crate::config::WorkerConfig;
use crate::running::{Reason, Run, Running};
use jobs::services::SharedServices;
use schema::DbError;
use schema::ledger::heartbeat::{self, Beat, Progress};
use schema::ledger::workers;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

/// How often cancellations are looked for and progress is written.
const PULSE: Duration = Duration::from_secs(1);

/// How often the process shows that it lives.
const ALIVE: Duration = Duration::from_secs(5);

/// Beats until the task is aborted.
pub async fn beat(services: SharedServices, name: String, config: WorkerConfig, running: Running) {
    let mut pulse = interval(PULSE);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heart = Heart { services, name, config, running, renew_at: Instant::now(), alive_at: Instant::now() };
    loop {
        pulse.tick().await;
        if let Err(error) = heart.pulse().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a heartbeat failed");
        }
    }
}

struct Heart {
    services: SharedServices,
    name: String,
    config: WorkerConfig,
    running: Running,
    renew_at: Instant,
    alive_at: Instant,
}

impl Heart {
    async fn pulse(&mut self) -> Result<(), DbError> {
        let now = Instant::now();
        if now >= self.alive_at {
            self.show_life().await?;
            self.alive_at = now + ALIVE;
        }
        let runs = self.running.all();
        if runs.is_empty() {
            return Ok(());
        }
        if now >= self.renew_at {
            self.renew(&runs).await?;
            self.renew_at = now + self.config.lease / 3;
            return Ok(());
        }
        let mut connection = self.services.db.get().await?;
        let beats: Vec<Beat> = beats(&runs).into_iter().filter(|beat| beat.progress.is_some()).collect();
        if !beats.is_empty() {
            heartbeat::report(&mut connection, &beats).await?;
        }
        let jobs: Vec<Uuid> = runs.iter().map(|run| run.job).collect();
        let cancelled: HashSet<Uuid> = heartbeat::to_cancel(&mut connection, &jobs).await?.into_iter().collect();
        for run in runs.iter().filter(|run| cancelled.contains(&run.lease_token)) {
            run.stop(Reason::Cancelled);
        }
        Ok(())
    }

    /// Renews all leases; runs that are not answered have lost theirs, or have just ended.
    async fn renew(&self, runs: &[Run]) -> Result<(), DbError> {
        let mut connection = self.services.db.get().await?;
        let alive = heartbeat::extend(&mut connection, self.config.lease, &beats(runs)).await?;
        let alive: HashMap<Uuid, bool> =
            alive.into_iter().map(|attempt| (attempt.lease_token, attempt.cancel_requested)).collect();
        for run in runs {
            match alive.get(&run.lease_token) {
                Some(true) => run.stop(Reason::Cancelled),
                Some(false) => {}
                None => run.stop(Reason::LeaseLost),
            }
        }
        Ok(())
    }

    async fn show_life(&self) -> Result<(), DbError> {
        let queues = self.config.queues.iter().map(|served| (served.queue.name().to_owned(), served.slots.into()));
        let queues = serde_json::Value::Object(queues.collect());
        let running = i32::try_from(self.running.len()).unwrap_or(i32::MAX);
        let pid = i32::try_from(std::process::id()).unwrap_or(0);
        let mut connection = self.services.db.get().await?;
        workers::beat(&mut connection, &self.name, &host(), pid, &queues, running).await
    }
}

fn beats(runs: &[Run]) -> Vec<Beat> {
    let progress = |run: &Run| {
        run.progress.take().map(|progress| Progress {
            done: progress.done,
            total: progress.total,
            note: progress.note.map(|note| note.chars().take(200).collect()),
        })
    };
    runs.iter().map(|run| Beat { id: run.job, lease_token: run.lease_token, progress: progress(run) }).collect()
}

/// The machine's name, as the kernel knows it.
pub fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().chars().take(64).collect())
        .unwrap_or_else(|_| "localhost".to_owned())
}
