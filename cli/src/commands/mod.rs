//! The commands, one file each.

pub mod audit;
pub mod demo;
pub mod job;
pub mod keys;
pub mod migrate;
pub mod queue;
pub mod seed;
pub mod up;
pub mod user;
