//! `renewals queue`: the queues at a glance, paused and resumed.

use crate::{
    ground::Ground,
    output::{self, Form},
};
use anyhow::Context;
use clap::{Args, Subcommand};
use jobs::{
    Services,
    queue::{
        admin::{self, Bounded, QueueOverview},
        job::Queue,
    },
};
use schema::audit::Actor;
use serde_json::{Value, json};
use std::path::Path;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show every queue: what waits, what runs, how fast, and who works on it.
    List,
    /// Have all workers begin no further job of a queue.
    Pause {
        #[arg(value_parser = queue_of)]
        queue: Queue,
    },
    /// Have them go on.
    Resume {
        #[arg(value_parser = queue_of)]
        queue: Queue,
    },
}

/// A queue by its name; the error lists them all.
pub fn queue_of(name: &str) -> Result<Queue, String> {
    Queue::from_name(name).ok_or_else(|| format!("expected one of {}", Queue::ALL.map(Queue::name).join(", ")))
}

pub async fn run(arguments: Arguments, data: &Path, form: Form) -> anyhow::Result<()> {
    let ground = Ground::shared(data).await?;
    let outcome = act(&ground, arguments.action, form).await;
    ground.stop().await?;
    outcome
}

async fn act(ground: &Ground, action: Action, form: Form) -> anyhow::Result<()> {
    let services = ground.services()?;
    match action {
        Action::List => list(&services, form).await,
        Action::Pause { queue } => {
            let changed =
                admin::pause(&services, queue, Some("the command line"), &Actor::default()).await.context("pausing")?;
            tell(form, queue, "paused", changed)
        }
        Action::Resume { queue } => {
            let changed = admin::resume(&services, queue, &Actor::default()).await.context("resuming")?;
            tell(form, queue, "running", changed)
        }
    }
}

fn tell(form: Form, queue: Queue, state: &str, changed: bool) -> anyhow::Result<()> {
    let name = queue.name();
    form.print(&json!({"queue": name, "state": state, "changed": changed}), |_| match changed {
        true => format!("{name} is {state}"),
        false => format!("{name} is {state}, as it was before"),
    })
}

async fn list(services: &Services, form: Form) -> anyhow::Result<()> {
    let queues = admin::overview(services).await.context("reading the queues")?;
    let listed: Vec<Value> = queues.iter().map(json).collect();
    form.print(&listed, |_| {
        let headings = ["QUEUE", "WAITING", "LATER", "RUNNING", "DEAD", "OLDEST", "DONE/5 MIN", "WORKERS", ""];
        output::table(headings, &queues.iter().map(row).collect::<Vec<_>>())
    })
}

fn row(queue: &QueueOverview) -> [String; 9] {
    let slots: u32 = queue.workers.iter().map(|worker| worker.slots).sum();
    [
        queue.queue.name().to_owned(),
        bounded(queue.available),
        bounded(queue.scheduled),
        bounded(queue.running),
        bounded(queue.discarded),
        queue.oldest_age.map_or_else(|| "-".to_owned(), |age| format!("{} s", age.num_seconds())),
        queue.last_five_minutes.succeeded.to_string(),
        format!("{} ({slots} slots)", queue.workers.len()),
        if queue.paused.is_some() { "paused".to_owned() } else { String::new() },
    ]
}

fn bounded(count: Bounded) -> String {
    format!("{}{}", count.count, if count.at_least { "+" } else { "" })
}

fn json(queue: &QueueOverview) -> Value {
    let count = |count: Bounded| json!({"count": count.count, "atLeast": count.at_least});
    json!({
        "queue": queue.queue.name(),
        "available": count(queue.available),
        "scheduled": count(queue.scheduled),
        "running": count(queue.running),
        "discarded": count(queue.discarded),
        "oldestAgeSeconds": queue.oldest_age.map(|age| age.num_seconds()),
        "succeededLastFiveMinutes": queue.last_five_minutes.succeeded,
        "pausedAt": queue.paused.as_ref().map(|paused| paused.paused_at),
        "workers": queue.workers.iter().map(|worker| json!({
            "id": worker.id,
            "slots": worker.slots,
            "heartbeatAt": worker.heartbeat_at,
        })).collect::<Vec<_>>(),
    })
}
