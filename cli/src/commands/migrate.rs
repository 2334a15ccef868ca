//! `renewals migrate`: the database's tables, up to date or back.

use crate::{ground::Ground, output, output::Form};
use clap::{Args, Subcommand};
use schema::migrate::{self, Step};
use secrecy::ExposeSecret;
use serde_json::json;
use std::path::Path;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Apply every migration that is pending.
    Up,
    /// Revert the newest migration. What its tables hold is lost.
    Down(Consent),
    /// Revert the newest migration and apply it again. What its tables hold is lost.
    Redo {
        /// Revert and apply all of them: everything is lost.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        consent: Consent,
    },
    /// Show which migrations the database has.
    Status,
}

#[derive(Debug, Args)]
struct Consent {
    /// Yes, lose what these tables hold.
    #[arg(long)]
    yes: bool,
}

pub async fn run(arguments: Arguments, data: &Path, form: Form) -> anyhow::Result<()> {
    let step = match arguments.action {
        Action::Up => Some(Step::Up),
        Action::Down(Consent { yes }) | Action::Redo { consent: Consent { yes }, .. } if !yes => {
            anyhow::bail!("this deletes tables with all they hold; add --yes if that is what you want")
        }
        Action::Down(_) => Some(Step::Down),
        Action::Redo { all: false, .. } => Some(Step::Redo),
        Action::Redo { all: true, .. } => Some(Step::RedoAll),
        Action::Status => None,
    };
    let ground = Ground::shared(data).await?;
    let outcome = act(&ground, step, form).await;
    ground.stop().await?;
    outcome
}

async fn act(ground: &Ground, step: Option<Step>, form: Form) -> anyhow::Result<()> {
    let url = ground.database_url()?;
    let Some(step) = step else {
        let known = migrate::status(url.expose_secret()).await?;
        let rows: Vec<_> = known
            .iter()
            .map(|known| [known.name.clone(), if known.applied { "applied" } else { "pending" }.to_owned()])
            .collect();
        let listed: Vec<_> = known.iter().map(|known| json!({"name": known.name, "applied": known.applied})).collect();
        return form.print(&listed, |_| output::table(["MIGRATION", "STATE"], &rows));
    };
    let touched = migrate::run(url.expose_secret(), step).await?;
    form.print(&touched, |touched| match touched.len() {
        0 => "nothing to do: the database is up to date".to_owned(),
        count => format!("{count} done: {}", touched.join(", ")),
    })
}
