//! Restraint: whether a message may go out to somebody now, later, or not at all.
//!
//! [`Rules`] are what an insurer decides, [`Facts`] what is known of one message and its recipient; [`judge`] puts them
//! together. Nothing here fails, reads a clock or a table: the same rules and facts have the same verdict when an
//! audience is written and again when a message is sent.

mod calendar;
mod check;
mod consent;
mod judge;
mod keyword;
mod place;
mod rules;
mod window;

pub use check::Fault;
pub use consent::{Consent, ConsentSource, may_overwrite};
pub use judge::{Contact, DeferReason, Facts, Verdict, judge};
pub use keyword::{Keyword, keyword};
pub use place::{Known, Place, calling_codes, country_of, zone_of, zones};
pub use rules::{Cap, LegalWindow, QuietHours, Rules};
pub use window::Window;
pub(crate) use window::clock_time;
