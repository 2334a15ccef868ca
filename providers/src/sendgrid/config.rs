//! Settings of SendGrid. All faults are reported at once, by the name of the variable.

use crate::{
    answers::HIGHEST_RATE,
    config::{ConfigFault, Settings},
    email::is_sender,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Url;
use secrecy::SecretString;
use std::time::Duration;
use x509_parser::{prelude::FromDer, x509::SubjectPublicKeyInfo};

/// Where the API is.
const DEFAULT_BASE: &str = "https://api.sendgrid.com";
/// The vendor allows 10,000 calls a second; a new account's plan and reputation bear far less.
const DEFAULT_RATE: u32 = 100;

/// One account and its webhook.
#[derive(Debug, Clone)]
pub struct SendgridConfig {
    /// `SENDGRID_API_KEY`.
    pub api_key: SecretString,
    /// `SENDGRID_FROM_EMAIL` and `SENDGRID_FROM_NAME`: a verified sender.
    pub from: String,
    /// Its address alone.
    pub from_address: String,
    /// `SENDGRID_WEBHOOK_PUBLIC_KEY`: verifies events; a point on P-256. Several, separated by commas, while one
    /// replaces another. Without one no event is taken.
    pub webhook_keys: Vec<Vec<u8>>,
    /// `SENDGRID_WEBHOOK_HOURS`, default 25: an older delivery is refused. SendGrid delivers again for a day.
    pub webhook_window: Duration,
    /// `SENDGRID_BASE_URL`, default `https://api.sendgrid.com`.
    pub base: Url,
    /// `SENDGRID_RATE_PER_SECOND`, default 100.
    pub rate_per_second: u32,
}

impl SendgridConfig {
    /// Reads the settings; `None` without `SENDGRID_API_KEY`.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Vec<ConfigFault>> {
        let mut settings = Settings::new(lookup);
        let Some(api_key) = settings.optional("SENDGRID_API_KEY") else { return Ok(None) };
        if !api_key.bytes().all(|b| b.is_ascii_graphic()) {
            settings.fault("SENDGRID_API_KEY", "expected letters, digits and signs without spaces");
        }
        let from_address = settings.required("SENDGRID_FROM_EMAIL", "messages are from it");
        if !from_address.is_empty() && (!is_sender(&from_address) || from_address.contains('<')) {
            settings.fault("SENDGRID_FROM_EMAIL", "expected an address alone, such as no-reply@example.com");
        }
        let name = settings.optional("SENDGRID_FROM_NAME");
        let from = name.map_or_else(|| from_address.clone(), |name| named(&name, &from_address));
        if !from_address.is_empty() && is_sender(&from_address) && !is_sender(&from) {
            settings.fault("SENDGRID_FROM_NAME", "expected a name of one line");
        }
        let listed = settings.optional("SENDGRID_WEBHOOK_PUBLIC_KEY").unwrap_or_default();
        let keys: Option<Vec<_>> =
            listed.split(',').map(str::trim).filter(|key| !key.is_empty()).map(point_of).collect();
        if keys.is_none() {
            settings.fault("SENDGRID_WEBHOOK_PUBLIC_KEY", "expected the verification key as SendGrid shows it: base64");
        }
        let hours =
            settings.parsed("SENDGRID_WEBHOOK_HOURS", 25, "hours from 1 to 168", |hours| (1..=168).contains(hours));
        let base = settings.base_url("SENDGRID_BASE_URL", DEFAULT_BASE);
        let rate_per_second =
            settings.parsed("SENDGRID_RATE_PER_SECOND", DEFAULT_RATE, "messages a second from 1 to 10000", |rate| {
                (1..=HIGHEST_RATE).contains(rate)
            });
        let config = base.map(|base| Self {
            api_key: api_key.into(),
            from,
            from_address,
            webhook_keys: keys.unwrap_or_default(),
            webhook_window: Duration::from_secs(hours * 3_600),
            base,
            rate_per_second,
        });
        settings.finish(config)
    }
}

/// A name as RFC 5322 quotes it.
fn named(name: &str, address: &str) -> String {
    format!("\"{}\" <{address}>", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The point of a public key in its usual wrapping (RFC 5280, 4.1); `None` unless it is on P-256.
fn point_of(text: &str) -> Option<Vec<u8>> {
    let der = STANDARD.decode(text).ok()?;
    let (rest, info) = SubjectPublicKeyInfo::from_der(&der).ok()?;
    let point = info.subject_public_key.data;
    // uncompressed: 4, then both coordinates
    (rest.is_empty() && point.len() == 65 && point[0] == 4).then(|| point.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the vendor's own client library, where it verifies an example.
    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";

    fn read(pairs: &[(&str, &str)]) -> Result<Option<SendgridConfig>, Vec<ConfigFault>> {
        let lookup = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        SendgridConfig::from_env(&lookup)
    }

    #[test]
    fn a_key_and_a_sender_are_enough() {
        assert!(read(&[("SENDGRID_FROM_EMAIL", "a@b.example")]).unwrap().is_none());
        let account = [("SENDGRID_API_KEY", "SG.secret"), ("SENDGRID_FROM_EMAIL", "no-reply@renewals.example")];
        let config = read(&account).unwrap().unwrap();
        assert_eq!((&*config.from, config.webhook_keys.len()), ("no-reply@renewals.example", 0));
        assert!(!format!("{config:?}").contains("SG.secret"));
        let keys = format!("{KEY}, {KEY}");
        let more =
            [account[0], account[1], ("SENDGRID_FROM_NAME", "O\"Neil, Ltd"), ("SENDGRID_WEBHOOK_PUBLIC_KEY", &keys)];
        let config = read(&more).unwrap().unwrap();
        assert_eq!(config.from, r#""O\"Neil, Ltd" <no-reply@renewals.example>"#);
        assert_eq!(config.webhook_keys.len(), 2);
    }

    #[test]
    fn all_faults_at_once_by_name() {
        let faults = read(&[
            ("SENDGRID_API_KEY", "two words"),
            ("SENDGRID_FROM_EMAIL", "Renewals <a@b.example>"),
            ("SENDGRID_WEBHOOK_PUBLIC_KEY", "MFkwEwYHKoZIzj0CAQ=="),
            ("SENDGRID_BASE_URL", "http://example.com"),
            ("SENDGRID_RATE_PER_SECOND", "many"),
        ])
        .unwrap_err();
        let names: Vec<_> = faults.iter().map(|fault| fault.variable).collect();
        assert_eq!(
            names,
            [
                "SENDGRID_API_KEY",
                "SENDGRID_FROM_EMAIL",
                "SENDGRID_WEBHOOK_PUBLIC_KEY",
                "SENDGRID_BASE_URL",
                "SENDGRID_RATE_PER_SECOND"
            ]
        );
    }
}
