//! Finding the PostgreSQL binaries. Packages keep them off `PATH` and side by side by major version.

use std::path::{Path, PathBuf};

use super::{Platform, Requirement, Version};
use crate::error::LocalError;

const OLDEST: Version = Version::new(13, 0);

/// A folder with `postgres` and `initdb` of one version.
#[derive(Debug, Clone)]
pub(crate) struct PostgresBinaries {
    folder: PathBuf,
    pub(crate) version: Version,
}

impl PostgresBinaries {
    /// The newest installed, or the ones that wrote an existing data folder (`written_by`, its major version).
    pub(crate) async fn find(data: &Path, written_by: Option<u32>) -> Result<Self, LocalError> {
        let mut folders = super::path_folders();
        folders.extend(usual_folders());
        Self::find_in(&folders, data, written_by, super::ask_version).await
    }

    async fn find_in(
        folders: &[PathBuf],
        data: &Path,
        written_by: Option<u32>,
        ask: impl AsyncFn(PathBuf) -> Option<String>,
    ) -> Result<Self, LocalError> {
        let install = || Platform::current().install_command(Requirement::Postgres).to_owned();
        let mut found: Vec<Self> = Vec::new();
        for folder in folders {
            if let Some(binaries) = Self::in_folder(folder, &ask).await {
                found.push(binaries);
            }
        }
        found.sort_by_key(|binaries| std::cmp::Reverse(binaries.version));
        let versions = || found.iter().map(|binaries| binaries.version.to_string()).collect::<Vec<_>>().join(", ");
        match (found.first(), written_by) {
            (None, _) => Err(LocalError::Missing {
                requirement: Requirement::Postgres,
                looked_in: super::list(folders),
                install: install(),
            }),
            (Some(_), Some(major)) => {
                found.iter().find(|binaries| binaries.version.major == major).cloned().ok_or_else(|| {
                    LocalError::DataVersion { data: data.to_owned(), written_by: major, found: versions() }
                })
            }
            (Some(newest), None) if newest.version >= OLDEST => Ok(newest.clone()),
            (Some(newest), None) => Err(LocalError::TooOld {
                requirement: Requirement::Postgres,
                found: format!("PostgreSQL {}", newest.version),
                install: install(),
            }),
        }
    }

    async fn in_folder(folder: &Path, ask: &impl AsyncFn(PathBuf) -> Option<String>) -> Option<Self> {
        // Debian puts wrappers of the client programs on PATH: both server programs must be there
        if !folder.join("postgres").is_file() || !folder.join("initdb").is_file() {
            return None;
        }
        let line = ask(folder.join("postgres")).await?;
        Some(Self { folder: folder.to_owned(), version: Version::of_postgres(&line)? })
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn usual_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    // Debian, Ubuntu, openSUSE
    folders.extend(super::subfolders("/usr/lib/postgresql", "", "bin"));
    folders.extend(super::subfolders("/usr/lib", "postgresql", "bin"));
    // packages of the PostgreSQL project for Red Hat
    folders.extend(super::subfolders("/usr", "pgsql-", "bin"));
    // Alpine
    folders.extend(super::subfolders("/usr/libexec", "postgresql", ""));
    // Homebrew on Apple silicon, Intel and Linux; Postgres.app
    for prefix in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        folders.extend(super::subfolders(prefix, "postgresql", "bin"));
    }
    folders.extend(super::subfolders("/Applications/Postgres.app/Contents/Versions", "", "bin"));
    // built from source
    folders.push(PathBuf::from("/usr/local/pgsql/bin"));
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    /// A program here is a file with what it would print.
    async fn ask(program: PathBuf) -> Option<String> {
        std::fs::read_to_string(program).ok()
    }

    fn fake(root: &Path, version: &str) -> std::io::Result<PathBuf> {
        let folder = root.join(version);
        std::fs::create_dir(&folder)?;
        for program in ["postgres", "initdb"] {
            std::fs::write(folder.join(program), format!("{program} (PostgreSQL) {version}\n"))?;
        }
        Ok(folder)
    }

    #[tokio::test]
    async fn the_newest_is_taken_unless_the_data_says_otherwise() -> Tested {
        let root = tempfile::tempdir()?;
        let folders = [fake(root.path(), "14.2")?, fake(root.path(), "16.1")?, fake(root.path(), "9.6.1")?];
        let data = Path::new("/data");
        assert_eq!(PostgresBinaries::find_in(&folders, data, None, ask).await?.version, Version::new(16, 1));
        assert_eq!(PostgresBinaries::find_in(&folders, data, Some(14), ask).await?.version, Version::new(14, 2));
        let error = PostgresBinaries::find_in(&folders, data, Some(15), ask).await.err().ok_or("must fail")?;
        assert!(matches!(error, LocalError::DataVersion { written_by: 15, .. }), "{error}");
        Ok(())
    }

    #[tokio::test]
    async fn missing_and_old_servers_are_told_apart() -> Tested {
        let root = tempfile::tempdir()?;
        let data = Path::new("/data");
        let nothing = [root.path().to_owned()];
        let error = PostgresBinaries::find_in(&nothing, data, None, ask).await.err().ok_or("must fail")?;
        assert!(matches!(error, LocalError::Missing { requirement: Requirement::Postgres, .. }), "{error}");
        assert!(error.to_string().contains("install"), "{error}");
        let old = [fake(root.path(), "12.9")?];
        let error = PostgresBinaries::find_in(&old, data, None, ask).await.err().ok_or("must fail")?;
        assert!(matches!(error, LocalError::TooOld { .. }), "{error}");
        Ok(())
    }
}
