//! Watching what becomes of mails, and pages that need no sign-in: tokens, and telling people from programs.

mod address;
mod automatic;
mod token;

pub use address::{folded, place};
pub use automatic::{Click, Visit, automatic_clicks};
pub use token::{Kind, LONGEST_LINK, LONGEST_URL, Signer, Token, TokenError};
