//! The account the servers run under: ourselves, or `postgres` when we are root, which PostgreSQL refuses to be.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::error::LocalError;

/// Names of the system account of the PostgreSQL packages: Linux and Homebrew, then BSD and macOS.
const NAMES: [&str; 2] = ["postgres", "_postgres"];

/// An unprivileged account that root hands the servers to.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// `None` when we are not root: the servers then run as ourselves.
    pub(crate) fn for_servers() -> Result<Option<Self>, LocalError> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(None);
        }
        NAMES
            .iter()
            .find_map(|name| nix::unistd::User::from_name(name).ok().flatten())
            .map(|user| Some(Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
            .ok_or(LocalError::NoServerAccount)
    }

    /// Whether this account can enter `dir`. Asked by trying, so that access lists and mounts count too.
    pub(crate) async fn can_enter(&self, dir: &Path) -> bool {
        Command::new("/bin/sh")
            .args(["-c", r#"cd -- "$1""#, "sh"])
            .arg(dir)
            .uid(self.uid)
            .gid(self.gid)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await
            .is_ok_and(|status| status.success())
    }
}
