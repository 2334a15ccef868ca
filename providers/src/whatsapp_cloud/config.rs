//! Settings of a WhatsApp business number. All faults are reported at once, by the name of the variable.

use crate::{
    answers::paced,
    config::{ConfigFault, Settings},
    http,
    messaging::SendRate,
};
use reqwest::Url;
use secrecy::SecretString;

/// The version of the API that this client was written against.
const DEFAULT_VERSION: &str = "v23.0";
/// Where the API is.
const DEFAULT_BASE: &str = "https://graph.facebook.com";
/// What Meta allows a number at first, in messages a second.
const DEFAULT_RATE: u32 = 80;
/// The most that can be set, in messages a second; Meta's highest is 1,000 now.
const HIGHEST_RATE: u32 = 100_000;

/// One business number and its webhook.
#[derive(Debug, Clone)]
pub struct WhatsappConfig {
    /// `WHATSAPP_ACCESS_TOKEN`.
    pub access_token: SecretString,
    /// `WHATSAPP_PHONE_NUMBER_ID`: Meta's id of the sending number, digits.
    pub phone_number_id: String,
    /// `WHATSAPP_APP_SECRET`: signs webhooks. Several, separated by commas, while one replaces another.
    pub app_secrets: Vec<SecretString>,
    /// `WHATSAPP_WEBHOOK_VERIFY_TOKEN`: what Meta shows when the webhook is set up.
    pub verify_token: SecretString,
    /// `WHATSAPP_BUSINESS_ACCOUNT_ID`: Meta's id of the business account, digits; templates and flows belong to it.
    pub business_account_id: Option<String>,
    /// `WHATSAPP_API_VERSION`, default `v23.0`.
    pub version: String,
    /// `WHATSAPP_BASE_URL`, default `https://graph.facebook.com`.
    pub base: Url,
    /// `WHATSAPP_RATE_PER_SECOND`, default 80: what Meta allows the number.
    pub rate_per_second: u32,
}

impl WhatsappConfig {
    /// Reads the settings; `None` when no credential is set, and the sandbox takes the channel.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Vec<ConfigFault>> {
        const CREDENTIALS: [&str; 4] = [
            "WHATSAPP_ACCESS_TOKEN",
            "WHATSAPP_PHONE_NUMBER_ID",
            "WHATSAPP_APP_SECRET",
            "WHATSAPP_WEBHOOK_VERIFY_TOKEN",
        ];
        let mut settings = Settings::new(lookup);
        if CREDENTIALS.iter().all(|variable| settings.optional(variable).is_none()) {
            return Ok(None);
        }
        let why = "WhatsApp needs all four: the access token, the phone number id, the app secret and the verify token";
        let access_token = settings.required("WHATSAPP_ACCESS_TOKEN", why);
        let phone_number_id = settings.required("WHATSAPP_PHONE_NUMBER_ID", why);
        let app_secret = settings.required("WHATSAPP_APP_SECRET", why);
        let verify_token = settings.required("WHATSAPP_WEBHOOK_VERIFY_TOKEN", why);
        if !access_token.bytes().all(|b| b.is_ascii_graphic()) {
            settings.fault("WHATSAPP_ACCESS_TOKEN", "expected letters, digits and signs without spaces");
        }
        if !phone_number_id.bytes().all(|b| b.is_ascii_digit()) {
            settings.fault("WHATSAPP_PHONE_NUMBER_ID", "expected Meta's id of the number: digits only");
        }
        let business_account_id = settings.optional("WHATSAPP_BUSINESS_ACCOUNT_ID");
        if business_account_id.as_ref().is_some_and(|id| !id.bytes().all(|b| b.is_ascii_digit())) {
            settings.fault("WHATSAPP_BUSINESS_ACCOUNT_ID", "expected Meta's id of the business account: digits only");
        }
        let version =
            settings.parsed("WHATSAPP_API_VERSION", DEFAULT_VERSION.to_owned(), "a version such as v23.0", |v| {
                is_version(v)
            });
        let base = settings.base_url("WHATSAPP_BASE_URL", DEFAULT_BASE);
        let rate_per_second =
            settings.parsed("WHATSAPP_RATE_PER_SECOND", DEFAULT_RATE, "messages a second from 1 to 100000", |rate| {
                (1..=HIGHEST_RATE).contains(rate)
            });
        let app_secrets = app_secret.split(',').map(str::trim).filter(|secret| !secret.is_empty());
        let config = base.map(|base| Self {
            access_token: access_token.into(),
            phone_number_id,
            app_secrets: app_secrets.map(SecretString::from).collect(),
            verify_token: verify_token.into(),
            business_account_id,
            version,
            base,
            rate_per_second,
        });
        settings.finish(config)
    }

    /// Paced so that no second, whenever it starts, holds more messages than the number may send.
    pub(super) fn rate(&self) -> SendRate {
        paced(self.rate_per_second)
    }

    /// Whether the API is a stand-in on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        http::is_loopback(&self.base)
    }

    /// Where messages are posted.
    pub(super) fn messages_url(&self) -> Url {
        self.url(&self.phone_number_id, "messages")
    }

    /// Where the number itself is.
    pub(super) fn number_url(&self) -> Url {
        self.url(&self.phone_number_id, "")
    }

    /// Where files are posted.
    pub(super) fn media_url(&self) -> Url {
        self.url(&self.phone_number_id, "media")
    }

    /// Where something that an object has is.
    pub(super) fn url(&self, object: &str, edge: &str) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}/{}/{object}/{edge}", url.path().trim_end_matches('/'), self.version);
        url.set_path(path.trim_end_matches('/'));
        url
    }
}

