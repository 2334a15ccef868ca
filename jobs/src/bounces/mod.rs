//! The bounce mailbox: its mails become events, which are applied as any provider's are.

mod events;
pub mod read;
