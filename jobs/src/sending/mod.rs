//! Handing messages over, each at most once.
//!
//! [`letter`] writes what one recipient gets, [`flow`] keeps calls in flight and records what came of them, [`verdict`]
//! says what a failure means, and [`batch`] is one run of a lane. The order is what keeps the promise: a message is
//! marked `sending`, which is committed, before its call; its outcome is recorded by the attempt that marked it; and
//! what an attempt leaves behind unrecorded becomes `unconfirmed` and is settled by the provider's word alone.

pub mod batch;
pub mod flow;
pub mod letter;
pub mod unconfirmed;
pub mod verdict;
