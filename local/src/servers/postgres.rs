//! The embedded PostgreSQL.

use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::NoTls;

use super::initdb::{self, SUPERUSER};
use super::orphan;
use super::process::Process;
use crate::account::Account;
use crate::endpoint::{Endpoint, POSTGRES_SOCKET_PORT, percent_encode};
use crate::error::LocalError;
use crate::install::PostgresBinaries;
use crate::layout::Layout;
use crate::options::{Durability, Options};

const NAME: &str = "PostgreSQL";
/// Below this, parallel queries run out of the default shared memory: containers get 64 MB.
const SMALL_SHARED_MEMORY_BYTES: u64 = 512 * 1024 * 1024;

/// A running PostgreSQL of our own.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    binaries: PostgresBinaries,
    layout: Layout,
    account: Option<Account>,
    endpoint: Endpoint,
    password: SecretString,
    options: Options,
}

impl Postgres {
    pub(crate) async fn start(
        layout: &Layout,
        account: Option<&Account>,
        password: SecretString,
        options: &Options,
    ) -> Result<Self, LocalError> {
        let data = layout.postgres_data();
        let written_by = initdb::written_by(&data)?;
        let binaries = PostgresBinaries::find(&data, written_by).await?;
        if written_by.is_none() {
            tracing::info!(data = %data.display(), version = %binaries.version, "preparing PostgreSQL for the first time");
            initdb::run(&binaries, &data, &password, options.durability, account).await?;
        }
        let server = Self {
            process: Process::new(NAME, layout.postgres_log(), Signal::SIGQUIT),
            binaries,
            layout: layout.clone(),
            account: account.cloned(),
            endpoint: Endpoint::choose(&layout.sockets())?,
            password,
            options: options.clone(),
        };
        server.launch().await?;
        server.create_database(&options.database).await?;
        Ok(server)
    }

    /// Stops what a killed run left behind. Before [`Self::start`].
    pub(crate) async fn clean_up(layout: &Layout, options: &Options) -> Result<(), LocalError> {
        let data = layout.postgres_data();
        orphan::stop(NAME, &data.join("postmaster.pid"), &data, Signal::SIGINT, options.stop_timeout).await
    }

    /// URL of a database of this server, for tokio-postgres, diesel-async and psql alike.
    pub fn url(&self, database: &str) -> String {
        match &self.endpoint {
            Endpoint::Sockets(folder) => format!(
                "postgres://{SUPERUSER}@/{database}?host={}&port={POSTGRES_SOCKET_PORT}",
                percent_encode(folder)
            ),
            Endpoint::Port(port) => {
                format!("postgres://{SUPERUSER}:{}@127.0.0.1:{port}/{database}", self.password.expose_secret())
            }
        }
    }

    /// Major version, such as 15.
    pub fn major_version(&self) -> u32 {
        self.binaries.version.major
    }

    /// Stops in order (open connections are ended) and starts again under the same URL.
    pub async fn restart(&self) -> Result<(), LocalError> {
        self.stop().await?;
        self.launch().await
    }

    /// Stops as a crash would (no checkpoint, connections cut) and starts again, with recovery.
    pub async fn crash_and_restart(&self) -> Result<(), LocalError> {
        self.process.stop(Signal::SIGQUIT, self.options.stop_timeout).await?;
        self.launch().await
    }

    /// Starts again after [`Self::stop`].
    pub async fn launch(&self) -> Result<(), LocalError> {
        let url = self.url("postgres");
        let ready = || accepts(url.clone());
        self.process.start(self.command(), self.account.as_ref(), self.options.start_timeout, ready).await
    }

    /// Fast shutdown: ends connections, writes a checkpoint.
    pub async fn stop(&self) -> Result<(), LocalError> {
        self.process.stop(Signal::SIGINT, self.options.stop_timeout).await.map(drop)
    }

    async fn create_database(&self, name: &str) -> Result<(), LocalError> {
        let action = format!("creating the database {name}");
        let refused = |source| LocalError::Postgres { action: action.clone(), source };
        let (client, connection) = tokio_postgres::connect(&self.url("postgres"), NoTls).await.map_err(refused)?;
        let connection = tokio::spawn(connection);
        let found =
            client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await.map_err(refused)?;
        if found.is_none() {
            client.batch_execute(&format!("CREATE DATABASE {}", quote_identifier(name))).await.map_err(refused)?;
        }
        drop(client);
        connection.abort();
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.binaries.program("postgres"));
        command.arg("-D").arg(self.layout.postgres_data());
        for (name, value) in self.settings() {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command
    }

    fn settings(&self) -> Vec<(String, String)> {
        let mut settings: Vec<(&str, String)> = match &self.endpoint {
            Endpoint::Sockets(folder) => vec![
                ("listen_addresses", String::new()),
                ("port", POSTGRES_SOCKET_PORT.to_string()),
                // a list: quoted, a comma in the path does not divide it
                ("unix_socket_directories", format!("\"{}\"", folder.display())),
            ],
            Endpoint::Port(port) => vec![
                ("listen_addresses", "127.0.0.1".to_owned()),
                ("port", port.to_string()),
                ("unix_socket_directories", String::new()),
            ],
        };
        let mut set = |name, value: &str| settings.push((name, value.to_owned()));
        set("max_connections", &self.options.max_connections.to_string());
        set("timezone", "UTC");
        set("log_timezone", "UTC");
        set("log_line_prefix", "%m [%p] %d ");
        // one machine, no replica: bulk loads into new tables need not go through the log twice
        set("wal_level", "minimal");
        set("max_wal_senders", "0");
        if has_small_shared_memory() {
            set("dynamic_shared_memory_type", "sysv");
        }
        match self.options.durability {
            Durability::Durable => {
                set("shared_buffers", "256MB");
                set("work_mem", "16MB");
                set("maintenance_work_mem", "128MB");
                set("max_wal_size", "2GB");
            }
            Durability::Disposable => {
                set("shared_buffers", "128MB");
                set("fsync", "off");
                set("synchronous_commit", "off");
                set("full_page_writes", "off");
                set("max_wal_size", "4GB");
                set("checkpoint_timeout", "1h");
            }
        }
        let chosen = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
        chosen.chain(self.options.postgres_settings.iter().cloned()).collect()
    }
}

/// Whether the server takes connections and answers.
async fn accepts(url: String) -> bool {
    const PATIENCE: Duration = Duration::from_secs(2);
    let ask = async {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        let connection = tokio::spawn(connection);
        let answer = client.simple_query("SELECT 1").await;
        connection.abort();
        answer
    };
    matches!(tokio::time::timeout(PATIENCE, ask).await, Ok(Ok(_)))
}

pub(crate) fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn has_small_shared_memory() -> bool {
    cfg!(target_os = "linux") && folder_bytes("/dev/shm").is_some_and(|size| size < SMALL_SHARED_MEMORY_BYTES)
}

#[cfg_attr(target_os = "linux", expect(clippy::useless_conversion, reason = "narrower on other systems"))]
fn folder_bytes(path: &str) -> Option<u64> {
    let found = nix::sys::statvfs::statvfs(path).ok()?;
    Some(u64::from(found.blocks()).saturating_mul(u64::from(found.fragment_size())))
}
