//! Where an account stands. Reading a stored name fails with [`UnknownName`](crate::text_enum::UnknownName).

use crate::text_enum::text_enum;

text_enum! {
    /// Where an account stands.
    pub enum UserStatus {
        /// May come in.
        Active = "active",
        /// Left; kept for what they did.
        Inactive = "inactive",
        /// Kept out by an administrator.
        Suspended = "suspended",
        /// Asked in, and has not answered yet.
        Invited = "invited",
    }
}
