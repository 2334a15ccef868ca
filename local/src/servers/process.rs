//! One server process: started in a process group of its own, so that Ctrl-C on the terminal reaches only us and we
//! stop the servers in order; signalled, and waited for with a deadline.
//!
//! `std::process` and not tokio's: a server outlives the runtime of the test that happened to start it.

use std::future::Future;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::account::Account;
use crate::error::LocalError;
use crate::{fs, wait};

#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) server: &'static str,
    pub(crate) log: PathBuf,
    child: Mutex<Option<Child>>,
    /// Sent when it is dropped while running: ends it at once, leaving nothing behind.
    last_signal: Signal,
}

impl Process {
    pub(crate) fn new(server: &'static str, log: PathBuf, last_signal: Signal) -> Self {
        Self { server, log, child: Mutex::new(None), last_signal }
    }

    /// Starts `command` and waits until `ready` says so.
    pub(crate) async fn start<F, Fut>(
        &self,
        mut command: Command,
        account: Option<&Account>,
        timeout: Duration,
        mut ready: F,
    ) -> Result<(), LocalError>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = bool>,
    {
        let (log, logged) = fs::open_log(&self.log)?;
        let stdout = log.try_clone().map_err(LocalError::io("opening the log", &self.log))?;
        let program = PathBuf::from(command.get_program());
        command.stdin(Stdio::null()).stdout(stdout).stderr(log).process_group(0).current_dir("/");
        if let Some(account) = account {
            command.uid(account.uid).gid(account.gid);
        }
        let child = command.spawn().map_err(LocalError::io("running", program))?;
        *self.child() = Some(child);

        let began = Instant::now();
        let outcome = wait::until(timeout, || {
            let exited = self.exited();
            let answer = ready();
            async move {
                match exited {
                    Some(status) => Some(Err(status)),
                    None => answer.await.then_some(Ok(())),
                }
            }
        });
        match outcome.await {
            Some(Ok(())) => Ok(()),
            Some(Err(status)) => Err(LocalError::StartFailed {
                server: self.server,
                status: status.to_string(),
                log: self.log.clone(),
                tail: fs::log_tail(&self.log, logged),
            }),
            None => {
                self.kill();
                Err(LocalError::NotReady {
                    server: self.server,
                    waited: began.elapsed(),
                    log: self.log.clone(),
                    tail: fs::log_tail(&self.log, logged),
                })
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<(), LocalError> {
        // the lock keeps the process from being reaped, and its id from being given to another, meanwhile
        match &*self.child() {
            Some(child) => {
                kill(pid(child), signal).map_err(|source| LocalError::Signal { server: self.server, source })
            }
            None => Err(LocalError::NotRunning { server: self.server }),
        }
    }

    /// Sends `signal` and waits for the end; after `timeout`, kills. True when it ended by itself.
    pub(crate) async fn stop(&self, signal: Signal, timeout: Duration) -> Result<bool, LocalError> {
        if self.exited().is_some() || self.child().is_none() {
            return Ok(true);
        }
        // a stopped process takes no other signal
        self.signal(Signal::SIGCONT)?;
        self.signal(signal)?;
        if wait::until(timeout, async || self.exited()).await.is_some() {
            return Ok(true);
        }
        tracing::warn!(server = self.server, ?timeout, "the server did not stop in time and is killed");
        self.kill();
        Ok(false)
    }

    /// Kills and reaps at once.
    pub(crate) fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            // both fail only when it has ended already
            let _ended = child.kill().and_then(|()| child.wait());
        }
    }

    /// The status once the process has ended; it is then forgotten.
    fn exited(&self) -> Option<ExitStatus> {
        let mut child = self.child();
        let status = child.as_mut()?.try_wait().ok().flatten()?;
        *child = None;
        Some(status)
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pid(child: &Child) -> Pid {
    // process ids are positive i32 on every UNIX
    Pid::from_raw(child.id().cast_signed())
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child().take() {
            let signalled = kill(pid(&child), Signal::SIGCONT).and_then(|()| kill(pid(&child), self.last_signal));
            // PostgreSQL bounds its immediate shutdown itself, at five seconds
            let _ended = if signalled.is_ok() { child.wait() } else { child.kill().and_then(|()| child.wait()) };
        }
    }
}
