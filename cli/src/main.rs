//! `renewals`: the whole platform in one process, and the tools to look after it.
//!
//! Results go to standard output, logs and errors to standard error; every failure ends with exit code 1 and says what
//! would put it right.

mod commands;
mod ground;
mod output;

use clap::{Parser, Subcommand};
use commands::{audit, demo, job, keys, migrate, queue, seed, up, user};
use std::{path::PathBuf, process::ExitCode};

/// Intelipro Renewals: policy renewals from an Excel sheet to delivered messages.
///
/// Configured by environment variables, or a .env file in the working directory. Without DATABASE_URL and REDIS_URL a
/// PostgreSQL and a Redis of its own are used, with their data under --data.
#[derive(Debug, Parser)]
#[command(name = "renewals", version, max_term_width = 100)]
struct Arguments {
    /// Where the embedded servers keep their data, and files, secrets and addresses are kept.
    #[arg(long, global = true, value_name = "FOLDER", default_value = ".local")]
    data: PathBuf,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything in one process: API, workers for all queues and scheduler.
    ///
    /// Ctrl-C or SIGTERM stops it in order, within a minute at worst; a second one stops it at once.
    Up(up::Arguments),
    /// Bring the database's tables up to date, or back.
    Migrate(migrate::Arguments),
    /// Load the initial data: roles, an administrator, sample templates.
    Seed(seed::Arguments),
    /// Try the main job from end to end on the sandbox: a workbook uploaded, a campaign sent.
    Demo(demo::Arguments),
    /// Look after the queues.
    Queue(queue::Arguments),
    /// Look after jobs.
    Job(job::Arguments),
    /// Check that nothing was done to the audit log past the program.
    Audit(audit::Arguments),
    /// Look after the keys that secrets at rest are sealed with.
    Keys(keys::Arguments),
    /// Look after users: add, list, suspend, unlock, reset passwords and second factors.
    User(user::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", output::causes(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider was installed twice"))?;
    let form = output::Form { json: arguments.json };
    let data = arguments.data.as_path();
    match arguments.command {
        Command::Up(arguments) => up::run(arguments, data).await,
        Command::Migrate(arguments) => migrate::run(arguments, data, form).await,
        Command::Seed(arguments) => seed::run(arguments, data, form).await,
        Command::Demo(arguments) => demo::run(arguments, data, form).await,
        Command::Queue(arguments) => queue::run(arguments, data, form).await,
        Command::Job(arguments) => job::run(arguments, data, form).await,
        Command::Audit(arguments) => audit::run(arguments, data, form).await,
        Command::Keys(arguments) => keys::run(arguments, data, form).await,
        Command::User(arguments) => user::run(arguments, data, form).await,
    }
}
