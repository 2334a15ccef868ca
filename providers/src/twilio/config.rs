//! Settings of a Twilio account. All faults are reported at once, by the name of the variable.

use crate::{
    answers::{HIGHEST_RATE, paced},
    config::{ConfigFault, Settings},
    messaging::SendRate,
};
use reqwest::Url;
use secrecy::SecretString;
use std::collections::BTreeMap;

/// Where the API is.
const DEFAULT_BASE: &str = "https://api.twilio.com";
/// Messages a second: what Twilio allows a number of India or a toll-free one is less, a short code more.
const DEFAULT_RATE: u32 = 10;

/// One account and its webhook.
#[derive(Debug, Clone)]
pub struct TwilioConfig {
    /// `TWILIO_ACCOUNT_SID`: `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// `TWILIO_AUTH_TOKEN`: the first signs calls, each may have signed a webhook. Several, separated by commas, while
    /// one replaces another.
    pub auth_tokens: Vec<SecretString>,
    /// `TWILIO_MESSAGING_SERVICE_SID`: a pool of senders that Twilio chooses from.
    pub messaging_service_sid: Option<String>,
    /// `TWILIO_FROM`: a number or a name, where no pool and no sender of the country is set.
    pub from: Option<String>,
    /// `TWILIO_SENDERS`: senders by the recipient's country, as in `IN=ACME,US=+15005550006`.
    pub senders: BTreeMap<String, String>,
    /// `TWILIO_BASE_URL`, default `https://api.twilio.com`.
    pub base: Url,
    /// `TWILIO_RATE_PER_SECOND`, default 10.
    pub rate_per_second: u32,
}

impl TwilioConfig {
    /// Reads the settings; `None` when no credential is set, and the sandbox takes the channel.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Vec<ConfigFault>> {
        let mut settings = Settings::new(lookup);
        if ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"].iter().all(|name| settings.optional(name).is_none()) {
            return Ok(None);
        }
        let why = "Twilio needs the account's SID and its auth token";
        let account_sid = settings.required("TWILIO_ACCOUNT_SID", why);
        if !account_sid.is_empty() && !is_sid(&account_sid, "AC") {
            settings.fault("TWILIO_ACCOUNT_SID", "expected AC and 32 hexadecimal digits");
        }
        let tokens = settings.required("TWILIO_AUTH_TOKEN", why);
        if !tokens.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            settings.fault("TWILIO_AUTH_TOKEN", "expected letters and digits, or several separated by commas");
        }
        let messaging_service_sid = settings.optional("TWILIO_MESSAGING_SERVICE_SID");
        if messaging_service_sid.as_deref().is_some_and(|sid| !is_sid(sid, "MG")) {
            settings.fault("TWILIO_MESSAGING_SERVICE_SID", "expected MG and 32 hexadecimal digits");
        }
        let from = settings.optional("TWILIO_FROM");
        if from.as_deref().is_some_and(|from| !is_sender(from)) {
            settings.fault("TWILIO_FROM", "expected a number such as +15005550006, or a name of up to 11 characters");
        }
        let senders = settings.senders("TWILIO_SENDERS", is_sender);
        if messaging_service_sid.is_none() && from.is_none() && senders.is_empty() {
            settings.fault(
                "TWILIO_MESSAGING_SERVICE_SID",
                "is not set, and neither is TWILIO_FROM: messages need a sender",
            );
        }
        let base = settings.base_url("TWILIO_BASE_URL", DEFAULT_BASE);
        let rate_per_second =
            settings.parsed("TWILIO_RATE_PER_SECOND", DEFAULT_RATE, "messages a second from 1 to 10000", |rate| {
                (1..=HIGHEST_RATE).contains(rate)
            });
        let auth_tokens: Vec<_> = tokens.split(',').map(str::trim).filter(|token| !token.is_empty()).collect();
        if auth_tokens.is_empty() && !tokens.is_empty() {
            settings.fault("TWILIO_AUTH_TOKEN", "holds no token");
        }
        let auth_tokens = auth_tokens.into_iter().map(SecretString::from).collect();
        let config = base.map(|base| Self {
            account_sid,
            auth_tokens,
            messaging_service_sid,
            from,
            senders,
            base,
            rate_per_second,
        });
        settings.finish(config)
    }

    pub(super) fn rate(&self) -> SendRate {
        paced(self.rate_per_second)
    }

    /// Where messages are posted, and listed.
    pub(super) fn messages_url(&self) -> Url {
        let mut url = self.base.clone();
        let path = url.path().trim_end_matches('/');
        let path = format!("{path}/2010-04-01/Accounts/{}/Messages.json", self.account_sid);
        url.set_path(&path);
        url
    }
}

fn is_sid(text: &str, kind: &str) -> bool {
    text.strip_prefix(kind).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A number, a short code, or a name as phones show it.
fn is_sender(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let number = (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let name = (1..=11).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b" -_+&".contains(&b))
        && text.bytes().any(|b| b.is_ascii_alphabetic());
    number || name
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::collections::HashMap;

    const SID: &str = "AC0123456789abcdef0123456789abcdef";

    fn read(pairs: &[(&str, &str)]) -> Result<Option<TwilioConfig>, Vec<ConfigFault>> {
        let map: HashMap<_, _> = pairs.iter().copied().collect();
        TwilioConfig::from_env(&|name| map.get(name).map(|text| (*text).to_owned()))
    }

    #[test]
    fn without_credentials_there_is_no_twilio() {
        assert!(read(&[("TWILIO_FROM", "ACME")]).unwrap().is_none());
    }

    #[test]
    fn an_account_its_tokens_and_its_senders() {
        let config = read(&[
            ("TWILIO_ACCOUNT_SID", SID),
            ("TWILIO_AUTH_TOKEN", "new, old"),
            ("TWILIO_SENDERS", "IN=ACME, US=+15005550006"),
        ]);
        let config = config.unwrap().unwrap();
        let tokens: Vec<_> = config.auth_tokens.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(tokens, ["new", "old"]);
        assert_eq!(config.senders["US"], "+15005550006");
        assert_eq!(
            config.messages_url().as_str(),
            format!("https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json")
        );
        assert!(!format!("{config:?}").contains("old"), "secrets are not printed");
    }

    #[test]
    fn all_faults_at_once_by_name() {
        let faults = read(&[
            ("TWILIO_ACCOUNT_SID", "AC1"),
            ("TWILIO_MESSAGING_SERVICE_SID", "MG"),
            ("TWILIO_FROM", "a name that is far too long"),
            ("TWILIO_SENDERS", "India=ACME"),
            ("TWILIO_BASE_URL", "http://example.com"),
            ("TWILIO_RATE_PER_SECOND", "0"),
        ]);
        let mut names: Vec<_> = faults.unwrap_err().iter().map(|fault| fault.variable).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "TWILIO_ACCOUNT_SID",
                "TWILIO_AUTH_TOKEN",
                "TWILIO_BASE_URL",
                "TWILIO_FROM",
                "TWILIO_MESSAGING_SERVICE_SID",
                "TWILIO_RATE_PER_SECOND",
                "TWILIO_SENDERS",
            ]
        );
        let unsent = read(&[("TWILIO_ACCOUNT_SID", SID), ("TWILIO_AUTH_TOKEN", "t")]).unwrap_err();
        assert_eq!(unsent[0].variable, "TWILIO_MESSAGING_SERVICE_SID", "no sender at all");
    }
}
