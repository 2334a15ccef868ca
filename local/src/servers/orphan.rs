//! Servers of an earlier run that was killed: stopped before ours start, so that two never share a folder.
//!
//! Called while holding the folder's lock, so no live process of ours owns what is found.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::LocalError;
use crate::{fs, wait};

/// After SIGKILL a process ends as soon as the kernel gets to it.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// Stops the process named in `pid_file` if it is a server on `folder`, and removes a pid file that names another.
pub(crate) async fn stop(
    server: &'static str,
    pid_file: &Path,
    folder: &Path,
    signal: Signal,
    timeout: Duration,
) -> Result<(), LocalError> {
    let Some(text) = fs::read(pid_file)? else { return Ok(()) };
    let pid = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok()).filter(|pid| *pid > 1);
    let Some(pid) = pid.filter(|pid| is_server_on(*pid, folder)) else {
        // after a restart of the machine or container the number may belong to anything
        return fs::remove(pid_file);
    };
    tracing::warn!(server, pid, "stopping the server of an earlier run that did not end in order");
    let gone = async || (!is_server_on(pid, folder)).then_some(());
    send(pid, Signal::SIGCONT);
    send(pid, signal);
    if wait::until(timeout, gone).await.is_none() {
        send(pid, Signal::SIGKILL);
        wait::until(KILL_TIMEOUT, gone).await.ok_or(LocalError::Orphan { server, pid })?;
    }
    fs::remove(pid_file)
}

fn send(pid: i32, signal: Signal) {
    // it may end at any moment; whether it did is looked at next
    let _gone = kill(Pid::from_raw(pid), signal);
}

/// Whether the process is alive and names `folder` on its command line, as both servers do when started by us.
/// An ended process that nobody has reaped has no command line.
fn is_server_on(pid: i32, folder: &Path) -> bool {
    let folder = folder.to_string_lossy();
    if cfg!(target_os = "linux") {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&*folder))
    } else {
        Command::new("ps")
            .args(["-ww", "-o", "command=", "-p", &pid.to_string()])
            .output()
            .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(&*folder))
    }
}
