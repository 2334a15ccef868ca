//! What providers told us: kept once as it came, and applied later, in bulk and in any order.

mod apply;
mod inbound;
mod store;

pub use apply::{ClickRow, EventOutcome, Settled, Waiting, clicks, defer, finish, next_at, take};
pub use inbound::{Inbound, Received, insert_inbound, last_to, last_words};
pub use store::{NewEvent, insert};
