//! Every kind a worker can run: one line each.

pub use crate::queue::registry::Registry;

/// All kinds of the platform.
pub fn all() -> Registry {
    Registry::new()
}
