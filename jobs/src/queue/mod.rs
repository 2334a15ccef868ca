//! The queue: how a job is asked for, carried, leased, run and recorded.

pub mod admin;
pub mod context;
pub mod decision;
pub mod dispatch;
pub mod events;
pub mod figures;
pub mod job;
pub mod ledger;
pub mod new_job;
pub mod redis;
pub mod registry;
pub mod relay;
pub mod rescue;
pub mod retention;
pub mod transport;
