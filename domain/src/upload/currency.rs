//! Currencies: ISO 4217 codes, and the signs people write instead.
//!
//! Parsing fails on what is neither a code in use nor a sign of one.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// What was given is no currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a currency code such as INR or USD")]
pub struct CurrencyError;

/// An ISO 4217 code in use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(&'static str);

/// ISO 4217, active codes of circulating currencies (list one, 2024).
const CODES: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BHD", "BIF",
    "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY", "COP", "CRC",
    "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS",
    "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD",
    "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL",
    "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN", "NAD",
    "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD",
    "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP",
    "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VES",
    "VND", "VUV", "WST", "XAF", "XCD", "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWL",
];

/// Signs and names, with every code they may stand for; the first is meant where nothing says otherwise.
const SIGNS: &[(&str, &[&str])] = &[
    ("₹", &["INR"]),
    ("₨", &["INR", "PKR", "LKR", "NPR", "MUR"]),
    ("rs", &["INR", "PKR", "LKR", "NPR", "MUR"]),
    ("rs.", &["INR", "PKR", "LKR", "NPR", "MUR"]),
    ("rupees", &["INR", "PKR", "LKR", "NPR", "MUR"]),
    ("us$", &["USD"]),
    ("s$", &["SGD"]),
    ("$", &["USD", "SGD", "AUD", "CAD", "HKD", "NZD", "TTD", "FJD", "BBD", "JMD", "BND"]),
    ("€", &["EUR"]),
    ("£", &["GBP", "EGP", "FKP", "GIP", "SHP"]),
    ("¥", &["JPY", "CNY"]),
    ("dhs", &["AED"]),
    ("dhs.", &["AED"]),
];

impl Currency {
    /// The Indian rupee.
    pub const INR: Self = Self("INR");
    /// What the template's drop-down offers.
    pub const COMMON: [Self; 8] =
        [Self::INR, Self("USD"), Self("EUR"), Self("GBP"), Self("AED"), Self("SGD"), Self("AUD"), Self("CAD")];

    /// The three letters.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    fn of_code(code: &str) -> Option<Self> {
        CODES.iter().find(|known| known.eq_ignore_ascii_case(code)).map(|known| Self(known))
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;
    /// Reads a code or a sign, in any case.
    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        let text = text.trim();
        let of_sign = || Sign::of(text).map(Sign::meant);
        Self::of_code(text).or_else(of_sign).ok_or(CurrencyError)
    }
}

/// A code or sign beside an amount; a `$` alone may be of several currencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign(&'static [&'static str]);

impl Sign {
    /// The sign or code `text` is, in any case.
    pub(super) fn of(text: &str) -> Option<Self> {
        let sign = SIGNS.iter().find(|(sign, _)| sign.eq_ignore_ascii_case(text)).map(|(_, codes)| Self(codes));
        sign.or_else(|| {
            let place = CODES.iter().position(|code| code.eq_ignore_ascii_case(text))?;
            Some(Self(&CODES[place..=place]))
        })
    }

    /// The currency meant where nothing says otherwise.
    pub fn meant(self) -> Currency {
        Currency(self.0.first().copied().unwrap_or("INR"))
    }

    /// Whether it may stand for the currency.
    pub fn fits(self, currency: Currency) -> bool {
        self.0.contains(&currency.0)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Currency {
    /// Takes a code only: how currencies are kept, not how people write them.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::of_code(&text).ok_or_else(|| serde::de::Error::custom(format!("{text} {CurrencyError}")))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_signs_in_any_case() {
        for text in ["INR", "inr", "₹", "Rs.", "RS"] {
            assert_eq!(text.parse(), Ok(Currency::INR), "{text}");
        }
        assert_eq!("$".parse::<Currency>().unwrap().as_str(), "USD");
        for text in ["", "XYZ", "IN", "rupee coins"] {
            assert_eq!(text.parse::<Currency>(), Err(CurrencyError), "{text}");
        }
    }

    #[test]
    fn a_dollar_sign_fits_any_dollar() {
        let dollar = Sign::of("$").unwrap();
        assert!(dollar.fits("SGD".parse().unwrap()) && !dollar.fits(Currency::INR));
    }

    #[test]
    fn a_currency_survives_its_json() {
        let json = serde_json::to_string(&Currency::INR).unwrap();
        assert_eq!(json, "\"INR\"");
        assert_eq!(serde_json::from_str::<Currency>(&json).unwrap(), Currency::INR);
        assert!(serde_json::from_str::<Currency>("\"₹\"").is_err());
    }
}
