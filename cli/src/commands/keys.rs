//! `renewals keys`: what secrets at rest are sealed with, and sealing them anew.

use crate::{
    ground::Ground,
    output::{self, Form},
};
use anyhow::Context;
use clap::{Args, Subcommand};
use jobs::{NewJob, Services, kinds::reseal_secrets::ResealSecrets};
use schema::{
    AsyncConnection, DbError,
    audit::{self, Actor, Entity},
    sealed::{self, KeyUse},
};
use serde_json::{Value, json};
use std::path::Path;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the keys that are in use, and how many secrets each sealed.
    List,
    /// Have all secrets sealed anew with the first key of SEALING_KEYS, by a job.
    ///
    /// Put the new key first and keep the old ones behind it; when `renewals keys list` shows that an old one seals
    /// nothing any more, it can go.
    Rotate,
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
        Action::Rotate => rotate(&services, form).await,
    }
}

async fn list(services: &Services, form: Form) -> anyhow::Result<()> {
    let uses = sealed::uses(&mut *services.db.get().await?).await.context("counting sealed secrets")?;
    let ring = &services.security.key_ring;
    let listed: Vec<Value> = ring
        .ids()
        .map(|id| json!({"key": id, "secrets": texts(&uses, id), "seals": id == ring.current(), "configured": true}))
        .chain(
            unknown(services, &uses)
                .map(|used| json!({"key": used.key, "secrets": used.texts, "seals": false, "configured": false})),
        )
        .collect();
    form.print(&listed, |listed| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let note = |key: &Value| match (key["seals"] == true, key["configured"] == true) {
            (true, _) => "seals",
            (false, true) => "opens",
            (false, false) => "not configured: these secrets cannot be read",
        };
        let rows = listed.iter().map(|key| [text(&key["key"]), text(&key["secrets"]), note(key).to_owned()]);
        output::table(["KEY", "SECRETS", ""], &rows.collect::<Vec<_>>())
    })
}

async fn rotate(services: &Services, form: Form) -> anyhow::Result<()> {
    let current = services.security.key_ring.current();
    let uses = sealed::uses(&mut *services.db.get().await?).await.context("counting sealed secrets")?;
    let remaining: i64 = uses.iter().filter(|used| used.key != current).map(|used| used.texts).sum();
    if remaining == 0 {
        return form.print(&json!({"key": current, "remaining": 0, "jobId": null}), |_| {
            format!("every secret is sealed with the key {current} already")
        });
    }
    let job = enqueue(services, current).await?;
    form.print(&json!({"key": current, "remaining": remaining, "jobId": job}), |_| {
        format!("{remaining} secrets remain to be sealed with the key {current}; job {job} does it")
    })
}

async fn enqueue(services: &Services, current: &str) -> anyhow::Result<uuid::Uuid> {
    let job = NewJob::of(&ResealSecrets {})?;
    let mut connection = services.db.get().await?;
    let enqueued = connection
        .transaction::<_, DbError, _>(async |connection| {
            let now = services.clock.now();
            let enqueued = jobs::queue::ledger::enqueue(connection, now, &[job]).await?;
            let entry = Actor::default().entry("sealing_key.rotated", Entity::named("sealing_key", current));
            audit::record(connection, &[entry]).await?;
            Ok(enqueued)
        })
        .await
        .context("enqueueing")?;
    drop(connection);
    services.dispatcher.push(&enqueued).await;
    enqueued.first().map(|job| job.id).context("nothing was enqueued")
}

fn texts(uses: &[KeyUse], id: &str) -> i64 {
    uses.iter().find(|used| used.key == id).map_or(0, |used| used.texts)
}

fn unknown<'u>(services: &Services, uses: &'u [KeyUse]) -> impl Iterator<Item = &'u KeyUse> {
    let known: Vec<String> = services.security.key_ring.ids().map(str::to_owned).collect();
    uses.iter().filter(move |used| !known.contains(&used.key))
}
