//! People who sign in: where their accounts stand, and who may change what about whom.
//!
//! Rules fail with [`Refusal`]; the caller tells why.

pub mod rules;
mod status;

pub use rules::{Holding, Refusal};
pub use status::UserStatus;
