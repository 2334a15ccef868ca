//! What people allow, and restraint: consents of a customer, the suppression list, the rules, holidays.
//!
//! An employee records what a person said; what the person chose themselves stands, and the answer tells so.

mod csv;
mod customer;
mod export;
mod holidays;
mod import;
mod rules;
mod rules_body;
mod suppressions;

use crate::request::named_set;
use domain::masking;
use domain::messaging::{Channel, Purpose, SuppressionReason, SuppressionScope, SuppressionSource};
use poem_openapi::OpenApi;

named_set!(Purpose, SuppressionReason, SuppressionScope, SuppressionSource);

/// Every part of the resource.
pub fn api() -> impl OpenApi + 'static {
    (
        customer::ConsentsApi,
        suppressions::SuppressionsApi,
        import::SuppressionImportApi,
        export::SuppressionExportApi,
        rules::RulesApi,
        holidays::HolidaysApi,
    )
}

/// An address as those see it who need not know it.
fn masked(channel: Channel, address: &str) -> String {
    match channel {
        Channel::Email => masking::email(address),
        Channel::Whatsapp | Channel::Sms => masking::phone(address),
    }
}
