//! The accounts that send, by channel. A channel without one is taken by the sandbox.

use super::Reader;
use domain::messaging::Channel;
use providers::{config::numbered, whatsapp_cloud::WhatsappConfig};

/// Every configured account.
#[derive(Debug, Clone)]
pub struct ChannelsConfig {
    /// WhatsApp numbers.
    pub whatsapp: Vec<WhatsappConfig>,
    /// Whether a channel goes on over its next account.
    pub failover: Failover,
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
    /// Every account's own variables, and `FAILOVER_CHANNELS`.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let whatsapp = reader.provider(|lookup| numbered(lookup, WhatsappConfig::from_env));
        let expected = "channels such as email,sms, or none";
        let failover = reader.checked("FAILOVER_CHANNELS", Failover::default(), expected, failover);
        Some(Self { whatsapp: whatsapp?, failover })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_that_fail_over_are_listed() {
        let all = failover("whatsapp, email").unwrap();
        assert_eq!(Channel::ALL.iter().map(|channel| all.of(*channel)).collect::<Vec<_>>(), [true, true, false]);
        assert!(Channel::ALL.iter().all(|channel| !failover("none").unwrap().of(*channel)));
        assert_eq!(failover("email,pigeon"), None);
    }
}
