//! The book: `/api/customers`, `/api/policies`, `/api/cases`, to be looked at.
//!
//! Lists are newest first, and hold what is in the reader's reach. Contact and identity data is masked everywhere but in
//! [`reveal`].

mod cases;
mod customers;
mod policies;
mod reveal;

use poem_openapi::OpenApi;

/// Every part of the resource.
pub fn api() -> impl OpenApi + 'static {
    (customers::CustomersApi, reveal::RevealApi, policies::PoliciesApi, cases::CasesApi)
}

/// What is searched for; blank is nothing.
fn search(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}
