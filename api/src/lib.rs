//! The HTTP API: thin, validating, one file a resource.
//!
//! [`app`] is the whole of it as one endpoint, as tests use it; [`run`] serves it. Every error becomes an answer in
//! [`error`], and nowhere else.
//!
//! A new resource is one file and one element of the table in `routes`. An endpoint
//! - says who may call it: `caller: Guard<permit::CampaignsView>` ([`auth`]);
//! - takes what it needs by type: `JsonBody<T>`, `Path<Id<CampaignId>>`, `Query<Option<Name<Channel>>>`, `page` and
//!   `limit` through `Page::read` ([`request`]); faults name the field by themselves;
//! - answers `ok`, `created` or `accepted` with an object in camelCase ([`envelope`]);
//! - fails with `?`, or with an [`ApiError`] of a stable code;
//! - raises its limits by `#[oai(transform = "for_uploads")]` or `"for_waiting"` ([`edge::limits`]).

mod audit;
pub mod auth;
mod book;
mod campaigns;
mod communication;
pub mod config;
mod consent;
mod docs;
pub mod edge;
pub mod envelope;
pub mod error;
mod health;
mod idempotency;
mod jobs;
mod live;
mod nullable;
mod people;
mod public;
mod queues;
pub mod request;
mod routes;
mod segments;
pub mod server;
mod shown;
pub mod state;
mod tags;
mod templates;
mod uploads;
mod webhooks;
mod whatsapp;

pub use config::ApiConfig;
pub use error::{ApiError, ApiResult};
pub use routes::{app, document};
pub use server::{Listening, ServeError, listen, run};
pub use state::{ApiState, SharedState};
