//! The book: `/api/customers`, `/api/policies`, `/api/cases`, to be looked at.
//!
//! Lists are newest first and read-only. Contact data shows in clear only to those who may see it so.

mod cases;
mod customers;
mod policies;

use crate::{
    error::{ApiError, ApiResult},
    request::{COUNT_CAP, Page},
};
use domain::money::Money;
use poem_openapi::OpenApi;
use rust_decimal::Decimal;
use schema::book::Part;

/// Every part of the resource.
pub fn api() -> impl OpenApi + 'static {
    (customers::CustomersApi, policies::PoliciesApi, cases::CasesApi)
}

/// The page as queries take it.
fn part(page: Page) -> Part {
    Part { offset: page.offset(), limit: page.limit(), count_cap: COUNT_CAP }
}

/// What is searched for; blank is nothing.
fn search(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// First and last name.
fn full_name(first: &str, last: &str) -> String {
    format!("{first} {last}").trim().to_owned()
}

/// An amount as it is shown: two decimals, never a float.
fn money(amount: Decimal) -> ApiResult<String> {
    Ok(Money::try_from(amount).map_err(ApiError::internal)?.to_string())
}
