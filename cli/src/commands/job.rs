//! `renewals job`: jobs listed, looked at, cancelled and tried again.

use super::queue::queue_of;
use crate::{
    ground::Ground,
    output::{self, Form},
};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jobs::{
    Services,
    queue::{
        admin::{self, Cancelled, JobFilter, JobRow, JobState, Retried},
        job::Queue,
    },
};
use schema::audit::Actor;
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List jobs, newest first.
    List(Which),
    /// Show one job with its payload, result and error.
    Show { id: Uuid },
    /// Stop a job: at once if it waits, within a second or two if it runs.
    Cancel { id: Uuid },
    /// Start a job anew that was given up or cancelled.
    Retry { id: Uuid },
}

#[derive(Debug, Args)]
struct Which {
    /// Only of this kind.
    #[arg(long)]
    kind: Option<String>,
    /// Only of this queue.
    #[arg(long, value_parser = queue_of)]
    queue: Option<Queue>,
    /// Only in this state.
    #[arg(long, value_parser = state_of)]
    state: Option<JobState>,
    /// Only children of this job.
    #[arg(long)]
    parent: Option<Uuid>,
    /// How many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

fn state_of(name: &str) -> Result<JobState, String> {
    let names = JobState::ALL.map(JobState::name).join(", ");
    JobState::from_name(name).ok_or_else(|| format!("expected one of {names}"))
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
        Action::List(which) => list(&services, which, form).await,
        Action::Show { id } => {
            let job = admin::get(&services, id).await?.with_context(|| format!("there is no job {id}"))?;
            form.print(&json(&job), show)
        }
        Action::Cancel { id } => {
            let text = match admin::cancel(&services, id, &Actor::default()).await? {
                Cancelled::Now { .. } => "cancelled",
                Cancelled::Requested => "asked to stop",
                Cancelled::TooLate(state) => bail!("{id} is {} already", state.name()),
                Cancelled::Unknown => bail!("there is no job {id}"),
            };
            form.print(&json!({"id": id, "outcome": text}), |_| format!("{id} {text}"))
        }
        Action::Retry { id } => {
            let text = match admin::retry(&services, id, &Actor::default()).await? {
                Retried::Ready(_) => "starts anew",
                Retried::Waiting => "waits for its parent again",
                Retried::NotEnded(state) => {
                    bail!("{id} is {}; only discarded and cancelled jobs can be retried", state.name())
                }
                Retried::Replaced => bail!("another job that does the same is alive, so {id} cannot be retried"),
                Retried::Unknown => bail!("there is no job {id}"),
            };
            form.print(&json!({"id": id, "outcome": text}), |_| format!("{id} {text}"))
        }
    }
}

async fn list(services: &Services, which: Which, form: Form) -> anyhow::Result<()> {
    let filter = JobFilter {
        kind: which.kind,
        queue: which.queue.map(|queue| queue.name().to_owned()),
        state: which.state,
        parent: which.parent,
        ..JobFilter::default()
    };
    let page = admin::page(services, &filter, 1, which.limit).await?;
    let more = if page.total.at_least { "+" } else { "" };
    let listed = json!({"jobs": page.jobs.iter().map(json).collect::<Vec<_>>(), "total": page.total.count});
    form.print(&listed, |_| {
        let rows: Vec<_> = page.jobs.iter().map(row).collect();
        let table = output::table(["ID", "KIND", "STATE", "ATTEMPT", "PROGRESS", "CREATED", "ERROR"], &rows);
        format!("{table}\n{} of {}{more}", page.jobs.len(), page.total.count)
    })
}

fn row(job: &JobRow) -> [String; 7] {
    let progress = match job.progress_total {
        Some(total) => format!("{}/{total}", job.progress_done),
        None if job.progress_done > 0 => job.progress_done.to_string(),
        None => "-".to_owned(),
    };
    let error = job.error.as_deref().and_then(|error| error.lines().next()).unwrap_or_default();
    [
        job.id.to_string(),
        job.kind.clone(),
        job.state.name().to_owned(),
        format!("{}/{}", job.attempt, job.max_attempts),
        progress,
        job.created_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        error.chars().take(60).collect(),
    ]
}

fn json(job: &JobRow) -> Value {
    json!({
        "id": job.id,
        "kind": job.kind,
        "queue": job.queue,
        "priority": job.priority,
        "state": job.state.name(),
        "runAt": job.run_at,
        "attempt": job.attempt,
        "maxAttempts": job.max_attempts,
        "snoozes": job.snoozes,
        "worker": job.worker,
        "uniqueKey": job.unique_key,
        "parentId": job.parent_id,
        "waitsFor": job.waits_for,
        "childrenLeft": job.children_left,
        "createdBy": job.created_by,
        "cancelRequested": job.cancel_requested,
        "progress": {"done": job.progress_done, "total": job.progress_total, "note": job.progress_note},
        "payload": job.payload,
        "result": job.result,
        "error": job.error,
        "createdAt": job.created_at,
        "startedAt": job.started_at,
        "finishedAt": job.finished_at,
    })
}

/// Every field that says something, one a line.
fn show(job: &Value) -> String {
    let fields = job.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    fields.map(|(name, value)| format!("{name:16}{}", text(value))).collect::<Vec<_>>().join("\n")
}
