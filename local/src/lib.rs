//! A private PostgreSQL and Redis for one machine: what the product runs on when no `DATABASE_URL` or `REDIS_URL` is
//! given, and what every test runs on.
//!
//! [`Cluster::start`] finds the installed servers, prepares their data folders once, starts them on UNIX sockets (or
//! free loopback ports where sockets are impossible) and hands out their URLs. Everything that can fail is a
//! [`LocalError`] that says what to do; a crashed earlier run is cleaned up by the next start.

mod account;
mod cluster;
mod endpoint;
mod error;
mod fs;
mod install;
mod layout;
mod options;
pub mod secrets;
mod servers;
pub mod testing;
mod wait;
mod watchdog;

pub use cluster::{Cluster, Running};
pub use error::LocalError;
pub use install::Requirement;
pub use options::{Durability, Options};
pub use servers::{Postgres, Redis};
