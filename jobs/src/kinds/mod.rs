//! The kinds of jobs, one file each, and their registry.

pub mod registry;
