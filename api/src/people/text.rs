//! Texts about people: trimmed, on one line, and numbers as they can be called.

use crate::{
    envelope::FieldFault,
    error::{ApiError, ApiResult},
};
use domain::contact::Phone;
use poem_openapi::types::MaybeUndefined;

/// What a number without a country prefix belongs to.
const COUNTRY: &str = "IN";

/// Collects what is wrong, to tell all of it at once.
#[derive(Default)]
pub(super) struct Faults(Vec<FieldFault>);

impl Faults {
    /// One more.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldFault { field: field.to_owned(), message: message.into() });
    }

    /// 400 if there is any.
    pub fn none(self) -> ApiResult<()> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::faults(self.0)) }
    }

    /// A text that has to be there.
    pub fn line(&mut self, field: &str, text: &str) -> String {
        let text = text.trim();
        if text.is_empty() {
            self.add(field, "is required");
        } else if text.chars().any(char::is_control) {
            self.add(field, "expected one line without control characters");
        }
        text.to_owned()
    }

    /// A text that may be left out; a blank one is.
    pub fn optional_line(&mut self, field: &str, text: Option<String>) -> Option<String> {
        text.filter(|text| !text.trim().is_empty()).map(|text| self.line(field, &text))
    }

    /// What may be left as it is, or cleared.
    pub fn clearable(
        &mut self,
        field: &str,
        text: MaybeUndefined<String>,
        read: fn(&mut Self, &str, Option<String>) -> Option<String>,
    ) -> Option<Option<String>> {
        match text {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(text) => Some(read(self, field, Some(text))),
        }
    }

    /// A number that may be left out, in E.164.
    pub fn phone(&mut self, field: &str, text: Option<String>) -> Option<String> {
        let text = text.filter(|text| !text.trim().is_empty())?;
        match Phone::parse(&text, COUNTRY) {
            Ok(phone) => Some(phone.into()),
            Err(_) => {
                self.add(field, "expected a phone number such as +919876543210");
                None
            }
        }
    }
}
