//! Where a server listens: a UNIX socket, or a free loopback port where the file system or the length of the path does
//! not allow one. Never a standard port.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use crate::error::LocalError;

/// PostgreSQL names its socket after a port, even when it listens on none.
pub(crate) const POSTGRES_SOCKET_PORT: u16 = 54320;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Sockets in this folder, which only the servers' account (and root) may enter.
    Sockets(PathBuf),
    /// A port of 127.0.0.1, guarded by a password.
    Port(u16),
}

impl Endpoint {
    /// Sockets in `folder` if one can really be bound there.
    pub(crate) fn choose(folder: &Path) -> Result<Self, LocalError> {
        // as long as the longest name used
        let probe = folder.join(format!(".s.PGSQL.{}", u16::MAX));
        crate::fs::remove(&probe)?;
        match UnixListener::bind(&probe) {
            Ok(_) => {
                crate::fs::remove(&probe)?;
                Ok(Self::Sockets(folder.to_owned()))
            }
            Err(error) => {
                tracing::info!(folder = %folder.display(), %error, "no UNIX sockets here: using a loopback port");
                Self::free_port()
            }
        }
    }

    /// A port that was free a moment ago; a server that finds it taken fails its start and says so.
    pub(crate) fn free_port() -> Result<Self, LocalError> {
        const STANDARD: [u16; 2] = [5432, 6379];
        let free = || -> std::io::Result<u16> {
            loop {
                let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
                if !STANDARD.contains(&port) {
                    return Ok(port);
                }
            }
        };
        free().map(Self::Port).map_err(LocalError::io("finding a free port on", "127.0.0.1"))
    }
}

/// Percent-encodes everything that has a meaning in a URL.
pub(crate) fn percent_encode(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut encoded = String::new();
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// The same PostgreSQL URL with another database.
pub(crate) fn with_database(url: &str, database: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let authority_start = base.find("://").map_or(0, |at| at + 3);
    let path_start = base[authority_start..].find('/').map_or(base.len(), |at| authority_start + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{database}{query}", &base[..path_start])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_too_long_for_a_socket_gives_a_port() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        assert!(matches!(Endpoint::choose(dir.path())?, Endpoint::Sockets(_)));
        let long = dir.path().join("x".repeat(120));
        std::fs::create_dir(&long)?;
        match Endpoint::choose(&long)? {
            Endpoint::Port(port) => assert!(port > 1024 && port != 5432 && port != 6379),
            other => panic!("expected a port, got {other:?}"),
        }
        Ok(())
    }

    #[test]
    fn the_database_of_a_url_is_replaced() {
        for (url, expected) in [
            ("postgres://u@/a?host=%2Ftmp&port=1", "postgres://u@/b?host=%2Ftmp&port=1"),
            ("postgres:///a?host=%2Ftmp", "postgres:///b?host=%2Ftmp"),
            ("postgres://u:p@127.0.0.1:7000/a", "postgres://u:p@127.0.0.1:7000/b"),
            ("postgres://127.0.0.1:7000", "postgres://127.0.0.1:7000/b"),
        ] {
            assert_eq!(with_database(url, "b"), expected);
        }
    }

    #[test]
    fn paths_are_encoded_for_urls() {
        assert_eq!(percent_encode(Path::new("/tmp/a b@c?d")), "%2Ftmp%2Fa%20b%40c%3Fd");
    }
}
