//! Ways to reach a person: phone numbers in E.164 and email addresses.
//!
//! Parsing fails on anything a provider would refuse at once; the row or field at fault is named by the caller.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What was given is not a phone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Nothing that reads as a number in the country.
    #[error("not a phone number of {0}")]
    Unreadable(String),
    /// Reads as a number, but no such number is in use there.
    #[error("no such number is in use in {0}")]
    Impossible(String),
    /// The default country is not an ISO 3166 code.
    #[error("{0} is not a country code such as IN")]
    Country(String),
}

/// A phone number in E.164: `+` and up to 15 digits (ITU-T E.164).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

impl Phone {
    /// Reads a number as people write it; one without a country prefix is of `country` (ISO 3166 alpha-2).
    pub fn parse(text: &str, country: &str) -> Result<Self, PhoneError> {
        let region =
            country.parse::<phonenumber::country::Id>().map_err(|_| PhoneError::Country(country.to_owned()))?;
        let number =
            phonenumber::parse(Some(region), text.trim()).map_err(|_| PhoneError::Unreadable(country.to_owned()))?;
        if !phonenumber::is_valid(&number) {
            return Err(PhoneError::Impossible(country.to_owned()));
        }
        Ok(Self(number.format().mode(phonenumber::Mode::E164).to_string()))
    }

    /// `+919876543210`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The country of the number (ISO 3166 alpha-2), where its numbering plan tells.
    pub fn country(&self) -> Option<String> {
        let number = phonenumber::parse(None, &self.0).ok()?;
        number.country().id().map(|id| id.as_ref().to_owned())
    }

    /// The digits without the plus, as WhatsApp names a recipient.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;
    /// Accepts E.164 only: how numbers are kept, not how people write them.
    fn try_from(text: String) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let plausible =
            (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        if plausible { Ok(Self(text)) } else { Err(PhoneError::Unreadable("E.164".to_owned())) }
    }
}

impl FromStr for Phone {
    type Err = PhoneError;
    fn from_str(text: &str) -> Result<Self, PhoneError> {
        Self::try_from(text.to_owned())
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> String {
        phone.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Phone {
    /// Personal data: only the last two digits show in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone(…{})", &self.0[self.0.len().saturating_sub(2)..])
    }
}

/// What was given is not an email address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an email address such as name@example.com")]
pub struct EmailError;

/// An email address as mail servers take it (RFC 5321, without quoted local parts), domain in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// `name@example.com`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_local_byte(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte)
    }

    fn is_label(label: &str) -> bool {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    }
}

impl FromStr for Email {
    type Err = EmailError;
    fn from_str(text: &str) -> Result<Self, EmailError> {
        let (local, host) = text.trim().rsplit_once('@').ok_or(EmailError)?;
        let local_ok = (1..=64).contains(&local.len())
            && local.bytes().all(Self::is_local_byte)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let host = host.to_ascii_lowercase();
        let host_ok = host.len() <= 253 && host.contains('.') && host.split('.').all(Self::is_label);
        let top_ok =
            host.rsplit('.').next().is_some_and(|top| top.len() >= 2 && !top.bytes().all(|b| b.is_ascii_digit()));
        if local_ok && host_ok && top_ok { Ok(Self(format!("{local}@{host}"))) } else { Err(EmailError) }
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;
    fn try_from(text: String) -> Result<Self, EmailError> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> String {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    /// Personal data: only the domain shows in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email(…@{})", self.0.rsplit('@').next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them_become_e164() {
        for text in ["98765 43210", "098765-43210", "+91 98765 43210", "0091 9876543210", "(+91) 98765.43210"] {
            assert_eq!(Phone::parse(text, "IN").map(String::from), Ok("+919876543210".to_owned()), "{text}");
        }
        assert_eq!(Phone::parse("+1 415 867 5309", "IN").unwrap().digits(), "14158675309");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "N/A", "12345", "98765", "abcdefghij", "00000000000"] {
            assert!(Phone::parse(text, "IN").is_err(), "{text}");
        }
        assert_eq!(Phone::parse("98765 43210", "XX"), Err(PhoneError::Country("XX".to_owned())));
    }

    #[test]
    fn a_number_tells_its_country() {
        for (number, country) in [("+919876543210", "IN"), ("+14158675309", "US"), ("+16045550123", "CA")] {
            assert_eq!(number.parse::<Phone>().unwrap().country().as_deref(), Some(country), "{number}");
        }
        assert_eq!("+99912345678".parse::<Phone>().unwrap().country(), None);
    }

    #[test]
    fn addresses() {
        assert_eq!(" A.b+c@Example.COM ".parse::<Email>().unwrap().as_str(), "A.b+c@example.com");
        for text in ["", "a@b", "a b@c.de", "a@@b.de", ".a@b.de", "a@b..de", "a@-b.de", "a@1.2.3.4", "x"] {
            assert!(text.parse::<Email>().is_err(), "{text}");
        }
    }
}
