//! Personal data as it is shown: enough to tell people apart, not enough to reach them or to pass for them. The one place
//! for these rules; what is shown in clear is asked for one person at a time, and goes into the audit log.
//!
//! Nothing fails: what cannot be read is hidden whole.

use chrono::{Datelike, NaiveDate};
use serde_json::{Map, Value};

const HIDDEN: &str = "***";

/// `a***@example.com`.
pub fn email(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}{HIDDEN}@{domain}", local.chars().next().unwrap_or_default()),
        None => HIDDEN.to_owned(),
    }
}

/// `+91******3210`: the first two digits and the last four.
pub fn phone(number: &str) -> String {
    const SHOWN: usize = 2 + 4;
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    if digits.len() <= SHOWN {
        return HIDDEN.to_owned();
    }
    let hidden = digits.len() - SHOWN;
    let first: String = digits.iter().take(2).collect();
    let last: String = digits.iter().skip(2 + hidden).collect();
    format!("+{first}{}{last}", "*".repeat(hidden))
}

/// Where a message goes: an email address or a phone number.
pub fn contact(address: &str) -> String {
    if address.contains('@') { email(address) } else { phone(address) }
}

/// `**/**/1980`: the year only.
pub fn date_of_birth(date: NaiveDate) -> String {
    format!("**/**/{}", date.year())
}

/// City and state only; `None` when neither is known.
pub fn address(address: &Value) -> Option<Value> {
    let shown: Map<String, Value> = ["city", "state"]
        .into_iter()
        .filter_map(|part| Some((part.to_owned(), Value::String(address.get(part)?.as_str()?.to_owned()))))
        .collect();
    (!shown.is_empty()).then_some(Value::Object(shown))
}

/// `******1234`: the last four of a number that stands for a person, such as a PAN or an Aadhaar number.
pub fn identity(number: &str) -> String {
    const SHOWN: usize = 4;
    let length = number.chars().count();
    // of a short one the last four would be most of it
    let hidden = if length > 2 * SHOWN { length - SHOWN } else { length };
    number.chars().enumerate().map(|(place, shown)| if place < hidden { '*' } else { shown }).collect()
}

/// Identity documents: what kind they are and how they stand shows, everything else as [`identity`].
pub fn documents(documents: &Value) -> Value {
    const SHOWN: [&str; 3] = ["type", "kind", "status"];
    match documents {
        Value::Object(parts) => Value::Object(
            parts
                .iter()
                .map(|(name, part)| {
                    let shown = SHOWN.contains(&name.as_str()) && part.is_string();
                    (name.clone(), if shown { part.clone() } else { self::documents(part) })
                })
                .collect(),
        ),
        Value::Array(parts) => Value::Array(parts.iter().map(self::documents).collect()),
        Value::String(text) => Value::String(identity(text)),
        Value::Number(number) => Value::String(identity(&number.to_string())),
        Value::Bool(_) | Value::Null => documents.clone(),
    }
}

/// A field of a customer by its JSON name, as a report of changes has it; fields that are not personal stay.
pub fn field(name: &str, value: &Value) -> Value {
    let text = |mask: fn(&str) -> String| match value {
        Value::Null => Value::Null,
        other => Value::String(other.as_str().map_or_else(|| HIDDEN.to_owned(), mask)),
    };
    match name {
        "email" => text(email),
        "phone" => text(phone),
        "dateOfBirth" => text(|date| date.parse().map_or_else(|_| HIDDEN.to_owned(), date_of_birth)),
        "address" => address(value).unwrap_or_default(),
        _ => value.clone(),
    }
}

/// A text that may name the address it was sent to, such as a provider's complaint.
pub fn within(text: &str, address: &str) -> String {
    let masked = contact(address);
    let text = text.replace(address, &masked);
    match address.strip_prefix('+') {
        Some(digits) if !digits.is_empty() => text.replace(digits, &masked),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn people_can_be_told_apart_and_not_reached() {
        assert_eq!(email("asha.rao@example.com"), "a***@example.com");
        assert_eq!(email("nobody"), "***");
        assert_eq!(phone("+919876543210"), "+91******3210");
        assert_eq!(phone("+123456"), "***");
        assert_eq!(contact("asha@example.com"), "a***@example.com");
        assert_eq!(contact("+919876543210"), "+91******3210");
        assert_eq!(contact(""), "***");
    }

    #[test]
    fn of_a_birthday_the_year_shows_and_of_an_address_the_city() {
        assert_eq!(date_of_birth("1980-05-17".parse().unwrap()), "**/**/1980");
        let full = json!({"line": "12 MG Road", "city": "Pune", "state": "MH", "postalCode": "411001"});
        assert_eq!(address(&full), Some(json!({"city": "Pune", "state": "MH"})));
        assert_eq!(address(&json!({"line": "12 MG Road"})), None);
        assert_eq!(address(&json!("12 MG Road, Pune")), None);
    }

    #[test]
    fn of_a_number_that_stands_for_a_person_the_last_four_show() {
        assert_eq!(identity("ABCDE1234F"), "******234F");
        assert_eq!(identity("12345678"), "********");
        let kyc = json!([{"type": "pan", "number": "ABCDE1234F", "pages": 123_456_789, "verified": true}]);
        let masked = json!([{"type": "pan", "number": "******234F", "pages": "*****6789", "verified": true}]);
        assert_eq!(documents(&kyc), masked);
    }

    #[test]
    fn a_change_tells_that_there_was_one() {
        assert_eq!(field("email", &json!("asha@example.com")), json!("a***@example.com"));
        assert_eq!(field("phone", &Value::Null), Value::Null);
        assert_eq!(field("dateOfBirth", &json!("1980-05-17")), json!("**/**/1980"));
        assert_eq!(field("dateOfBirth", &json!("tomorrow")), json!("***"));
        assert_eq!(field("address", &json!({"line": "12 MG Road"})), Value::Null);
        assert_eq!(field("premiumAmount", &json!("12.00")), json!("12.00"));
    }

    #[test]
    fn a_complaint_does_not_name_the_number() {
        let told = within("919876543210 (+919876543210) is not on WhatsApp", "+919876543210");
        assert_eq!(told, "+91******3210 (+91******3210) is not on WhatsApp");
    }
}
