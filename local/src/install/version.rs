//! Version numbers as servers print them.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

impl Version {
    pub(crate) const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Reads `15.18`, `18`, `7.0.15`, and pre-releases such as `18beta1`; `None` when there is no number.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let major = leading_number(parts.next()?)?;
        Some(Self { major, minor: parts.next().and_then(leading_number).unwrap_or(0) })
    }

    /// Finds the version in the line a PostgreSQL program prints: `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
    pub(crate) fn of_postgres(line: &str) -> Option<Self> {
        line.split_once("(PostgreSQL)").and_then(|(_, rest)| Self::parse(rest.trim_start()))
    }

    /// Finds the version in the line of Redis or Valkey: `Redis server v=7.0.15 sha=…`.
    pub(crate) fn of_redis(line: &str) -> Option<Self> {
        line.split_whitespace().find_map(|word| word.strip_prefix("v=")).and_then(Self::parse)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_servers_print() {
        let postgres = [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Version::new(15, 18)),
            ("postgres (PostgreSQL) 18beta1", Version::new(18, 0)),
            ("postgres (PostgreSQL) 9.6.24", Version::new(9, 6)),
        ];
        for (line, expected) in postgres {
            assert_eq!(Version::of_postgres(line), Some(expected), "{line}");
        }
        let redis = [
            ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", Version::new(7, 0)),
            ("Valkey server v=8.1.1 sha=00000000:0", Version::new(8, 1)),
            ("Redis server v=6.2.0 sha=0", Version::new(6, 2)),
        ];
        for (line, expected) in redis {
            assert_eq!(Version::of_redis(line), Some(expected), "{line}");
        }
        assert_eq!(Version::of_postgres("something else"), None);
        assert_eq!(Version::of_redis("v=x"), None);
    }

    #[test]
    fn versions_are_ordered() {
        assert!(Version::new(6, 2) < Version::new(7, 0));
        assert!(Version::new(6, 0) < Version::new(6, 2));
    }
}
