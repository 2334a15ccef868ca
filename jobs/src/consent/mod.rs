//! A person's own choices: writing no more, writing again, preferences. Used by pages, answers and complaints alike.
//!
//! A choice is a consent of their own and, for the address it came from, a suppression: the consent speaks for the
//! customer on every address, the suppression for the address whoever it belongs to. Everything happens on the caller's
//! connection, in its transaction; doing it again changes nothing.

mod choices;
mod preferences;

pub use choices::{Choice, had_opted_out, opt_in, opt_out};
pub use preferences::{ChannelChoice, Preferences, keep_preferences, preferences};
