//! What people did, and what happened to their accounts: `/api/audit`, `/api/users/{id}/security-events` and
//! `/api/auth/security-events`.
//!
//! Lists go on by place, newest first, since there may be millions; nothing is counted. Nothing here changes an entry:
//! the database refuses it.

mod events;
mod export;
mod filter;
mod list;
mod view;

use poem_openapi::OpenApi;

/// Every part of the resource.
pub fn api() -> impl OpenApi + 'static {
    (list::AuditApi, export::AuditExportApi, events::SecurityEventsApi)
}
