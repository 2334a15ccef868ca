//! The only SQL of the platform: tables, row structs and every query, one file a family of tables.
//!
//! Queries take a connection, so that the caller decides what is one transaction. They fail with [`DbError`], which
//! keeps its source; what may be tried again is told by [`DbError::is_transient`].

pub mod audit;
pub mod book;
pub mod bounce_mailboxes;
pub mod bounces;
pub mod campaigns;
pub mod consent;
pub mod error;
pub mod idempotency;
mod in_time;
pub mod initial;
pub mod ledger;
mod like;
pub mod messages;
pub mod migrate;
mod names;
pub mod notifications;
mod part;
pub mod people;
mod places;
pub mod pool;
pub mod prices;
pub mod provider_events;
mod reach;
pub mod schedules;
pub mod sealed;
pub mod segments;
pub mod sending_accounts;
pub mod sequences;
pub mod sql;
pub mod tables;
pub mod template_versions;
pub mod templates;
pub mod uploads;
pub mod whatsapp_flows;
pub mod whatsapp_templates;

use part::Count;

pub use diesel::result::Error as QueryError;
pub use diesel_async::{AsyncConnection, AsyncPgConnection};
pub use error::DbError;
pub use part::Part;
pub use pool::{Conn, CopyPool, Db, DbConfig};
