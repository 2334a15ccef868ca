//! Secrets generated for one machine, kept in `secrets.env` with mode 0600.
//!
//! The file is `NAME=value` lines, to be read by people and by shells. A secret once written never changes.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::error::LocalError;
use crate::fs;

const FILE: &str = "secrets.env";

/// The secrets of a folder.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    values: BTreeMap<String, SecretString>,
}

impl Secrets {
    /// `None` for a name that was not asked for.
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.values.get(name)
    }
}

/// Loads `dir/secrets.env`; each of `names` that it does not hold is generated (32 random bytes, in hex) and added.
/// Safe to call from several processes at once.
///
/// # Errors
/// A file that cannot be read or written, or a line that is not `NAME=value`.
pub fn load_or_generate(dir: &Path, names: &[&str]) -> Result<Secrets, LocalError> {
    std::fs::create_dir_all(dir).map_err(LocalError::io("creating the folder", dir))?;
    let path = dir.join(FILE);
    // two processes that start together must agree on one value
    let lock_path = dir.join("secrets.lock");
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&lock_path)
        .map_err(LocalError::io("opening", &lock_path))?;
    lock.lock().map_err(LocalError::io("locking", &lock_path))?;

    let mut secrets = load(&path)?;
    let missing: Vec<&&str> = names.iter().filter(|name| !secrets.values.contains_key(**name)).collect();
    if !missing.is_empty() {
        for name in missing {
            let bytes: [u8; 32] = rand::random();
            secrets.values.insert((*name).to_owned(), SecretString::from(hex::encode(bytes)));
        }
        fs::write_private(&path, &render(&secrets), None)?;
    }
    Ok(secrets)
}

fn load(path: &Path) -> Result<Secrets, LocalError> {
    let Some(text) = fs::read(path)? else { return Ok(Secrets::default()) };
    tighten(path)?;
    let mut values = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line
            .split_once('=')
            .filter(|(name, _)| !name.trim().is_empty())
            .ok_or_else(|| LocalError::SecretsFile { path: path.to_owned(), line: index + 1 })?;
        values.insert(name.trim().to_owned(), SecretString::from(value.trim()));
    }
    Ok(Secrets { values })
}

/// A copied or restored file may have lost its mode.
fn tighten(path: &Path) -> Result<(), LocalError> {
    let found = std::fs::metadata(path).map_err(LocalError::io("reading", path))?;
    if found.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!(path = %path.display(), "the secrets could be read by others; now only by their owner");
    fs::set_mode(path, 0o600)
}

fn render(secrets: &Secrets) -> String {
    let mut text = String::from("# Generated secrets of this machine: keep private, and keep.\n");
    for (name, value) in &secrets.values {
        text.push_str(&format!("{name}={}\n", value.expose_secret()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn secrets_are_kept_private_and_stay_the_same() -> Tested {
        let dir = tempfile::tempdir()?;
        let first = load_or_generate(dir.path(), &["SECRET_KEY"])?;
        let key = first.get("SECRET_KEY").ok_or("missing")?.expose_secret().to_owned();
        assert_eq!(key.len(), 64);
        let path = dir.path().join(FILE);
        assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
        let second = load_or_generate(dir.path(), &["SECRET_KEY", "OTHER"])?;
        assert_eq!(second.get("SECRET_KEY").map(|value| value.expose_secret()), Some(key.as_str()));
        assert_ne!(second.get("OTHER").map(|value| value.expose_secret()), Some(key.as_str()));
        assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        Ok(())
    }

    #[test]
    fn concurrent_starts_agree_on_one_value() -> Tested {
        let dir = tempfile::tempdir()?;
        let read = || load_or_generate(dir.path(), &["KEY"]).map(|secrets| secrets.get("KEY").cloned());
        let values: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(read)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Result<_, _>>()
        })?;
        let distinct: std::collections::BTreeSet<_> =
            values.iter().flatten().map(|value| value.expose_secret().to_owned()).collect();
        assert_eq!(distinct.len(), 1);
        Ok(())
    }

    #[test]
    fn a_line_that_is_no_assignment_is_named() -> Tested {
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join(FILE), "# fine\nA=b=c\n\nnonsense\n")?;
        let error = load_or_generate(dir.path(), &[]).err().ok_or("must fail")?;
        assert!(matches!(error, LocalError::SecretsFile { line: 4, .. }), "{error}");
        Ok(())
    }

    #[test]
    fn nothing_secret_is_printed() -> Tested {
        let dir = tempfile::tempdir()?;
        let secrets = load_or_generate(dir.path(), &["KEY"])?;
        let value = secrets.get("KEY").ok_or("missing")?.expose_secret();
        assert!(!format!("{secrets:?}").contains(value));
        Ok(())
    }
}
