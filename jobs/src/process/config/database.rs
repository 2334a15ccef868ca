//! How to reach PostgreSQL.

use super::{Reader, parse_duration};
use schema::{DbConfig, pool::check_url};

const URL: &str = "postgres://user:password@host:5432/name";

/// `DATABASE_URL`, `DB_POOL`, `DB_IMPORT_POOL`, `DB_STATEMENT_TIMEOUT`, `DB_WAIT`.
pub fn database(reader: &mut Reader<'_>) -> Option<DbConfig> {
    let url = reader.required_secret("DATABASE_URL", URL, |url| check_url(url).is_ok());
    let defaults = DbConfig::new("");
    let size = |text: &str| text.parse().ok().filter(|size| (1..=1000).contains(size));
    let duration = |text: &str| parse_duration(text).filter(|duration| !duration.is_zero());
    let count = "a number of connections from 1 to 1000";
    let connections = reader.checked("DB_POOL", defaults.connections, count, size);
    let import_connections = reader.checked("DB_IMPORT_POOL", defaults.import_connections, count, size);
    let statement_timeout =
        reader.checked("DB_STATEMENT_TIMEOUT", defaults.statement_timeout, "a duration such as 60s", duration);
    let wait = reader.checked("DB_WAIT", defaults.wait, "a duration such as 10s", duration);
    Some(DbConfig { url: url?, connections, import_connections, statement_timeout, wait })
}
