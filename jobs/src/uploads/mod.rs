//! The work behind uploaded books of policies.
//!
//! [`parse`] reads a file on a blocking thread and writes it into the book chunk by chunk; [`report`] writes the refused
//! rows back for the uploader; [`undo`] takes an upload back; [`abandoned`] clears up after those that were never
//! completed. An upload at fault ends `failed` with its reason in one line; a fault of storage, database or disk is
//! tried again by the job.

pub mod abandoned;
mod chunks;
mod error;
mod finish;
mod import;
pub mod options;
mod original;
pub mod parse;
mod reader;
pub mod report;
mod table;
pub mod undo;

pub use chunks::CHUNK_ROWS;
pub use options::{OptionsError, UploadOptions};
