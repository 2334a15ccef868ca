//! Finding Redis or Valkey.

use std::path::PathBuf;

use super::{Platform, Requirement, Version};
use crate::error::LocalError;

const OLDEST: Version = Version::new(6, 2);
const NAMES: [&str; 2] = ["redis-server", "valkey-server"];

/// A Redis or Valkey server program.
#[derive(Debug, Clone)]
pub(crate) struct RedisBinary {
    pub(crate) program: PathBuf,
    pub(crate) version: Version,
}

impl RedisBinary {
    pub(crate) async fn find() -> Result<Self, LocalError> {
        let mut folders = super::path_folders();
        folders.extend(
            [
                "/usr/bin",
                "/usr/sbin",
                "/usr/local/bin",
                "/usr/local/sbin",
                "/opt/homebrew/bin",
                "/home/linuxbrew/.linuxbrew/bin",
                "/opt/local/bin",
                "/snap/bin",
            ]
            .map(PathBuf::from),
        );
        Self::find_in(&folders, super::ask_version).await
    }

    async fn find_in(folders: &[PathBuf], ask: impl AsyncFn(PathBuf) -> Option<String>) -> Result<Self, LocalError> {
        let install = || Platform::current().install_command(Requirement::Redis).to_owned();
        let mut too_old = None;
        for folder in folders {
            for name in NAMES {
                let program = folder.join(name);
                if !program.is_file() {
                    continue;
                }
                let Some(version) = ask(program.clone()).await.as_deref().and_then(Version::of_redis) else {
                    continue;
                };
                if version >= OLDEST {
                    return Ok(Self { program, version });
                }
                too_old.get_or_insert(format!("{} {version}", program.display()));
            }
        }
        Err(match too_old {
            Some(found) => LocalError::TooOld { requirement: Requirement::Redis, found, install: install() },
            None => LocalError::Missing {
                requirement: Requirement::Redis,
                looked_in: super::list(folders),
                install: install(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn valkey_counts_and_old_redis_does_not() -> Result<(), Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        let folders = [root.path().to_owned()];
        // a program here is a file with what it would print
        let ask = async |program: PathBuf| std::fs::read_to_string(program).ok();
        let fake = |name: &str, line: &str| std::fs::write(root.path().join(name), line);
        let error = RedisBinary::find_in(&folders, ask).await.err().ok_or("must fail")?;
        assert!(matches!(error, LocalError::Missing { requirement: Requirement::Redis, .. }), "{error}");
        fake("redis-server", "Redis server v=6.0.16 sha=0")?;
        let error = RedisBinary::find_in(&folders, ask).await.err().ok_or("must fail")?;
        assert!(matches!(error, LocalError::TooOld { .. }), "{error}");
        fake("valkey-server", "Valkey server v=8.0.2 sha=0")?;
        let found = RedisBinary::find_in(&folders, ask).await?;
        assert_eq!((found.version, found.program), (Version::new(8, 0), root.path().join("valkey-server")));
        Ok(())
    }
}
