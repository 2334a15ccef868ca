//! Settings of Amazon SES. All faults are reported at once, by the name of the variable.

use crate::{
    answers::HIGHEST_RATE,
    aws::AwsConfig,
    config::{ConfigFault, Settings},
    email::is_sender,
    http::is_loopback,
};
use reqwest::Url;

/// What a new account may send, in messages a second, once it is out of the vendor's sandbox.
const DEFAULT_RATE: u32 = 14;

/// One sending identity in one region.
#[derive(Debug, Clone)]
pub struct SesConfig {
    /// The region and the key pair.
    pub aws: AwsConfig,
    /// `SES_FROM_EMAIL`: a verified address, or one of a verified domain; with or without a name.
    pub from: String,
    /// `SES_REPLY_TO_EMAIL`: where answers go when a message does not say.
    pub reply_to: Option<String>,
    /// `SES_CONFIGURATION_SET`: events come through it alone.
    pub configuration_set: Option<String>,
    /// `SES_BASE_URL`, by default the region's own.
    pub base: Url,
    /// `SES_RATE_PER_SECOND`, default 14: what the account may send.
    pub rate_per_second: u32,
    /// `SES_SNS_TOPIC_ARNS`: the topics whose events are taken, separated by commas.
    pub topics: Vec<String>,
    /// `SES_SNS_BASE_URL`: a stand-in for SNS on this machine; tests alone set it.
    pub sns_stand_in: Option<Url>,
}

impl SesConfig {
    /// Reads the settings; `None` without `SES_FROM_EMAIL`, since other services use the key pair as well.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Vec<ConfigFault>> {
        let mut settings = Settings::new(lookup);
        let Some(from) = settings.optional("SES_FROM_EMAIL") else { return Ok(None) };
        if !is_sender(&from) {
            settings.fault("SES_FROM_EMAIL", "expected an address, as in Renewals <no-reply@example.com>");
        }
        let reply_to = settings.optional("SES_REPLY_TO_EMAIL");
        if reply_to.as_deref().is_some_and(|address| !is_sender(address)) {
            settings.fault("SES_REPLY_TO_EMAIL", "expected an address, as in Service <service@example.com>");
        }
        let aws = AwsConfig::read(&mut settings, "SES needs the region and the key pair, since SES_FROM_EMAIL is set");
        let configuration_set = settings.optional("SES_CONFIGURATION_SET");
        let is_name = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if configuration_set.as_deref().is_some_and(|name| !is_name(name) || name.len() > 64) {
            settings.fault("SES_CONFIGURATION_SET", "expected its name: letters, digits, dashes and underscores");
        }
        let default = format!("https://email.{}.amazonaws.com", aws.region);
        let base = settings.base_url("SES_BASE_URL", &default);
        let rate_per_second =
            settings.parsed("SES_RATE_PER_SECOND", DEFAULT_RATE, "messages a second from 1 to 10000", |rate| {
                (1..=HIGHEST_RATE).contains(rate)
            });
        let listed = settings.optional("SES_SNS_TOPIC_ARNS").unwrap_or_default();
        let topics: Vec<String> =
            listed.split(',').map(str::trim).filter(|topic| !topic.is_empty()).map(str::to_owned).collect();
        if !topics.iter().all(|topic| is_topic(topic)) {
            settings
                .fault("SES_SNS_TOPIC_ARNS", "expected topics such as arn:aws:sns:ap-south-1:123456789012:ses-events");
        }
        let sns_stand_in = settings.optional("SES_SNS_BASE_URL").and_then(|text| Url::parse(&text).ok());
        // what comes from there is trusted as Amazon is
        if settings.optional("SES_SNS_BASE_URL").is_some() && !sns_stand_in.as_ref().is_some_and(is_loopback) {
            settings.fault("SES_SNS_BASE_URL", "expected an address on this machine; only tests set it");
        }
        let config = base.map(|base| Self {
            aws,
            from,
            reply_to,
            configuration_set,
            base,
            rate_per_second,
            topics,
            sns_stand_in,
        });
        settings.finish(config)
    }
}

fn is_topic(arn: &str) -> bool {
    let parts: Vec<_> = arn.split(':').collect();
    matches!(&parts[..], ["arn", partition, "sns", region, account, name]
        if partition.starts_with("aws") && !region.is_empty() && !account.is_empty() && !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<SesConfig>, Vec<ConfigFault>> {
        let lookup = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        SesConfig::from_env(&lookup)
    }

    const KEYS: [(&str, &str); 4] = [
        ("AWS_REGION", "ap-south-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "topsecret"),
        ("SES_FROM_EMAIL", "Renewals <no-reply@renewals.example>"),
    ];

    #[test]
    fn a_key_pair_alone_is_for_other_services() {
        assert!(read(&KEYS[..3]).unwrap().is_none());
    }

    #[test]
    fn an_address_and_a_key_pair_are_enough() {
        let config = read(&KEYS).unwrap().unwrap();
        assert_eq!(config.base.as_str(), "https://email.ap-south-1.amazonaws.com/");
        assert_eq!((config.rate_per_second, config.topics.len()), (14, 0));
        assert!(!format!("{config:?}").contains("topsecret"));
        let mut more = KEYS.to_vec();
        more.push(("SES_SNS_TOPIC_ARNS", "arn:aws:sns:ap-south-1:123456789012:a, arn:aws:sns:ap-south-1:1:b,"));
        assert_eq!(read(&more).unwrap().unwrap().topics.len(), 2);
    }

    #[test]
    fn all_faults_at_once_by_name() {
        let faults = read(&[
            ("SES_FROM_EMAIL", "nobody"),
            ("SES_REPLY_TO_EMAIL", "nobody"),
            ("AWS_REGION", "ap-south-1"),
            ("SES_CONFIGURATION_SET", "two words"),
            ("SES_BASE_URL", "http://example.com"),
            ("SES_RATE_PER_SECOND", "0"),
            ("SES_SNS_TOPIC_ARNS", "arn:aws:sqs:ap-south-1:1:x"),
            ("SES_SNS_BASE_URL", "https://example.com"),
        ])
        .unwrap_err();
        let names: Vec<_> = faults.iter().map(|fault| fault.variable).collect();
        assert_eq!(
            names,
            [
                "SES_FROM_EMAIL",
                "SES_REPLY_TO_EMAIL",
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
                "SES_CONFIGURATION_SET",
                "SES_BASE_URL",
                "SES_RATE_PER_SECOND",
                "SES_SNS_TOPIC_ARNS",
                "SES_SNS_BASE_URL",
            ]
        );
    }
}
