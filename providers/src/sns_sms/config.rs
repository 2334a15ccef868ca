//! Settings of SMS through Amazon SNS. All faults are reported at once, by the name of the variable.

use crate::{
    answers::{HIGHEST_RATE, paced},
    aws::AwsConfig,
    config::{ConfigFault, Settings},
    messaging::SendRate,
};
use reqwest::Url;
use std::collections::BTreeMap;

/// Messages a second that AWS allows a region at first.
const DEFAULT_RATE: u32 = 20;

/// One region of one AWS account.
#[derive(Debug, Clone)]
pub struct SnsConfig {
    /// `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`.
    pub aws: AwsConfig,
    /// `SNS_SENDER_ID`: what messages are from, where a country shows it.
    pub sender_id: Option<String>,
    /// `SNS_SENDERS`: by the recipient's country, as in `IN=ACME,GB=Acme`.
    pub senders: BTreeMap<String, String>,
    /// `SNS_ENTITY_ID`: the principal entity of DLT, for messages that bring none.
    pub entity_id: Option<String>,
    /// `SNS_BASE_URL`, default `https://sns.<region>.amazonaws.com`.
    pub base: Url,
    /// `SNS_RATE_PER_SECOND`, default 20.
    pub rate_per_second: u32,
}

impl SnsConfig {
    /// Reads the settings; `None` unless `SNS_SMS_ENABLED` is `true`: the same credentials may be for other services.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Vec<ConfigFault>> {
        let mut settings = Settings::new(lookup);
        let enabled = settings.parsed("SNS_SMS_ENABLED", false, "true or false", |_| true);
        if !enabled {
            return settings.finish(None);
        }
        let aws = AwsConfig::read(&mut settings, "SNS_SMS_ENABLED is true");
        let sender_id = settings.optional("SNS_SENDER_ID");
        if sender_id.as_deref().is_some_and(|id| !is_sender(id)) {
            settings.fault("SNS_SENDER_ID", "expected up to 11 letters, digits and hyphens, with a letter");
        }
        let senders = settings.senders("SNS_SENDERS", is_sender);
        let entity_id = settings.optional("SNS_ENTITY_ID");
        if entity_id.as_deref().is_some_and(|id| !id.bytes().all(|b| b.is_ascii_digit()) || id.len() > 50) {
            settings.fault("SNS_ENTITY_ID", "expected the digits of the principal entity's id");
        }
        let base = settings.base_url("SNS_BASE_URL", &format!("https://sns.{}.amazonaws.com", aws.region));
        let rate_per_second =
            settings.parsed("SNS_RATE_PER_SECOND", DEFAULT_RATE, "messages a second from 1 to 10000", |rate| {
                (1..=HIGHEST_RATE).contains(rate)
            });
        let config = base.map(|base| Self { aws, sender_id, senders, entity_id, base, rate_per_second });
        settings.finish(config)
    }

    pub(super) fn rate(&self) -> SendRate {
        paced(self.rate_per_second)
    }
}

/// A name as phones show it.
fn is_sender(id: &str) -> bool {
    (1..=11).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && id.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<SnsConfig>, Vec<ConfigFault>> {
        let map: HashMap<_, _> = pairs.iter().copied().collect();
        SnsConfig::from_env(&|name| map.get(name).map(|text| (*text).to_owned()))
    }

    const CREDENTIALS: [(&str, &str); 3] =
        [("AWS_REGION", "ap-south-1"), ("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "secret")];

    #[test]
    fn credentials_alone_may_be_for_other_services() {
        assert!(read(&CREDENTIALS).unwrap().is_none());
        let mut pairs = CREDENTIALS.to_vec();
        pairs.push(("SNS_SMS_ENABLED", "true"));
        let config = read(&pairs).unwrap().unwrap();
        assert_eq!(config.base.as_str(), "https://sns.ap-south-1.amazonaws.com/");
        assert_eq!(config.rate(), SendRate { per_second: 18, burst: 2 });
    }

    #[test]
    fn all_faults_at_once_by_name() {
        let faults = read(&[
            ("SNS_SMS_ENABLED", "true"),
            ("AWS_REGION", "ap-south-1"),
            ("SNS_SENDER_ID", "12345"),
            ("SNS_ENTITY_ID", "entity"),
            ("SNS_RATE_PER_SECOND", "0"),
        ]);
        let names: Vec<_> = faults.unwrap_err().iter().map(|fault| fault.variable).collect();
        assert_eq!(
            names,
            ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SNS_SENDER_ID", "SNS_ENTITY_ID", "SNS_RATE_PER_SECOND"]
        );
        assert_eq!(read(&[("SNS_SMS_ENABLED", "yes")]).unwrap_err()[0].variable, "SNS_SMS_ENABLED");
    }
}
