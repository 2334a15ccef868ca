//! Users, roles, and what they come in with.

pub mod access;
pub mod account_tokens;
pub mod accounts;
pub mod administrators;
pub mod api_keys;
pub mod branches;
pub mod challenges;
pub mod devices;
pub mod holders;
pub mod identities;
pub mod joining;
pub mod mfa;
pub mod oidc_logins;
pub mod passwords;
pub mod roles;
pub mod security_events;
pub mod sessions;
pub mod token_keys;
pub mod users;
