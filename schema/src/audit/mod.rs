//! The audit log: who did what to which entity, before and after, from where, with which request.
//!
//! An entry is written by the transaction of the change it tells of. Entries are never changed or deleted: a rule of
//! the database refuses it, and a chain of hashes, extended when the transaction commits, shows what was done past it.

mod list;
mod record;
mod verify;

pub use list::{AuditRow, Filter, Names, names, newest_first, place};
pub use record::{Actor, Entity, Entry, record};
pub use verify::{Fault, Head, MOST_FAULTS, Verified, verify};
