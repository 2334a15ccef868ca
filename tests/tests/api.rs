//! The API's base: envelopes, errors, limits, sign-in, repeated requests, documents, templates, jobs.

#[path = "api/account_mail.rs"]
mod account_mail;
#[path = "api/api_keys.rs"]
mod api_keys;
#[path = "api/audit_chain.rs"]
mod audit_chain;
#[path = "api/audit_log.rs"]
mod audit_log;
#[path = "api/audited.rs"]
mod audited;
#[path = "api/branches.rs"]
mod branches;
#[path = "api/brute_force.rs"]
mod brute_force;
#[path = "api/document.rs"]
mod document;
#[path = "api/edge.rs"]
mod edge;
#[path = "api/idempotency.rs"]
mod idempotency;
#[path = "api/jobs.rs"]
mod jobs;
#[path = "api/keys.rs"]
mod keys;
#[path = "api/limits.rs"]
mod limits;
#[path = "api/logs.rs"]
mod logs;
#[path = "api/media.rs"]
mod media;
#[path = "api/mfa.rs"]
mod mfa;
#[path = "api/passwords.rs"]
mod passwords;
#[path = "api/rate.rs"]
mod rate;
#[path = "api/registration.rs"]
mod registration;
#[path = "api/roles.rs"]
mod roles;
#[path = "api/server.rs"]
mod server;
#[path = "api/sessions.rs"]
mod sessions;
#[path = "api/sign_in.rs"]
mod sign_in;
#[path = "api/templates.rs"]
mod templates;
#[path = "api/tls.rs"]
mod tls;
#[path = "api/tokens.rs"]
mod tokens;
#[path = "api/users.rs"]
mod users;
