//! The audit log in files.

pub mod export;
