//! Sending: what is due is judged, handed over, and what became of it is recorded.

pub mod accounts;
pub mod batch;
mod call;
pub mod check;
pub mod content;
pub mod files;
mod flow;
pub mod letter;
pub mod line;
pub mod single;
pub mod unconfirmed;
mod verdict;
pub mod view;
pub mod work;

pub use check::Restraint;
