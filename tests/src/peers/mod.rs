//! Real servers that tests speak to, each in a folder of its own, on ports that are free, until dropped.
//!
//! Panics when a server is not installed or does not come up: `scripts/setup --for test` installs them. Several test
//! programs start theirs at once. A server's life hangs on a pipe that this process holds, so that it ends with the test
//! even when the test is killed.

pub mod dovecot;
pub mod postfix;

use std::{
    fs::Permissions,
    io::Read,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The certificate of all peers, for `localhost` and `127.0.0.1`: its own authority.
pub fn certificate() -> PathBuf {
    fixture("one.crt")
}

fn key() -> PathBuf {
    fixture("one.key")
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name)
}

/// How often a server is started anew when another program was faster to a port.
const ATTEMPTS: usize = 3;
/// How long a server may take to come up.
const START: Duration = Duration::from_secs(20);

/// A server that ends with this.
#[derive(Debug)]
struct Tied {
    shell: Child,
}

impl Tied {
    /// Starts a server that stays in the foreground.
    fn start(command: &str, log: &Path) -> Self {
        // the inner shell waits for the end of its input, which comes with the end of this process at the latest
        let script = format!(
            "exec 3<&0; {command} </dev/null >>{log} 2>&1 3<&- & server=$!; \
             (cat <&3 >/dev/null; kill -TERM $server) 2>/dev/null & exec 3<&- 0</dev/null; wait $server",
            log = log.display()
        );
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { shell: shell.spawn().expect("a shell") }
    }

    fn has_ended(&mut self) -> bool {
        self.shell.try_wait().expect("a state").is_some()
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ended = self.shell.wait();
    }
}

/// A folder that the servers' own users may enter.
fn folder(name: &str) -> TempDir {
    let folder = tempfile::Builder::new().prefix(name).tempdir_in("/tmp").expect("a folder");
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("permissions");
    folder
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Starts until it is up: `attempt` prepares a folder and ports, and says how to start and what to look for.
fn come_up<T>(name: &str, mut attempt: impl FnMut() -> (T, Tied, u16, PathBuf)) -> (T, Tied) {
    let mut said = String::new();
    for _ in 0..ATTEMPTS {
        let (server, mut process, port, log) = attempt();
        let end = Instant::now() + START;
        while Instant::now() < end && !process.has_ended() {
            if greets(port) {
                return (server, process);
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        said = std::fs::read_to_string(&log).unwrap_or_default();
    }
    panic!("{name} does not come up (scripts/setup --for test installs it): {said}");
}

/// Whether somebody listens there and says something.
fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    let mut first = [0];
    stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok() && stream.read(&mut first).is_ok_and(|read| read == 1)
}
