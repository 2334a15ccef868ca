//! Watching what becomes of mails, and pages that need no sign-in: tokens, and telling people from programs.

mod automatic;
mod token;

pub use automatic::{Click, Visit, automatic_clicks};
pub use token::{Kind, LONGEST_URL, Signer, Token, TokenError};
