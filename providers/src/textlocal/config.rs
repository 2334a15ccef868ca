//! Settings of a TextLocal account. All faults are reported at once, by the name of the variable.

use crate::{
    answers::{HIGHEST_RATE, paced},
    config::{ConfigFault, Settings},
    messaging::SendRate,
};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// Where the API is.
const DEFAULT_BASE: &str = "https://api.textlocal.in";
/// Messages a second.
const DEFAULT_RATE: u32 = 20;
/// The shortest secret of the receipts' path, which is all that tells them from anybody's calls.
const SHORTEST_SECRET: usize = 16;

/// One account and its receipts.
#[derive(Debug, Clone)]
pub struct TextlocalConfig {
    /// `TEXTLOCAL_API_KEY`.
    pub api_key: SecretString,
    /// `TEXTLOCAL_SENDER`: the header that is registered for the account.
    pub sender: String,
    /// `TEXTLOCAL_RECEIPT_SECRET`: a part of the receipts' address. Of several, separated by commas, the first goes out
    /// and all are taken.
    pub receipt_secrets: Vec<SecretString>,
    /// `TEXTLOCAL_BASE_URL`, default `https://api.textlocal.in`.
    pub base: Url,
    /// `TEXTLOCAL_RATE_PER_SECOND`, default 20.
    pub rate_per_second: u32,
}

impl TextlocalConfig {
    /// Reads the settings; `None` when no credential is set, and the sandbox takes the channel.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Vec<ConfigFault>> {
        let mut settings = Settings::new(lookup);
        if settings.optional("TEXTLOCAL_API_KEY").is_none() {
            return Ok(None);
        }
        let why = "TextLocal needs the key, the registered sender and a secret for the receipts' address";
        let api_key = settings.required("TEXTLOCAL_API_KEY", why);
        let sender = settings.required("TEXTLOCAL_SENDER", why);
        if !sender.bytes().all(|b| b.is_ascii_alphanumeric()) || sender.len() > 11 {
            settings.fault("TEXTLOCAL_SENDER", "expected up to 11 letters and digits, as registered");
        }
        let secrets = settings.required("TEXTLOCAL_RECEIPT_SECRET", why);
        let secrets: Vec<_> = secrets.split(',').map(str::trim).filter(|secret| !secret.is_empty()).collect();
        let plain = |secret: &&str| secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !secrets.iter().all(|secret| secret.len() >= SHORTEST_SECRET && plain(secret)) {
            let expected = "expected at least 16 letters, digits, - or _, as from: openssl rand -hex 24";
            settings.fault("TEXTLOCAL_RECEIPT_SECRET", expected);
        }
        let receipt_secrets = secrets.into_iter().map(SecretString::from).collect();
        let base = settings.base_url("TEXTLOCAL_BASE_URL", DEFAULT_BASE);
        let rate_per_second =
            settings.parsed("TEXTLOCAL_RATE_PER_SECOND", DEFAULT_RATE, "messages a second from 1 to 10000", |rate| {
                (1..=HIGHEST_RATE).contains(rate)
            });
        let config = base.map(|base| Self { api_key: api_key.into(), sender, receipt_secrets, base, rate_per_second });
        settings.finish(config)
    }

    /// Whether a caller of the receipts' address knows one of its secrets.
    pub fn knows(&self, given: &str) -> bool {
        // each is compared, so that time does not tell which one is near
        let same = |secret: &SecretString| bool::from(secret.expose_secret().as_bytes().ct_eq(given.as_bytes()));
        self.receipt_secrets.iter().filter(|secret| same(secret)).count() > 0
    }

    pub(super) fn rate(&self) -> SendRate {
        paced(self.rate_per_second)
    }

    /// Where messages are posted.
    pub(super) fn send_url(&self) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}/send/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<TextlocalConfig>, Vec<ConfigFault>> {
        let map: HashMap<_, _> = pairs.iter().copied().collect();
        TextlocalConfig::from_env(&|name| map.get(name).map(|text| (*text).to_owned()))
    }

    #[test]
    fn without_a_key_there_is_no_textlocal() {
        assert!(read(&[("TEXTLOCAL_SENDER", "TXTLCL")]).unwrap().is_none());
    }

    #[test]
    fn an_account_and_its_secrets() {
        let config = read(&[
            ("TEXTLOCAL_API_KEY", "the-key"),
            ("TEXTLOCAL_SENDER", "TXTLCL"),
            ("TEXTLOCAL_RECEIPT_SECRET", "0123456789abcdef, fedcba9876543210"),
        ]);
        let config = config.unwrap().unwrap();
        assert!(config.knows("0123456789abcdef") && config.knows("fedcba9876543210"));
        assert!(!config.knows("") && !config.knows("0123456789abcde"));
        assert_eq!(config.send_url().as_str(), "https://api.textlocal.in/send/");
        let shown = format!("{config:?}");
        assert!(!shown.contains("the-key") && !shown.contains("fedcba"), "{shown}");
    }

    #[test]
    fn all_faults_at_once_by_name() {
        let faults = read(&[
            ("TEXTLOCAL_API_KEY", "k"),
            ("TEXTLOCAL_RECEIPT_SECRET", "short"),
            ("TEXTLOCAL_BASE_URL", "ftp://x"),
            ("TEXTLOCAL_RATE_PER_SECOND", "many"),
        ]);
        let names: Vec<_> = faults.unwrap_err().iter().map(|fault| fault.variable).collect();
        assert_eq!(
            names,
            ["TEXTLOCAL_SENDER", "TEXTLOCAL_RECEIPT_SECRET", "TEXTLOCAL_BASE_URL", "TEXTLOCAL_RATE_PER_SECOND"]
        );
    }
}
