//! Servers for tests: one cluster shared by a test process, or by all that run under `test-cluster`; a database of its
//! own for each test, cloned from a template; a numbered Redis database of its own for each test.
//!
//! Tests that break servers (restart, freeze, FLUSHALL, which empties every Redis database) start one of
//! their own with [`temporary`]. Redis's publish/subscribe is not divided by database: use
//! [`TestRedis::namespace`] in the names of channels.

mod admin;
mod database;
mod janitor;
mod redis;
mod shared;

pub use database::{PrepareError, TestDatabase, database};
pub use redis::{TestRedis, redis};
pub use shared::{CLUSTER_VARIABLE, Shared, Temporary, shared, temporary};
