//! The folders of a cluster, and the lock that makes one process their owner.
//!
//! `home` is the folder the caller names (`.local/`): lock, secrets, URLs. `data` holds what the servers write; it is
//! the same folder unless root starts servers that run as another user who cannot enter it, as below `/root`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::account::Account;
use crate::error::LocalError;
use crate::{fs, wait};

/// Where the data goes when the servers' user cannot enter `home`, in this order.
const FALLBACKS: [&str; 2] = ["/var/lib", "/var/tmp"];

/// How long a lock is tried for.
const PATIENCE: Duration = Duration::from_millis(300);

#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) home: PathBuf,
    pub(crate) data: PathBuf,
}

impl Layout {
    /// Creates what is missing. `home` may be relative.
    pub(crate) async fn prepare(home: &Path, account: Option<&Account>) -> Result<Self, LocalError> {
        std::fs::create_dir_all(home).map_err(LocalError::io("creating the folder", home))?;
        if account.is_some() {
            // root's umask, or whoever made it, may have closed it: the servers' user passes through, and reads nothing
            let found = std::fs::metadata(home).map_err(LocalError::io("reading", home))?;
            fs::set_mode(home, found.permissions().mode() | 0o011)?;
        }
        let home = home.canonicalize().map_err(LocalError::io("resolving", home))?;
        let data = match account {
            Some(account) if !account.can_enter(&home).await => fallback(&home, account).await?,
            _ => home.clone(),
        };
        let layout = Self { home, data };
        fs::folder(&layout.sockets(), 0o700, account)?;
        fs::folder(&layout.redis_data(), 0o700, account)?;
        Ok(layout)
    }

    pub(crate) fn postgres_data(&self) -> PathBuf {
        self.data.join("postgres")
    }

    pub(crate) fn postgres_log(&self) -> PathBuf {
        self.data.join("postgres.log")
    }

    pub(crate) fn redis_data(&self) -> PathBuf {
        self.data.join("redis")
    }

    pub(crate) fn redis_config(&self) -> PathBuf {
        self.data.join("redis").join("redis.conf")
    }

    pub(crate) fn redis_pid(&self) -> PathBuf {
        self.data.join("redis").join("redis.pid")
    }

    pub(crate) fn redis_log(&self) -> PathBuf {
        self.data.join("redis.log")
    }

    pub(crate) fn sockets(&self) -> PathBuf {
        self.data.join("run")
    }
}

/// A folder of root's that the servers' user can enter, with a name that tells whose data it is.
async fn fallback(home: &Path, account: &Account) -> Result<PathBuf, LocalError> {
    let name = format!("renewals{}", home.to_string_lossy().replace('/', "-"));
    for parent in FALLBACKS.map(Path::new) {
        let folder = parent.join(&name);
        let usable = fs::folder(&folder, 0o711, None).is_ok()
            // in a folder that anybody can write to, somebody else may have been first
            && std::fs::symlink_metadata(&folder).is_ok_and(|found| found.is_dir() && found.uid() == 0)
            && account.can_enter(&folder).await;
        if usable {
            tracing::warn!(
                home = %home.display(), data = %folder.display(), user = %account.name,
                "the servers' user cannot enter this folder: their data is kept elsewhere"
            );
            return Ok(folder);
        }
    }
    Err(LocalError::NoDataFolder { dir: home.to_owned(), account: account.name.clone(), tried: FALLBACKS.join(", ") })
}

/// Held while a process owns the folder; the system releases it with the process, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) async fn take(home: &Path) -> Result<Self, LocalError> {
        let path = home.join("lock");
        let mut file = open_lock(&path)?;
        // is_held() holds it for an instant: a second look tells that from an owner
        let outcome = wait::until(PATIENCE, async || match file.try_lock() {
            Err(TryLockError::WouldBlock) => None,
            other => Some(other),
        });
        match outcome.await {
            Some(Ok(())) => {}
            Some(Err(TryLockError::Error(error))) => return Err(LocalError::io("locking", &path)(error)),
            Some(Err(TryLockError::WouldBlock)) | None => {
                let mut owner = String::new();
                file.read_to_string(&mut owner).map_err(LocalError::io("reading", &path))?;
                return Err(LocalError::InUse { dir: home.to_owned(), owner: owner.trim().to_owned() });
            }
        }
        // for whoever is turned away
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()))
            .map_err(LocalError::io("writing", &path))?;
        Ok(Self { _file: file })
    }

    /// Whether a live process owns the folder.
    pub(crate) fn is_held(home: &Path) -> bool {
        let path = home.join("lock");
        let Ok(file) = File::open(&path) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

fn open_lock(path: &Path) -> Result<File, LocalError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(LocalError::io("opening", path))
}
