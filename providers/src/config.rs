//! Reading settings from the environment, all faults at once.

use crate::http::is_loopback;
use std::{collections::BTreeMap, fmt::Display, str::FromStr};
use url::Url;

/// A setting that cannot be used, by the name of its variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", self.name())]
pub struct ConfigFault {
    /// The environment variable, as the first account's is called.
    pub variable: &'static str,
    /// Which of several accounts it is of, from 1.
    pub account: u32,
    /// What is wrong with its value, without the value.
    pub problem: String,
}

impl ConfigFault {
    /// The environment variable as it is called.
    pub fn name(&self) -> String {
        format!("{}{}", self.variable, suffix(self.account))
    }
}

/// What stands behind the names of an account's variables.
fn suffix(account: u32) -> String {
    if account == 1 { String::new() } else { format!("_{account}") }
}

/// Looks variables up and collects what is wrong with them.
pub struct Settings<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<ConfigFault>,
}

impl<'a> Settings<'a> {
    /// Settings behind a lookup, such as `|name| std::env::var(name).ok()`.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, faults: Vec::new() }
    }

    /// The value, trimmed; a blank one counts as unset.
    pub fn optional(&self, variable: &str) -> Option<String> {
        (self.lookup)(variable).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The value; unset is a fault, and the empty text stands in until the faults are reported.
    pub fn required(&mut self, variable: &'static str, why: &str) -> String {
        self.optional(variable).unwrap_or_else(|| {
            self.fault(variable, format!("is not set; {why}"));
            String::new()
        })
    }

    /// The value read as a `T` that `accepts` takes; unset gives the default, anything else is a fault.
    pub fn parsed<T: FromStr>(
        &mut self,
        variable: &'static str,
        default: T,
        expected: &str,
        accepts: impl Fn(&T) -> bool,
    ) -> T {
        let Some(text) = self.optional(variable) else { return default };
        text.parse().ok().filter(accepts).unwrap_or_else(|| {
            self.fault(variable, format!("expected {expected}"));
            default
        })
    }

    /// Where a service is. Credentials travel with every call, so only this machine may be reached in clear.
    pub fn base_url(&mut self, variable: &'static str, default: &str) -> Option<Url> {
        let text = self.optional(variable).unwrap_or_else(|| default.to_owned());
        let url = Url::parse(&text).ok().filter(|url| {
            let plain = url.scheme() == "http" && is_loopback(url);
            (url.scheme() == "https" || plain) && url.query().is_none() && url.username().is_empty()
        });
        if url.is_none() {
            self.fault(variable, "expected https://host (http only for this machine), without a query");
        }
        url
    }

    /// Senders by the recipient's country, as in `IN=ACME,US=+15005550006`; blank is none.
    pub fn senders(&mut self, variable: &'static str, is_sender: fn(&str) -> bool) -> BTreeMap<String, String> {
        let text = self.optional(variable).unwrap_or_default();
        let mut senders = BTreeMap::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let read = entry.split_once('=').map(|(country, sender)| (country.trim(), sender.trim()));
            let read = read.filter(|(country, sender)| {
                country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()) && is_sender(sender)
            });
            match read {
                Some((country, sender)) => {
                    senders.insert(country.to_owned(), sender.to_owned());
                }
                None => {
                    self.fault(variable, "expected countries and senders, as in IN=ACME,US=+15005550006");
                    break;
                }
            }
        }
        senders
    }

    /// Notes a fault.
    pub fn fault(&mut self, variable: &'static str, problem: impl Display) {
        self.faults.push(ConfigFault { variable, account: 1, problem: problem.to_string() });
    }

    /// What was built from the settings, unless any of them is at fault.
    pub fn finish<T>(self, built: T) -> Result<T, Vec<ConfigFault>> {
        if self.faults.is_empty() { Ok(built) } else { Err(self.faults) }
    }
}

/// The most accounts of one provider.
const ACCOUNT_LIMIT: u32 = 9;

/// Every account of a provider: the first by the names of its variables, the second by the same with `_2` behind them,
/// and so on. A number may be left out.
pub fn numbered<T>(
    lookup: &dyn Fn(&str) -> Option<String>,
    read: impl Fn(&dyn Fn(&str) -> Option<String>) -> Result<Option<T>, Vec<ConfigFault>>,
) -> Result<Vec<T>, Vec<ConfigFault>> {
    let (mut accounts, mut faults) = (Vec::new(), Vec::new());
    for number in 1..=ACCOUNT_LIMIT {
        let suffix = suffix(number);
        match read(&|name: &str| lookup(&format!("{name}{suffix}"))) {
            Ok(account) => accounts.extend(account),
            Err(found) => faults.extend(found.into_iter().map(|fault| ConfigFault { account: number, ..fault })),
        }
    }
    if faults.is_empty() { Ok(accounts) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_and_no_value_is_shown() {
        let lookup = |name: &str| match name {
            "A" => Some("  ".to_owned()),
            "B" => Some("secret".to_owned()),
            "C" => Some(" 7 ".to_owned()),
            _ => None,
        };
        let mut settings = Settings::new(&lookup);
        assert_eq!(settings.required("A", "it is needed"), "");
        assert_eq!(settings.parsed("B", 1_u32, "a number", |_| true), 1);
        assert_eq!(settings.parsed("C", 1_u32, "a number", |n| *n > 5), 7);
        assert_eq!(settings.parsed("D", 3_u32, "a number", |_| true), 3);
        let faults = settings.finish(()).unwrap_err();
        let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["A: is not set; it is needed", "B: expected a number"]);
    }

    #[test]
    fn further_accounts_are_numbered_and_their_faults_too() {
        let read = |lookup: &dyn Fn(&str) -> Option<String>| {
            let mut settings = Settings::new(lookup);
            let Some(key) = settings.optional("KEY") else { return Ok(None) };
            let rate = settings.parsed("RATE", 1_u32, "a number", |_| true);
            settings.finish(Some((key, rate)))
        };
        let given = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let two = given(&[("KEY", "a"), ("KEY_3", "c"), ("RATE_3", "7")]);
        assert_eq!(numbered(&two, read), Ok(vec![("a".to_owned(), 1), ("c".to_owned(), 7)]));
        let faulty = given(&[("KEY_2", "b"), ("RATE_2", "x")]);
        assert_eq!(numbered(&faulty, read).unwrap_err()[0].to_string(), "RATE_2: expected a number");
    }
}
