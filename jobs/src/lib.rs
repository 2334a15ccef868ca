//! The queue (ledger, dispatch, policies) and the kinds of jobs, one file a kind under [`kinds`].
//!
//! PostgreSQL is the truth: a job exists if and only if its row is committed. Redis carries ids only and may be lost.
//! A kind is one file with its payload, its policy and its `run`, and one line in [`kinds::registry`].

pub mod accounts;
pub mod audit;
pub mod bounces;
pub mod campaigns;
pub mod clock;
pub mod consent;
pub mod initial;
pub mod kinds;
pub mod process;
pub mod provider_events;
pub mod queue;
pub mod security;
pub mod sending;
pub mod sequences;
pub mod services;
pub mod sheets;
pub mod tracking;
pub mod uploads;
pub mod whatsapp;

pub use clock::Clock;
pub use queue::{
    context::JobContext,
    decision::{Decision, JobError},
    job::{Job, Policy, Priority, Queue},
    new_job::NewJob,
};
pub use services::Services;
