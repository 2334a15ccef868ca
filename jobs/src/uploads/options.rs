//! How an uploaded file is to be read: what its uploader said about it, as `file_uploads.options` keeps it.
//!
//! Whoever submits an upload checks the options with [`UploadOptions::check`] and puts a saved mapping's content into
//! [`UploadOptions::mapping`], so that what was asked for stays with the upload whatever becomes of the saved one.
//! Options that cannot be read are an [`OptionsError`], which names the option.

use chrono::NaiveDate;
use domain::contact::{Phone, PhoneError};
use domain::upload::{Currency, DateOrder, DateSystem, Mapping, RowRules};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All of them optional; JSON in camelCase. An unknown option is refused and not passed over in silence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct UploadOptions {
    /// The sheet's name; otherwise the first visible one with a usable header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The header's row as the sheet shows it, from 1; otherwise it is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_row: Option<u32>,
    /// Header text to column; headers it does not name are read by alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Mapping>,
    /// The name of the saved mapping that `mapping` was taken from, for people to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping_name: Option<String>,
    /// How dates in numbers are read; otherwise day first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_order: Option<DateOrder>,
    /// ISO 3166 alpha-2, of phone numbers without a country code; otherwise India.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_country: Option<String>,
    /// Of premiums without a currency; otherwise rupees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_currency: Option<Currency>,
}

/// An option that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// Not the JSON of options.
    #[error("the options cannot be read: {0}")]
    Unreadable(#[source] serde_json::Error),
    /// No such country.
    #[error("defaultCountry: \"{0}\" is not a country code such as IN")]
    Country(String),
    /// Rows count from one.
    #[error("headerRow: rows are counted from 1, as the sheet shows them")]
    HeaderRow,
}

impl OptionsError {
    /// The option at fault, by its JSON name, if it is one.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Unreadable(_) => None,
            Self::Country(_) => Some("defaultCountry"),
            Self::HeaderRow => Some("headerRow"),
        }
    }
}

impl UploadOptions {
    /// Reads and checks what a table or a caller holds; nothing means the defaults.
    pub fn read(value: Option<&Value>) -> Result<Self, OptionsError> {
        match value {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(value) => {
                let options = Self::deserialize(value).map_err(OptionsError::Unreadable)?;
                options.check()?;
                Ok(options)
            }
        }
    }

    /// Whether every option can be used.
    pub fn check(&self) -> Result<(), OptionsError> {
        if self.header_row == Some(0) {
            return Err(OptionsError::HeaderRow);
        }
        match &self.default_country {
            Some(country) if matches!(Phone::parse("0", country), Err(PhoneError::Country(_))) => {
                Err(OptionsError::Country(country.clone()))
            }
            _ => Ok(()),
        }
    }

    /// What the table keeps; `None` when nothing was asked for.
    pub fn to_json(&self) -> Result<Option<Value>, serde_json::Error> {
        if *self == Self::default() { Ok(None) } else { serde_json::to_value(self).map(Some) }
    }

    /// The rules the file's rows are checked by.
    pub(super) fn rules(&self, today: NaiveDate, date_system: DateSystem) -> RowRules {
        let usual = RowRules::new(today);
        RowRules {
            default_country: self.default_country.clone().unwrap_or(usual.default_country),
            default_currency: self.default_currency.unwrap_or(usual.default_currency),
            date_order: self.date_order.unwrap_or(usual.date_order),
            date_system,
            today,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_kept_reads_back() {
        let json = json!({
            "sheet": "Book", "headerRow": 4, "mapping": {"Ref": "policyNumber"}, "mappingName": "Broker A",
            "dateOrder": "monthFirst", "defaultCountry": "AE", "defaultCurrency": "AED",
        });
        let options = UploadOptions::read(Some(&json)).unwrap();
        assert_eq!(options.header_row, Some(4));
        assert_eq!(options.date_order, Some(DateOrder::MonthFirst));
        assert_eq!(options.to_json().unwrap(), Some(json));
        assert_eq!(UploadOptions::read(Some(&json!({}))).unwrap().to_json().unwrap(), None);
        assert_eq!(UploadOptions::read(None).unwrap(), UploadOptions::default());
    }

    #[test]
    fn an_option_that_cannot_be_used_is_named() {
        for (json, field) in [
            (json!({"defaultCountry": "Bharat"}), Some("defaultCountry")),
            (json!({"headerRow": 0}), Some("headerRow")),
            (json!({"headersRow": 1}), None),
            (json!({"mapping": {"Ref": "policy"}}), None),
        ] {
            let error = UploadOptions::read(Some(&json)).unwrap_err();
            assert_eq!(error.field(), field, "{error}");
        }
    }
}
