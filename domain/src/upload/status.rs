//! Where an upload stands.

use crate::text_enum::text_enum;

text_enum! {
    /// Where an upload stands.
    pub enum UploadStatus {
        /// Its pieces are still coming in.
        Receiving = "receiving",
        /// Waiting to be read, or being read.
        Processing = "processing",
        /// Read to its end; bad rows apart, it is in the book.
        Completed = "completed",
        /// It could not be read.
        Failed = "failed",
        /// Stopped by a person, or never completed.
        Cancelled = "cancelled",
        /// Its effect is being taken back.
        Undoing = "undoing",
        /// Its effect was taken back.
        Undone = "undone",
    }
}
