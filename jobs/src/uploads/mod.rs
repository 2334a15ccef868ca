//! The work behind uploaded books of policies.

pub mod options;

pub use options::{OptionsError, UploadOptions};
