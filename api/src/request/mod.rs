//! What requests are made of: JSON bodies, typed ids, names of closed sets, order, pages.

mod csv_body;
mod faults;
mod id;
mod json_body;
mod name;
mod page;
mod sort;
mod strict_body;
mod text;

pub use csv_body::CsvBody;
pub use id::Id;
pub use json_body::{JsonBody, is_json, parse as parse_json};
pub(crate) use name::named_set;
pub use name::{Name, NamedSet, Names};
pub use page::{COUNT_CAP, Page, Pagination};
pub use sort::Sort;
pub use strict_body::StrictBody;
pub(crate) use text::blank_is_none;
