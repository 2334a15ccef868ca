//! Where variables come from: the process, then the `.env` file of the working directory.

use super::dotenv;
use std::{
    collections::HashMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// The `.env` file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// It is there and cannot be read.
    #[error("{path} cannot be read", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line of it is not an assignment.
    #[error("line {line} of {path} is not NAME=value", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// Variables by name; those of the process win over the file's.
#[derive(Clone, Default)]
pub struct Environment {
    file: HashMap<String, String>,
    overrides: HashMap<String, String>,
}

impl Environment {
    /// Of this process and its working directory.
    pub fn of_process() -> Result<Self, EnvironmentError> {
        Self::with_file(Path::new(".env"))
    }

    /// Of this process and one file, which need not exist.
    pub fn with_file(path: &Path) -> Result<Self, EnvironmentError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(EnvironmentError::Unreadable { path: path.to_owned(), source }),
        };
        let pairs = dotenv::parse(&text).map_err(|line| EnvironmentError::Line { path: path.to_owned(), line })?;
        Ok(Self { file: pairs.into_iter().collect(), overrides: HashMap::new() })
    }

    /// Sets a variable over whatever the process and the file say.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.overrides.insert(name.to_owned(), value.into());
    }

    /// Sets a variable that neither the process nor the file sets.
    pub fn set_default(&mut self, name: &str, value: impl Into<String>) {
        if self.get(name).is_none() {
            self.set(name, value);
        }
    }

    /// A variable's text, if it is set and not blank.
    pub fn get(&self, name: &str) -> Option<String> {
        // compose passes unset variables as blank ones, which must not hide the file's
        let set = |text: &String| !text.trim().is_empty();
        let given = self.overrides.get(name).cloned().filter(set).or_else(|| from_process(name).filter(set));
        given.or_else(|| self.file.get(name).cloned().filter(set))
    }

    /// As [`load`](super::load) wants it.
    pub fn lookup(&self) -> impl Fn(&str) -> Option<String> + '_ {
        |name| self.get(name)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the process's environment")]
fn from_process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_wins_over_the_file_and_an_override_over_both() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, "PATH=from-file\nONLY_IN_FILE=yes\nBLANK=\n").unwrap();
        let mut environment = Environment::with_file(&path).unwrap();
        assert_ne!(environment.get("PATH").as_deref(), Some("from-file"));
        assert_eq!(environment.get("ONLY_IN_FILE").as_deref(), Some("yes"));
        environment.set("ONLY_IN_FILE", "no");
        assert_eq!(environment.get("ONLY_IN_FILE").as_deref(), Some("no"));
        assert_eq!(environment.get("NOWHERE_TO_BE_FOUND"), None);
        assert_eq!(environment.get("BLANK"), None);
    }

    #[test]
    fn a_missing_file_is_fine_and_a_broken_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Environment::with_file(&folder.path().join("none")).is_ok());
        let path = folder.path().join(".env");
        std::fs::write(&path, "A=1\n???\n").unwrap();
        let error = Environment::with_file(&path).err().unwrap();
        assert!(matches!(error, EnvironmentError::Line { line: 2, .. }), "{error}");
    }
}
