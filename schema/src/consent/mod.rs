//! What people allow, addresses that are written to no more, and the rules of restraint.
//!
//! Everything is by sets: a page of messages, a file of addresses. A consent is never simply overwritten: the statement
//! that keeps it knows whose word counts, as [`may_overwrite`](domain::messaging::restraint::may_overwrite) does, and logs
//! what was told either way. Suppressions are one row a reason, so that none hides another.

pub mod consents;
mod facts;
pub mod holidays;
pub mod rules;
pub mod suppressions;

pub use facts::{MessageFacts, facts};
pub use holidays::Holidays;
