//! What every program of the platform does before and around its work: read its configuration, log, hear signals, say
//! how it is, and make the services.
//!
//! A faulty configuration ends the program at start with every fault named; nothing here is retried.

pub mod build;
pub mod config;
pub mod health;
pub mod health_server;
pub mod shutdown;
pub mod telemetry;
