//! What providers tell us: kept once as it came, and applied to messages in bulk, in any order.

mod keep;

pub use keep::keep;
