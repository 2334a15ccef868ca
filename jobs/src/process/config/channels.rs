//! The accounts that send, by channel. A channel without one is taken by the sandbox.

use super::Reader;
use domain::messaging::Channel;
use providers::{
    config::numbered, email::SmtpConfig, sendgrid::SendgridConfig, ses::SesConfig, sns_sms::SnsConfig,
    textlocal::TextlocalConfig, twilio::TwilioConfig, whatsapp_cloud::WhatsappConfig,
};

/// Every configured account.
#[derive(Debug, Clone)]
pub struct ChannelsConfig {
    /// WhatsApp numbers.
    pub whatsapp: Vec<WhatsappConfig>,
    /// Amazon SES.
    pub ses: Vec<SesConfig>,
    /// SendGrid.
    pub sendgrid: Vec<SendgridConfig>,
    /// Mail servers.
    pub smtp: Vec<SmtpConfig>,
    /// Twilio.
    pub twilio: Vec<TwilioConfig>,
    /// Text messages through Amazon SNS.
    pub sns: Vec<SnsConfig>,
    /// TextLocal.
    pub textlocal: Vec<TextlocalConfig>,
    /// Providers of e-mail, first the one that is tried first.
    pub email_order: Vec<String>,
    /// Providers of text messages, first the one that is tried first.
    pub sms_order: Vec<String>,
    /// Whether a channel goes on over its next account.
    pub failover: Failover,
    /// Countries that take no text message whose text was not registered.
    pub registered_countries: Vec<String>,
}

/// The channels whose messages go out over the next account while one cannot send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failover {
    email: bool,
    sms: bool,
    whatsapp: bool,
}

impl Failover {
    /// Whether that channel does.
    pub const fn of(self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.email,
            Channel::Sms => self.sms,
            Channel::Whatsapp => self.whatsapp,
        }
    }
}

impl Default for Failover {
    /// Mail and text messages look the same from another account; a WhatsApp chat would begin anew with a stranger.
    fn default() -> Self {
        Self { email: true, sms: true, whatsapp: false }
    }
}

impl ChannelsConfig {
    /// Every account's own variables, `FAILOVER_CHANNELS` and `SMS_REGISTERED_COUNTRIES`.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let whatsapp = reader.provider(|lookup| numbered(lookup, WhatsappConfig::from_env));
        let ses = reader.provider(|lookup| numbered(lookup, SesConfig::from_env));
        let sendgrid = reader.provider(|lookup| numbered(lookup, SendgridConfig::from_env));
        let smtp = reader.provider(|lookup| numbered(lookup, SmtpConfig::from_env));
        let twilio = reader.provider(|lookup| numbered(lookup, TwilioConfig::from_env));
        let sns = reader.provider(|lookup| numbered(lookup, SnsConfig::from_env));
        let textlocal = reader.provider(|lookup| numbered(lookup, TextlocalConfig::from_env));
        let email_order = order(reader, "EMAIL_PROVIDERS", &["ses", "sendgrid", "smtp"]);
        let sms_order = order(reader, "SMS_PROVIDERS", &["twilio", "sns", "textlocal"]);
        let expected = "channels such as email,sms, or none";
        let failover = reader.checked("FAILOVER_CHANNELS", Failover::default(), expected, failover);
        let expected = "countries such as IN, or none";
        let registered_countries = reader.checked("SMS_REGISTERED_COUNTRIES", Vec::new(), expected, countries);
        Some(Self {
            whatsapp: whatsapp?,
            ses: ses?,
            sendgrid: sendgrid?,
            smtp: smtp?,
            twilio: twilio?,
            sns: sns?,
            textlocal: textlocal?,
            email_order,
            sms_order,
            failover,
            registered_countries,
        })
    }
}

/// Which providers are used, in which order; all in the given order unless some are named.
fn order(reader: &mut Reader<'_>, variable: &str, known: &[&str]) -> Vec<String> {
    let expected = format!("some of {}, the first to be tried first", known.join(","));
    let default = known.iter().map(|name| (*name).to_owned()).collect();
    reader.checked(variable, default, &expected, |text| {
        let named: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        named.iter().all(|name| known.contains(&name.as_str())).then_some(named)
    })
}

fn failover(text: &str) -> Option<Failover> {
    let mut found = Failover { email: false, sms: false, whatsapp: false };
    if text == "none" {
        return Some(found);
    }
    for name in text.split(',') {
        match name.trim().parse().ok()? {
            Channel::Email => found.email = true,
            Channel::Sms => found.sms = true,
            Channel::Whatsapp => found.whatsapp = true,
        }
    }
    Some(found)
}

fn countries(text: &str) -> Option<Vec<String>> {
    if text == "none" {
        return Some(Vec::new());
    }
    let is_country = |name: &str| name.len() == 2 && name.bytes().all(|b| b.is_ascii_uppercase());
    text.split(',').map(|name| Some(name.trim()).filter(|name| is_country(name)).map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_two_capitals_each() {
        assert_eq!(countries("IN, LK"), Some(vec!["IN".to_owned(), "LK".to_owned()]));
        assert_eq!((countries("none"), countries("India")), (Some(Vec::new()), None));
    }

    #[test]
    fn channels_that_fail_over_are_listed() {
        let all = failover("whatsapp, email").unwrap();
        assert_eq!(Channel::ALL.iter().map(|channel| all.of(*channel)).collect::<Vec<_>>(), [true, true, false]);
        assert!(Channel::ALL.iter().all(|channel| !failover("none").unwrap().of(*channel)));
        assert_eq!(failover("email,pigeon"), None);
    }
}
