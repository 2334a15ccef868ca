//! Files and folders with the owner and mode they need from the moment they exist.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::error::LocalError;

/// Logs are rotated at a start when they have grown past this.
const LOG_LIMIT_BYTES: u64 = 8 * 1024 * 1024;

/// Creates `path` (not its parents) with `mode` unless it is there, and gives it to `owner`.
pub(crate) fn folder(path: &Path, mode: u32, owner: Option<&Account>) -> Result<(), LocalError> {
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
        Err(error) => return Err(LocalError::io("creating the folder", path)(error)),
    }
    give(path, owner)
}

/// Gives `path` to `owner`; nothing to do when servers run as ourselves.
pub(crate) fn give(path: &Path, owner: Option<&Account>) -> Result<(), LocalError> {
    match owner {
        Some(owner) => {
            chown(path, Some(owner.uid), Some(owner.gid)).map_err(LocalError::io("changing the owner of", path))
        }
        None => Ok(()),
    }
}

/// Replaces `path` as a whole (a reader sees the old or the new text) with mode 0600.
pub(crate) fn write_private(path: &Path, text: &str, owner: Option<&Account>) -> Result<(), LocalError> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    remove(&unfinished)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(LocalError::io("creating", &unfinished))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(LocalError::io("writing", &unfinished))?;
    give(&unfinished, owner)?;
    std::fs::rename(&unfinished, path).map_err(LocalError::io("replacing", path))
}

/// Reads a small text file; `None` when it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<String>, LocalError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LocalError::io("reading", path)(error)),
    }
}

/// Removes a file; it may be gone already.
pub(crate) fn remove(path: &Path) -> Result<(), LocalError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(LocalError::io("removing", path)(error)),
    }
}

/// Removes a folder and what it holds; it may be gone already.
pub(crate) fn remove_folder(path: &Path) -> Result<(), LocalError> {
    match std::fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(LocalError::io("removing", path)(error)),
    }
}

/// Opens a log for appending, the previous one kept beside it when it had grown large. Returns its length so far.
pub(crate) fn open_log(path: &Path) -> Result<(File, u64), LocalError> {
    if std::fs::metadata(path).is_ok_and(|found| found.len() > LOG_LIMIT_BYTES) {
        std::fs::rename(path, path.with_extension("log.old")).map_err(LocalError::io("rotating", path))?;
    }
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(LocalError::io("opening the log", path))?;
    let length = file.metadata().map_err(LocalError::io("reading", path))?.len();
    Ok((file, length))
}

/// The last lines a server wrote after `from`, for an error message.
pub(crate) fn log_tail(path: &Path, from: u64) -> String {
    const LINES: usize = 15;
    const BYTES: u64 = 16 * 1024;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let start = from.max(file.metadata()?.len().saturating_sub(BYTES));
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// Sets the mode of a file or folder.
pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<(), LocalError> {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).map_err(LocalError::io("changing the mode of", path))
}
