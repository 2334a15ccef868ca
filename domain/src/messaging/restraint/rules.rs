//! What an insurer decides about when, how often and on whose word it writes.
//!
//! The defaults hold nothing back that serves a contract: quiet hours and caps are off, legal windows and consent are
//! asked of marketing only. [`Rules::check`](super::Rules::check) finds what cannot be kept.

use super::Window;
use crate::{
    local_day::DEFAULT_ZONE,
    messaging::{Channel, Purpose, bounce::BounceRules},
};
use chrono::{NaiveTime, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// The rules of restraint. What is left out has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rules {
    /// Whose clocks are read where nothing else is known of a recipient.
    pub time_zone: Tz,
    /// Where recipients live of whom nothing else is known: ISO 3166 alpha-2.
    pub country: String,
    /// When nobody is disturbed, by the recipient's clock.
    pub quiet_hours: Option<QuietHours>,
    /// When the law allows marketing. A country and channel without an entry has no such hours.
    pub legal_windows: Vec<LegalWindow>,
    /// The days of a weekend.
    pub weekend: Vec<Weekday>,
    /// Whether marketing goes out at weekends.
    pub marketing_on_weekends: bool,
    /// Whether marketing goes out on holidays of the recipient's country.
    pub marketing_on_holidays: bool,
    /// How much marketing somebody gets, over all channels.
    pub marketing_cap: Option<Cap>,
    /// How much of anything somebody gets, over all channels.
    pub overall_cap: Option<Cap>,
    /// Whether marketing goes only to those who agreed to it.
    pub marketing_needs_consent: bool,
    /// Answers that mean STOP, besides those that are known.
    pub opt_out_words: Vec<String>,
    /// Answers that mean START, besides those that are known.
    pub opt_in_words: Vec<String>,
    /// How often an address may bounce before nothing is sent there any more.
    pub bounces: BounceRules,
}

/// When nobody is disturbed, by the recipient's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuietHours {
    /// From this time on.
    #[serde(with = "super::window::clock_time")]
    pub start: NaiveTime,
    /// Until before this time, of the next day when it is earlier.
    #[serde(with = "super::window::clock_time")]
    pub end: NaiveTime,
    /// On these channels; none named is all.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Whether messages that serve a contract go out all the same.
    #[serde(default)]
    pub marketing_only: bool,
}

impl QuietHours {
    /// The part of the day.
    pub const fn window(&self) -> Window {
        Window { from: self.start, until: self.end }
    }

    /// Whether they are kept for such a message.
    pub fn keep(&self, channel: Channel, purpose: Purpose) -> bool {
        (self.channels.is_empty() || self.channels.contains(&channel))
            && !(self.marketing_only && purpose == Purpose::Service)
    }
}

/// When marketing may go out on a channel in a country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LegalWindow {
    /// ISO 3166 alpha-2.
    pub country: String,
    /// On which channel.
    pub channel: Channel,
    /// From this time on, by the recipient's clock.
    #[serde(with = "super::window::clock_time")]
    pub from: NaiveTime,
    /// Until before this time.
    #[serde(with = "super::window::clock_time")]
    pub until: NaiveTime,
}

impl LegalWindow {
    /// The part of the day.
    pub const fn window(&self) -> Window {
        Window { from: self.from, until: self.until }
    }
}

/// At most so many in so many days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// So many messages.
    pub count: u32,
    /// In so many days, of 24 hours, up to now.
    pub days: u32,
}

impl Default for Rules {
    fn default() -> Self {
        let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        let legal = |channel| LegalWindow { country: "IN".to_owned(), channel, from: hour(9), until: hour(21) };
        Self {
            time_zone: DEFAULT_ZONE,
            country: "IN".to_owned(),
            quiet_hours: None,
            legal_windows: vec![legal(Channel::Sms), legal(Channel::Whatsapp)],
            weekend: vec![Weekday::Sat, Weekday::Sun],
            marketing_on_weekends: true,
            marketing_on_holidays: false,
            marketing_cap: None,
            overall_cap: None,
            marketing_needs_consent: true,
            opt_out_words: Vec::new(),
            opt_in_words: Vec::new(),
            bounces: BounceRules::default(),
        }
    }
}

impl Rules {
    /// How far back contacts count, in days; `None` when there are no caps.
    pub fn longest_cap(&self) -> Option<u32> {
        [self.marketing_cap, self.overall_cap].into_iter().flatten().map(|cap| cap.days).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_its_default_and_what_is_unknown_is_refused() {
        assert_eq!(serde_json::from_str::<Rules>("{}").unwrap(), Rules::default());
        let rules = Rules::default();
        let again: Rules = serde_json::from_value(serde_json::to_value(&rules).unwrap()).unwrap();
        assert_eq!(again, rules);
        assert!(serde_json::from_str::<Rules>(r#"{"quietHour": null}"#).is_err());
        let night: Rules = serde_json::from_str(r#"{"quietHours": {"start": "22:00", "end": "07:00"}}"#).unwrap();
        let quiet = night.quiet_hours.unwrap();
        assert!(quiet.keep(Channel::Email, Purpose::Service) && quiet.channels.is_empty());
    }

    #[test]
    fn contacts_count_as_far_back_as_the_longest_cap() {
        assert_eq!(Rules::default().longest_cap(), None);
        let cap = |days| Some(Cap { count: 1, days });
        assert_eq!(Rules { marketing_cap: cap(7), overall_cap: cap(1), ..Rules::default() }.longest_cap(), Some(7));
    }
}
