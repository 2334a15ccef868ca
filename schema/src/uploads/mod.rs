//! Uploaded books of policies: the files, their processing, and what came of it.
//!
//! Where an upload stands follows from its own row and from its job's: a job that was given up or cancelled ends the
//! upload without anybody having to write so. [`file::STATUS`] is that rule, the one place for it.

pub mod abandoned;
pub mod chunked;
pub mod file;
pub mod findings;
pub mod import;
pub mod mappings;
pub mod processing;
pub mod undo;
