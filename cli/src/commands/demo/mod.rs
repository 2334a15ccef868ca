//! `renewals demo`: the main job from end to end, over HTTP, as a newcomer would do it.
//!
//! Writes a workbook of policies with messy rows, uploads it, runs a WhatsApp campaign over it, waits until every
//! message is final, and prints what came of it. Nothing is sent to anybody: it refuses a server whose WhatsApp channel
//! is not the sandbox.

mod account;
mod api;
mod book;
mod campaign;
mod upload;
mod workbook;

use crate::output::{self, Form};
use api::Api;
use chrono::NaiveDate;
use clap::Args;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use secrecy::SecretString;
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The API to try; without it the one that `renewals up` runs here.
    #[arg(long, env = "RENEWALS_URL", requires_all = ["email", "password"])]
    url: Option<String>,
    /// Who to be; without it a user made for the demo.
    #[arg(long, requires = "password")]
    email: Option<String>,
    /// Their password.
    #[arg(long, env = "RENEWALS_PASSWORD", hide_env_values = true)]
    password: Option<SecretString>,
    /// Rows of the workbook.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rows: u32,
    /// Where to write the workbook; without it among the data.
    #[arg(long, value_name = "FILE")]
    workbook: Option<PathBuf>,
}

pub async fn run(arguments: Arguments, data: &Path, form: Form) -> anyhow::Result<()> {
    let begun = Instant::now();
    let (url, email, password) = account::prepare(&arguments, data).await?;
    say(form, &format!("Signing in to {url} as {email}."));
    let api = Api::sign_in(&url, &email, &password).await?;

    let path = write_workbook(&arguments, data)?;
    say(form, &format!("Wrote {} rows, some of them faulty, to {}.", arguments.rows, path.display()));
    let uploaded = upload::run(&api, &path, form).await?;
    let campaign = campaign::run(&api, &uploaded, form).await?;
    let seconds = begun.elapsed().as_secs();
    let outcome = json!({
        "upload": uploaded.report,
        "campaign": campaign,
        "workbook": path,
        "seconds": seconds,
    });
    form.print(&outcome, |_| format!("\nDone in {seconds} s. The same in a browser: {url}/api/docs/"))
}

fn write_workbook(arguments: &Arguments, data: &Path) -> anyhow::Result<PathBuf> {
    let path = arguments.workbook.clone().unwrap_or_else(|| data.join("demo").join("policies.xlsx"));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut rng = StdRng::from_rng(&mut rand::rng());
    let today = today();
    // a book of its own each time: the same file twice is recognised
    let tag = format!("{}{:05}", today.format("%y%m"), rng.random_range(0..100_000));
    workbook::write(&path, today, book::Book::new(rng, today, tag, arguments.rows))?;
    Ok(path)
}

/// Where the sample office is.
fn today() -> NaiveDate {
    jobs::Clock::default().now().with_timezone(&chrono_tz::Asia::Kolkata).date_naive()
}

/// Tells how far it is, unless a program reads the output.
fn say(form: Form, text: &str) {
    if !form.json {
        output::say(text);
    }
}
