//! One field of the book that a row would change, for the uploader to see.

use serde_json::Value;

/// A field, by its JSON name, with its value before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub field: &'static str,
    pub from: Value,
    pub to: Value,
}

/// Gathers the fields whose values differ.
#[derive(Default)]
pub(super) struct Differences(pub(super) Vec<Difference>);

impl Differences {
    pub(super) fn note<T: PartialEq + serde::Serialize>(&mut self, field: &'static str, from: &T, to: &T) {
        if from != to {
            // strings, numbers, dates and addresses: none of them can fail to be written
            let json = |value: &T| serde_json::to_value(value).unwrap_or_default();
            self.0.push(Difference { field, from: json(from), to: json(to) });
        }
    }
}
