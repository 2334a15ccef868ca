//! What the tests share: a migrated database and a Redis of their own, and ways to wait for a condition.
//!
//! Tests go through the front door. Nothing here sleeps for a fixed time: conditions are polled up to a deadline.

pub mod base;
pub mod contract;
pub mod crew;
pub mod diesel_schema;
mod due;
pub mod fleet;
mod fleet_campaign;
pub mod http;
pub mod mail;
pub mod meta;
pub mod meta_account;
pub mod moto;
pub mod peers;
pub mod people;
pub mod vendors;
pub mod wait;
