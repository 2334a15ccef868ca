//! The PostgreSQL data folder: made once, under another name until it is whole, so that an interrupted first start
//! leaves nothing half-made.

use std::path::Path;
use std::process::Stdio;

use secrecy::{ExposeSecret, SecretString};
use tokio::process::Command;

use crate::account::Account;
use crate::error::LocalError;
use crate::fs;
use crate::install::PostgresBinaries;
use crate::options::Durability;

pub(crate) const SUPERUSER: &str = "renewals";

/// The major version that wrote the data folder; `None` when there is none yet.
pub(crate) fn written_by(data: &Path) -> Result<Option<u32>, LocalError> {
    // "13", "15", …; 9.x is older than anything we run
    Ok(fs::read(&data.join("PG_VERSION"))?.map(|text| text.trim().split('.').next().unwrap_or("").parse().unwrap_or(0)))
}

pub(crate) async fn run(
    binaries: &PostgresBinaries,
    data: &Path,
    password: &SecretString,
    durability: Durability,
    account: Option<&Account>,
) -> Result<(), LocalError> {
    let unfinished = data.with_extension("unfinished");
    fs::remove_folder(&unfinished)?;
    fs::folder(&unfinished, 0o700, account)?;
    let password_file = data.with_extension("password");
    fs::write_private(&password_file, &format!("{}\n", password.expose_secret()), account)?;

    let outcome = attempt(binaries, &unfinished, &password_file, durability, account).await;
    fs::remove(&password_file)?;
    outcome?;
    std::fs::rename(&unfinished, data).map_err(LocalError::io("renaming to", data))
}

async fn attempt(
    binaries: &PostgresBinaries,
    folder: &Path,
    password_file: &Path,
    durability: Durability,
    account: Option<&Account>,
) -> Result<(), LocalError> {
    // the collation of every other machine: C orders by code point and does not change with the system's libraries,
    // UTF-8 lets upper() and lower() know letters beyond ASCII
    let mut output = initdb(binaries, folder, password_file, durability, account, "C.UTF-8").await?;
    if !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("invalid locale") {
        output = initdb(binaries, folder, password_file, durability, account, "C").await?;
    }
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(LocalError::Initdb { output: said })
}

async fn initdb(
    binaries: &PostgresBinaries,
    folder: &Path,
    password_file: &Path,
    durability: Durability,
    account: Option<&Account>,
    locale: &str,
) -> Result<std::process::Output, LocalError> {
    let program = binaries.program("initdb");
    let mut command = Command::new(&program);
    command
        .arg("--pgdata")
        .arg(folder)
        .arg("--pwfile")
        .arg(password_file)
        .args(["--username", SUPERUSER, "--encoding", "UTF8", "--locale", locale])
        // the sockets' folder lets in only the servers' account and root
        .args(["--auth-local", "trust", "--auth-host", "scram-sha-256"])
        .current_dir("/")
        .process_group(0)
        .kill_on_drop(true)
        .stdin(Stdio::null());
    if durability == Durability::Disposable {
        command.arg("--no-sync");
    }
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command.output().await.map_err(LocalError::io("running", program))
}
