//! What a message is for, which decides what consent it needs.

use crate::text_enum::text_enum;

text_enum! {
    /// What a message is for.
    pub enum Purpose {
        /// It serves a contract the person has: a renewal falls due, a claim moved on. Allowed until refused.
        Service = "service",
        /// It promotes something. Allowed only once agreed to.
        Marketing = "marketing",
    }
}
