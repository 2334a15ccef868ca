//! The embedded Redis (or Valkey).

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use secrecy::{ExposeSecret, SecretString};

use super::orphan;
use super::process::Process;
use crate::account::Account;
use crate::endpoint::{Endpoint, percent_encode};
use crate::error::LocalError;
use crate::fs;
use crate::install::RedisBinary;
use crate::layout::Layout;
use crate::options::{Durability, Options};

const NAME: &str = "Redis";
const SOCKET: &str = "redis.sock";

/// A running Redis of our own.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    binary: RedisBinary,
    layout: Layout,
    account: Option<Account>,
    endpoint: Endpoint,
    password: SecretString,
    options: Options,
}

impl Redis {
    pub(crate) async fn start(
        layout: &Layout,
        account: Option<&Account>,
        password: SecretString,
        options: &Options,
    ) -> Result<Self, LocalError> {
        let binary = RedisBinary::find().await?;
        tracing::debug!(program = %binary.program.display(), version = %binary.version, "starting Redis");
        let server = Self {
            process: Process::new(NAME, layout.redis_log(), Signal::SIGKILL),
            binary,
            layout: layout.clone(),
            account: account.cloned(),
            endpoint: Endpoint::choose(&layout.sockets())?,
            password,
            options: options.clone(),
        };
        fs::write_private(&layout.redis_config(), &server.config(), account)?;
        server.launch().await?;
        Ok(server)
    }

    /// Stops what a killed run left behind. Before [`Self::start`].
    pub(crate) async fn clean_up(layout: &Layout, options: &Options) -> Result<(), LocalError> {
        orphan::stop(NAME, &layout.redis_pid(), &layout.redis_data(), Signal::SIGTERM, options.stop_timeout).await
    }

    /// URL of a numbered database of this server, for redis-rs.
    pub fn url(&self, database: u32) -> String {
        match &self.endpoint {
            Endpoint::Sockets(folder) => {
                format!("redis+unix://{}?db={database}", percent_encode(&folder.join(SOCKET)).replace("%2F", "/"))
            }
            Endpoint::Port(port) => {
                format!("redis://:{}@127.0.0.1:{port}/{database}", self.password.expose_secret())
            }
        }
    }

    /// Stops in order, which writes everything down, and starts again with its data.
    pub async fn restart_with_data(&self) -> Result<(), LocalError> {
        self.stop().await?;
        self.launch().await
    }

    /// Kills, removes what was on disk, and starts again empty.
    pub async fn restart_without_data(&self) -> Result<(), LocalError> {
        self.process.kill();
        let folder = self.layout.redis_data();
        fs::remove_folder(&folder)?;
        fs::folder(&folder, 0o700, self.account.as_ref())?;
        fs::write_private(&self.layout.redis_config(), &self.config(), self.account.as_ref())?;
        self.launch().await
    }

    /// Stops the process where it stands: connections stay open and silent. Undone by [`Self::thaw`].
    pub fn freeze(&self) -> Result<(), LocalError> {
        self.process.signal(Signal::SIGSTOP)
    }

    pub fn thaw(&self) -> Result<(), LocalError> {
        self.process.signal(Signal::SIGCONT)
    }

    /// Starts again after [`Self::stop`].
    pub async fn launch(&self) -> Result<(), LocalError> {
        // a killed server leaves its socket, which nobody listens on
        if let Endpoint::Sockets(folder) = &self.endpoint {
            fs::remove(&folder.join(SOCKET))?;
        }
        let mut command = Command::new(&self.binary.program);
        command.arg(self.layout.redis_config());
        let url = self.url(0);
        let ready = || answers(url.clone());
        self.process.start(command, self.account.as_ref(), self.options.start_timeout, ready).await
    }

    /// Writes everything down and stops.
    pub async fn stop(&self) -> Result<(), LocalError> {
        self.process.stop(Signal::SIGTERM, self.options.stop_timeout).await.map(drop)
    }

    fn config(&self) -> String {
        let mut lines = vec![
            format!("dir {}", quote(&self.layout.redis_data())),
            format!("pidfile {}", quote(&self.layout.redis_pid())),
            // an earlier run's server is recognised by the path
            "proc-title-template \"{title} {config-file}\"".to_owned(),
            "daemonize no".to_owned(),
            format!("databases {}", self.options.redis_databases),
            // the queue must refuse what it cannot hold, not forget what it holds
            "maxmemory-policy noeviction".to_owned(),
            "appendonly yes".to_owned(),
            "save \"\"".to_owned(),
        ];
        lines.push(match self.options.durability {
            Durability::Durable => "appendfsync everysec".to_owned(),
            Durability::Disposable => "appendfsync no".to_owned(),
        });
        match &self.endpoint {
            Endpoint::Sockets(folder) => {
                lines.push("port 0".to_owned());
                lines.push(format!("unixsocket {}", quote(&folder.join(SOCKET))));
                lines.push("unixsocketperm 700".to_owned());
            }
            Endpoint::Port(port) => {
                lines.push("bind 127.0.0.1".to_owned());
                lines.push(format!("port {port}"));
                lines.push(format!("requirepass {}", self.password.expose_secret()));
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// A path as a quoted argument of Redis's configuration.
fn quote(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\""))
}

/// Whether the server answers, with its data loaded.
async fn answers(url: String) -> bool {
    const PATIENCE: Duration = Duration::from_secs(2);
    let ask = async {
        let client = redis::Client::open(url)?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").query_async::<String>(&mut connection).await
    };
    matches!(tokio::time::timeout(PATIENCE, ask).await, Ok(Ok(_)))
}
