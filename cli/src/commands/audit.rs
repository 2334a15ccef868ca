//! `renewals audit`: whether anything was done to the audit log past the program.

use crate::{
    ground::Ground,
    output::{self, Form},
};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use schema::audit::{self, Verified};
use std::path::Path;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Compute every hash of the log's chains anew, and tell what was changed, removed or put in.
    ///
    /// Ends with exit code 1 if anything was. The heads it shows can be noted elsewhere: a chain that is longer later on
    /// and does not lead through them was made anew.
    Verify,
}

pub async fn run(arguments: Arguments, data: &Path, form: Form) -> anyhow::Result<()> {
    let ground = Ground::shared(data).await?;
    let outcome = match arguments.action {
        Action::Verify => verify(&ground, form).await,
    };
    ground.stop().await?;
    outcome
}

async fn verify(ground: &Ground, form: Form) -> anyhow::Result<()> {
    let db = ground.database().await?;
    let found = audit::verify(&mut *db.get().await?).await.context("reading the audit log")?;
    form.print(&found, told)?;
    match found.faults.len() {
        0 => Ok(()),
        faults => bail!("the audit log was changed past the program: {faults}{} faults", more(&found)),
    }
}

fn more(found: &Verified) -> &'static str {
    if found.more { " or more" } else { "" }
}

fn told(found: &Verified) -> String {
    let heads = found.heads.iter().map(|head| [head.chain.to_string(), head.seq.to_string(), head.hash.clone()]);
    let heads = output::table(["CHAIN", "ENTRIES", "HEAD"], &heads.collect::<Vec<_>>());
    let mut lines = vec![heads, String::new()];
    lines.extend(found.faults.iter().map(|fault| format!("FAULT: {fault}")));
    lines.push(match found.faults.is_empty() {
        true => format!("{} entries are as they were written", found.links),
        false => format!("{} entries looked at, {}{} faults", found.links, found.faults.len(), more(found)),
    });
    lines.join("\n")
}