fn is_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.strip_prefix('v').and_then(|rest| rest.split_once('.')).is_some_and(|(a, b)| digits(a) && digits(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::collections::HashMap;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<WhatsappConfig>, Vec<ConfigFault>> {
        let map: HashMap<String, String> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        WhatsappConfig::from_env(&|name| map.get(name).cloned())
    }

    const CREDENTIALS: [(&str, &str); 4] = [
        ("WHATSAPP_ACCESS_TOKEN", "EAAG"),
        ("WHATSAPP_PHONE_NUMBER_ID", "106540352242922"),
        ("WHATSAPP_APP_SECRET", "new, old"),
        ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "verify"),
    ];

    #[test]
    fn without_credentials_there_is_no_whatsapp() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[("WHATSAPP_ACCESS_TOKEN", " "), ("WHATSAPP_RATE_PER_SECOND", "5")]).unwrap().is_none());
    }

    #[test]
    fn credentials_are_enough() {
        let config = read(&CREDENTIALS).unwrap().unwrap();
        assert_eq!(config.messages_url().as_str(), "https://graph.facebook.com/v23.0/106540352242922/messages");
        assert_eq!(config.rate(), SendRate { per_second: 72, burst: 8 });
        let secrets: Vec<_> = config.app_secrets.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(secrets, ["new", "old"]);
        assert!(!format!("{config:?}").contains("EAAG"), "secrets are not printed");
    }

    #[test]
    fn all_faults_at_once_by_name() {
        let faults = read(&[
            ("WHATSAPP_PHONE_NUMBER_ID", "+91 98"),
            ("WHATSAPP_ACCESS_TOKEN", "two words"),
            ("WHATSAPP_API_VERSION", "23"),
            ("WHATSAPP_BASE_URL", "http://example.com"),
            ("WHATSAPP_RATE_PER_SECOND", "0"),
        ])
        .unwrap_err();
        let mut names: Vec<_> = faults.iter().map(|fault| fault.variable).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "WHATSAPP_ACCESS_TOKEN",
                "WHATSAPP_API_VERSION",
                "WHATSAPP_APP_SECRET",
                "WHATSAPP_BASE_URL",
                "WHATSAPP_PHONE_NUMBER_ID",
                "WHATSAPP_RATE_PER_SECOND",
                "WHATSAPP_WEBHOOK_VERIFY_TOKEN",
            ]
        );
    }

    #[test]
    fn a_stand_in_on_this_machine_may_be_plain() {
        for (base, ok) in [
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:9/graph/", true),
            ("http://localhost:1", true),
            ("http://10.0.0.1", false),
            ("https://graph.example.com/x", true),
            ("https://user@graph.example.com", false),
            ("graph.facebook.com", false),
        ] {
            let mut pairs = CREDENTIALS.to_vec();
            pairs.push(("WHATSAPP_BASE_URL", base));
            assert_eq!(read(&pairs).is_ok(), ok, "{base}");
        }
    }
}
