//! What the fuzz targets check, and what they share. The seeds are checked by the tests of the workspace too, which take
//! these files in by path.
//!
//! The readers of files are taken in by path, since the crate they belong to brings the database and the queue, which a
//! fuzzer need not build.

pub mod checks;
#[path = "../../jobs/src/sheets/tests/compound_writer.rs"]
mod compound_writer;
pub mod events;
pub mod package;
pub mod reading;
#[path = "../../jobs/src/sheets/mod.rs"]
pub mod sheets;

/// The parser's own panics are caught by the readers; only what gets past them ends the run.
pub fn keep_quiet_about_caught_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}
