//! Watching what becomes of mails: links that tell, and keeping what they tell.
//!
//! Nothing of it reads the database while somebody waits: a token says all that answering takes, and what was seen goes
//! through a bounded memory into `provider_events` in bulk. What does not fit is counted and lost: a figure less, and
//! never a redirect that hangs.

mod html;
mod links;
mod recorder;

pub(crate) use html::{NUMBER, decoded};
pub use html::{Watch, track};
pub use links::{Links, Utm};
pub use recorder::{PROVIDER, Recorder, Seen, click_event, open_event, unsubscribed_event};
