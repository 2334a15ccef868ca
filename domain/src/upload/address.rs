//! A postal address as the customer's JSON holds it.

use serde::{Deserialize, Serialize};

/// The parts a book of policies may have; what it has not is left out of the JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    /// House, street, area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl Address {
    /// The address, unless no part is there.
    pub fn some(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_are_not_there_are_left_out() {
        let address = Address { postal_code: Some("400001".to_owned()), ..Address::default() };
        assert_eq!(serde_json::to_string(&address).unwrap(), r#"{"postalCode":"400001"}"#);
        assert_eq!(Address::default().some(), None);
    }
}
