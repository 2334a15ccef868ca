//! What an uploader says about a file: a description, and how it is to be read.
//!
//! Fails with the field at fault, before anything is kept.

use crate::{
    error::{ApiError, ApiResult},
    request::Name,
    state::SharedState,
};
use domain::upload::{Column, DateOrder, Mapping};
use jobs::uploads::options::{OptionsError, UploadOptions};
use poem_openapi::{Enum, Object};
use schema::uploads::mappings;
use serde_json::Value;
use std::collections::HashMap;

/// Headers of a mapping at most.
const MOST_HEADERS: usize = 512;
/// Characters of a header at most.
const LONGEST_HEADER: usize = 255;

/// Which comes first in a date written in numbers.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "camelCase")]
enum DateOrderGiven {
    /// 31/12/2025.
    DayFirst,
    /// 12/31/2025.
    MonthFirst,
}

/// How a file is to be read; what is left out is found in the file.
#[derive(Debug, Default, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Options {
    /// The sheet's name; otherwise the first visible one with a usable header.
    #[oai(validator(min_length = 1, max_length = 255))]
    sheet: Option<String>,
    /// The header's row as the sheet shows it, from 1.
    #[oai(validator(minimum(value = "1")))]
    header_row: Option<u32>,
    /// Header text to column; headers it does not name are read by alias.
    mapping: Option<HashMap<String, Name<Column>>>,
    /// A saved mapping, in place of `mapping`.
    #[oai(validator(max_length = 100))]
    mapping_name: Option<String>,
    /// How dates in numbers are read; otherwise day first.
    date_order: Option<DateOrderGiven>,
    /// Of phone numbers without a country code, such as `IN`.
    #[oai(validator(max_length = 2))]
    default_country: Option<String>,
    /// Of premiums without a currency, such as `INR`.
    #[oai(validator(max_length = 3))]
    default_currency: Option<String>,
}

/// What is said about a file.
#[derive(Debug, Default, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Metadata {
    /// For people.
    #[oai(validator(max_length = 2000))]
    description: Option<String>,
    /// How it is to be read.
    options: Option<Options>,
}

/// What the table keeps of it.
#[derive(Debug, Default)]
pub struct Described {
    /// For people.
    pub description: Option<String>,
    /// As the job reads them.
    pub options: Option<Value>,
}

impl Metadata {
    pub(super) fn new(description: Option<String>, options: Option<Options>) -> Self {
        Self { description, options }
    }

    /// Checked, with the content of the saved mapping it names.
    pub(super) async fn checked(self, state: &SharedState) -> ApiResult<Described> {
        let description = self.description.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let options = match self.options {
            Some(options) => options.checked(state).await?.to_json().map_err(ApiError::internal)?,
            None => None,
        };
        Ok(Described { description, options })
    }
}

impl Options {
    async fn checked(self, state: &SharedState) -> ApiResult<UploadOptions> {
        let mapping = match (self.mapping, &self.mapping_name) {
            (Some(_), Some(_)) => {
                return Err(fault("mappingName", "give either a mapping or the name of a saved one"));
            }
            (Some(given), None) => {
                check_headers(&given, "options.mapping")?;
                Some(mapping_of(given))
            }
            (None, Some(name)) => Some(saved(state, name).await?),
            (None, None) => None,
        };
        let currency = self.default_currency.map(|code| code.parse());
        let options = UploadOptions {
            sheet: self.sheet,
            header_row: self.header_row,
            mapping,
            mapping_name: self.mapping_name,
            date_order: self.date_order.map(|order| match order {
                DateOrderGiven::DayFirst => DateOrder::DayFirst,
                DateOrderGiven::MonthFirst => DateOrder::MonthFirst,
            }),
            default_country: self.default_country.map(|code| code.trim().to_ascii_uppercase()),
            default_currency: currency.transpose().map_err(|error| fault("defaultCurrency", format!("{error}")))?,
        };
        options.check().map_err(|error| refused(&error))?;
        Ok(options)
    }
}

async fn saved(state: &SharedState, name: &str) -> ApiResult<Mapping> {
    let mut connection = state.services.db.get().await?;
    let found = mappings::find(&mut connection, name.trim()).await?;
    let found = found.ok_or_else(|| fault("mappingName", "there is no saved mapping of that name"))?;
    serde_json::from_value(found.mapping).map_err(ApiError::internal)
}

/// A mapping out of what was given.
pub(super) fn mapping_of(given: HashMap<String, Name<Column>>) -> Mapping {
    Mapping::from_pairs(given.into_iter().map(|(header, column)| (header, column.0)))
}

/// As many headers as a sheet has columns, each as long as a table keeps it.
pub(super) fn check_headers(given: &HashMap<String, Name<Column>>, field: &str) -> ApiResult<()> {
    if given.len() > MOST_HEADERS {
        return Err(ApiError::invalid(field, format!("expected at most {MOST_HEADERS} headers")));
    }
    match given.keys().find(|header| header.trim().is_empty() || header.chars().count() > LONGEST_HEADER) {
        Some(header) => {
            let message = format!("a header has 1 to {LONGEST_HEADER} characters");
            Err(ApiError::invalid(format!("{field}.{header}"), message))
        }
        None => Ok(()),
    }
}

fn fault(option: &str, message: impl Into<String>) -> ApiError {
    ApiError::invalid(format!("options.{option}"), message)
}

fn refused(error: &OptionsError) -> ApiError {
    match error.field() {
        // its own text begins with the field
        Some(field) => {
            let text = error.to_string();
            fault(field, text.split_once(": ").map_or(text.as_str(), |(_, message)| message))
        }
        None => ApiError::invalid("options", error.to_string()),
    }
}
