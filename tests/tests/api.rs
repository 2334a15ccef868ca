//! The API's base: envelopes, errors, limits, sign-in, repeated requests, documents, templates, jobs.

#[path = "api/document.rs"]
mod document;
#[path = "api/edge.rs"]
mod edge;
#[path = "api/idempotency.rs"]
mod idempotency;
#[path = "api/jobs.rs"]
mod jobs;
#[path = "api/limits.rs"]
mod limits;
#[path = "api/logs.rs"]
mod logs;
#[path = "api/server.rs"]
mod server;
#[path = "api/sign_in.rs"]
mod sign_in;
#[path = "api/templates.rs"]
mod templates;
