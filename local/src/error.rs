//! What can go wrong with the local servers. Every message names the thing at fault and what puts it right.

use std::path::PathBuf;
use std::time::Duration;

use crate::install::Requirement;

/// A fault of the local servers. None of them is retried here: the caller reports it and stops.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("{requirement} is not installed (looked in {looked_in}); install it with: {install}")]
    Missing { requirement: Requirement, looked_in: String, install: String },

    #[error("only {found} was found, but {requirement} is needed; install a newer one with: {install}")]
    TooOld { requirement: Requirement, found: String, install: String },

    #[error(
        "the data in {data} was written by PostgreSQL {written_by}, of which no binaries were found (found: {found}); \
         install PostgreSQL {written_by}, or move the folder away to start afresh"
    )]
    DataVersion { data: PathBuf, written_by: u32, found: String },

    #[error(
        "PostgreSQL does not run as root and there is no `postgres` user; create one with: useradd --system postgres"
    )]
    NoServerAccount,

    #[error("no folder for the servers' data: {dir} cannot be entered by user {account}, nor can {tried}")]
    NoDataFolder { dir: PathBuf, account: String, tried: String },

    #[error("{dir} is in use by the running process {owner}; stop it first, or use its servers")]
    InUse { dir: PathBuf, owner: String },

    #[error("no cluster is running in {dir}", dir = dir.display())]
    NoCluster { dir: PathBuf },

    #[error("preparing the PostgreSQL data folder failed: {output}")]
    Initdb { output: String },

    #[error("{server} stopped while starting ({status}); the end of {log}:\n{tail}", log = log.display())]
    StartFailed { server: &'static str, status: String, log: PathBuf, tail: String },

    #[error("{server} was not ready after {waited:?}; the end of {log}:\n{tail}", log = log.display())]
    NotReady { server: &'static str, waited: Duration, log: PathBuf, tail: String },

    #[error("{server} is not running")]
    NotRunning { server: &'static str },

    #[error("{server} process {pid} of an earlier run cannot be stopped")]
    Orphan { server: &'static str, pid: i32 },

    #[error("there is no embedded {server}: an external one is in use")]
    External { server: &'static str },

    #[error("{path} holds a line that is not NAME=value (line {line})", path = path.display())]
    SecretsFile { path: PathBuf, line: usize },

    #[error("{action} {path}", path = path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },

    #[error("signalling {server}")]
    Signal {
        server: &'static str,
        #[source]
        source: nix::Error,
    },

    #[error("the local PostgreSQL refused: {action}")]
    Postgres {
        action: String,
        #[source]
        source: tokio_postgres::Error,
    },

    #[error("the local Redis refused: {action}")]
    Redis {
        action: &'static str,
        #[source]
        source: redis::RedisError,
    },

    #[error("preparing the template database {name}")]
    Template {
        name: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl LocalError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
