//! The two servers: preparing their data, starting, stopping, and the signals fault tests send them.

mod initdb;
mod orphan;
mod postgres;
mod process;
mod redis;

pub use postgres::Postgres;
pub(crate) use postgres::quote_identifier;
pub use redis::Redis;
