//! Outbound messages: what is to be sent, what is being sent, and what became of it.
//!
//! The rule that no recipient gets a message twice lives in these statements. A message is handed to a provider only
//! after a committed change from `pending` to `sending`, which names the job and the attempt that hold it. It goes back
//! to `pending` only on word from the very attempt that held it that the provider did not take it, or on the
//! provider's own. What an attempt left `sending` when it was cut short becomes `unconfirmed`. Rows are always locked in the order of their ids, so
//! that senders and the job that applies events cannot deadlock.

mod batch;
mod files;
mod look_up;
mod outcome;
mod progress;
mod recipients;
mod render;
mod settle;
mod single;
pub mod story;
mod suppress;
mod window;

pub use batch::{Sender, any_pending, cut_short, next_due, next_due_at};
pub use files::{forget_files, with_old_files};
pub use look_up::{NeverTaken, UnsettledRow, known_ids, look_up_later, never_taken, unsettled};
pub use outcome::{Cost, Outcome, OutcomeKind, record, release};
pub use progress::{Tracked, lock, write};
pub use recipients::{Recipient, RecipientQuery, recipients};
pub(crate) use render::{COLUMNS, JOINS};
pub use render::{RenderRow, Written, one, page, sample_of};
pub use settle::{Closing, close_unconfirmed};
pub use single::{NewSingle, Single, insert_singles, last_heard, single};
pub use suppress::suppress_pending;
pub use window::{Decided, Gate, HeldRow, Verdict, Window, decide, gate, hold, hold_campaign, hold_customers};
