//! Stops the servers when our process ends without doing so: killed, crashed, or a test binary that simply exits.
//!
//! A small shell waits for the end of its input, whose other end only we hold: it learns of our end however it comes,
//! with no polling. Told "done", it leaves the servers alone.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::error::LocalError;
use crate::layout::Layout;
use crate::options::Durability;

/// Arguments: signal for PostgreSQL, signal for Redis, their pid files, and a folder to remove at the end, or "".
const SCRIPT: &str = r#"
trap '' HUP INT TERM
read -r word && [ "$word" = done ] && exit 0
postgres=$(head -n 1 "$3" 2>/dev/null)
redis=$(head -n 1 "$4" 2>/dev/null)
[ -n "$redis" ] && kill -CONT "$redis" 2>/dev/null && kill -"$2" "$redis" 2>/dev/null
[ -n "$postgres" ] && kill -CONT "$postgres" 2>/dev/null && kill -"$1" "$postgres" 2>/dev/null
left=30
while [ "$left" -gt 0 ]; do
  alive=
  for pid in $postgres $redis; do kill -0 "$pid" 2>/dev/null && alive=1; done
  [ -z "$alive" ] && break
  left=$((left - 1))
  sleep 1
done
for pid in $postgres $redis; do kill -KILL "$pid" 2>/dev/null; done
[ -n "$5" ] && rm -rf -- "$5"
exit 0
"#;

#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
    input: Option<ChildStdin>,
}

impl Watchdog {
    /// `remove`: a temporary folder that goes with the servers.
    pub(crate) fn start(layout: &Layout, durability: Durability, remove: Option<&Path>) -> Result<Self, LocalError> {
        let (postgres, redis) = match durability {
            Durability::Durable => ("INT", "TERM"),
            Durability::Disposable => ("QUIT", "KILL"),
        };
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "renewals-watchdog", postgres, redis])
            .arg(layout.postgres_data().join("postmaster.pid"))
            .arg(layout.redis_pid())
            .arg(remove.unwrap_or(Path::new("")))
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(LocalError::io("running", "/bin/sh"))?;
        let input = shell.stdin.take();
        Ok(Self { shell, input })
    }
}

impl Drop for Watchdog {
    /// The servers have stopped: nothing is left to do.
    fn drop(&mut self) {
        if let Some(mut input) = self.input.take() {
            // fails only when the shell is gone, which is what is wanted
            let _told = input.write_all(b"done\n");
        }
        let _ended = self.shell.wait();
    }
}
