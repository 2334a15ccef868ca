//! Segments: named parts of the book's customers, what filters come to in SQL, and tags on customers.

pub(crate) mod compile;
mod count;
mod explain;
mod fields;
mod listed;
mod members;
mod related;
mod resolve;
mod store;
pub mod tags;

pub(crate) use count::PlanLine;
pub use count::{Counted, Sampled, count, estimate, plan, preview, sample};
pub use explain::{Explained, explain};
pub use listed::{Listed, listed};
pub use members::{Added, Member, add, add_codes, members, remove};
pub use resolve::{ResolveError, resolve};
pub use store::{NewSegment, Seen, SegmentRow, change, create, delete, find, list};
