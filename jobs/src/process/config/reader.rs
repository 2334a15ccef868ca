//! Reads variables and collects what is wrong with them, so that a person mends all of it in one go.

use providers::config::ConfigFault;
use secrecy::SecretString;
use std::{fmt, str::FromStr};

/// One variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The variable.
    pub name: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.problem)
    }
}

/// The environment does not make a configuration.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError(Vec<Fault>);

impl ConfigError {
    /// Every fault, in the order the variables were read.
    pub fn faults(&self) -> &[Fault] {
        &self.0
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "" } else { "s" };
        write!(f, "the configuration has {} fault{plural}:", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

/// Reads variables by name. Blank text counts as not set, as compose files produce it.
pub struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    /// Over a function that gives a variable's text, if it is set.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, faults: Vec::new() }
    }

    /// The configuration, unless there were faults.
    pub fn finish<T>(self, config: Option<T>) -> Result<T, ConfigError> {
        match config {
            Some(config) if self.faults.is_empty() => Ok(config),
            _ => {
                // what several parts read is told once
                let mut told = Vec::with_capacity(self.faults.len());
                self.faults.into_iter().for_each(|fault| {
                    if !told.contains(&fault) {
                        told.push(fault);
                    }
                });
                Err(ConfigError(told))
            }
        }
    }

    /// The text, if there is any.
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A secret, if there is any.
    pub fn optional_secret(&self, name: &str) -> Option<SecretString> {
        self.optional(name).map(SecretString::from)
    }

    /// The text; a fault if there is none.
    pub fn required(&mut self, name: &str, expected: &str) -> Option<String> {
        let text = self.optional(name);
        if text.is_none() {
            self.missing(name, expected);
        }
        text
    }

    /// A secret that passes `check`; its text is never told. A fault if there is none.
    pub fn required_secret(
        &mut self,
        name: &str,
        expected: &str,
        check: impl FnOnce(&str) -> bool,
    ) -> Option<SecretString> {
        let text = self.required(name, expected)?;
        if !check(&text) {
            self.unusable(name, expected);
            return None;
        }
        Some(text.into())
    }

    /// What the text stands for, or `default` when there is none.
    pub fn parsed<T: FromStr>(&mut self, name: &str, default: T, expected: &str) -> T {
        self.checked(name, default, expected, |text| text.parse().ok())
    }

    /// What `parse` makes of the text, or `default` when there is none.
    pub fn checked<T>(&mut self, name: &str, default: T, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> T {
        let Some(text) = self.optional(name) else { return default };
        parse(&text).unwrap_or_else(|| {
            // the default stands in only until all faults are told
            self.wrong(name, &text, expected);
            default
        })
    }

    /// Records that a needed variable is not set.
    pub fn missing(&mut self, name: &str, expected: &str) {
        self.record(name, format!("is not set; expected {expected}"));
    }

    /// Records that a variable's text is not right.
    pub fn wrong(&mut self, name: &str, value: &str, expected: &str) {
        self.record(name, format!("is {value:?}; expected {expected}"));
    }

    /// Records that a secret is not right, without telling it.
    pub fn unusable(&mut self, name: &str, expected: &str) {
        self.record(name, format!("cannot be used; expected {expected}"));
    }

    /// Has a provider read its own settings.
    pub fn provider<T>(
        &mut self,
        read: impl FnOnce(&dyn Fn(&str) -> Option<String>) -> Result<T, Vec<ConfigFault>>,
    ) -> Option<T> {
        match read(self.lookup) {
            Ok(config) => Some(config),
            Err(faults) => {
                faults.into_iter().for_each(|fault| self.record(&fault.name(), fault.problem));
                None
            }
        }
    }

    fn record(&mut self, name: &str, problem: String) {
        self.faults.push(Fault { name: name.to_owned(), problem });
    }
}
