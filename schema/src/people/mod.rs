//! Users and roles.

pub mod roles;
pub mod users;
