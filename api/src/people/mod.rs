//! People who sign in, the roles they hold, their offices, and the keys of their machines.
//!
//! Whoever changes any of it is held to the rules of [`domain::people::rules`]; what else was going on is settled by
//! locking rows before the rules are asked.

mod api_keys;
mod branches;
pub mod me;
mod roles;
mod rules;
mod text;
mod users;

use crate::request::named_set;
use domain::people::UserStatus;
use poem_openapi::OpenApi;
use schema::people::accounts::AccountKey;

named_set!(UserStatus);
named_set!(AccountKey: ALL, name);

/// Every part of the resources.
pub fn api() -> impl OpenApi + 'static {
    (users::api(), roles::api(), branches::BranchesApi, api_keys::ApiKeysApi)
}
