//! What a person may do: permissions, sets of them, and the roles every installation starts with.
//!
//! A permission's name is stored in roles and never changes. Reading a name fails with
//! [`UnknownName`](crate::text_enum::UnknownName); a stored name that is not known any more grants nothing.

mod permission;
mod scope;
mod set;
mod system_role;

pub use permission::{Permission, PermissionGroup, Permit, permit};
pub use scope::{Reach, Scope};
pub use set::PermissionSet;
pub use system_role::SystemRole;
