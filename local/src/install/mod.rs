//! What is installed on this machine: server binaries, their versions, and what to install when they are missing.

mod platform;
mod postgres;
mod redis;
mod version;

use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

pub(crate) use platform::Platform;
pub(crate) use postgres::PostgresBinaries;
pub(crate) use redis::RedisBinary;
pub(crate) use version::Version;

/// A server this product needs, with its oldest version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    Postgres,
    Redis,
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL 13 or newer",
            Self::Redis => "Redis 6.2 or newer (or Valkey)",
        })
    }
}

/// The folders of `PATH`.
#[expect(clippy::disallowed_methods, reason = "PATH says where programs are; it is no configuration of ours")]
fn path_folders() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// `parent/*/suffix` for every folder in `parent` whose name starts with `prefix`.
fn subfolders(parent: &str, prefix: &str, suffix: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(parent) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| if suffix.is_empty() { entry.path() } else { entry.path().join(suffix) })
        .collect()
}

/// What a program says to `--version`; `None` when it cannot be run.
async fn ask_version(program: PathBuf) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().await.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}
