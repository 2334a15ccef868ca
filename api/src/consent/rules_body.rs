//! The rules of restraint as JSON has them.

use crate::{
    envelope::FieldFault,
    error::{ApiError, ApiResult},
    request::Name,
};
use chrono::NaiveTime;
use domain::messaging::{Channel, restraint::Rules};
use poem_openapi::{
    Enum, Object,
    types::{ParseFromJSON, ToJSON},
};

const TIME: &str = "a time such as 09:00";
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// When nobody is disturbed, by the recipient's clock.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct QuietHoursRule {
    /// From this time on: `22:00`.
    start: String,
    /// Until before this time, of the next day when it is earlier: `07:00`.
    end: String,
    /// On these channels; none named is all.
    #[oai(validator(max_items = 3))]
    channels: Option<Vec<Name<Channel>>>,
    /// Whether messages that serve a contract go out all the same.
    marketing_only: Option<bool>,
}

/// When marketing may go out on a channel in a country, by the recipient's clock.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LegalWindowRule {
    /// ISO 3166 alpha-2.
    #[oai(validator(max_length = 2))]
    country: String,
    /// On which channel.
    channel: Name<Channel>,
    /// From this time on.
    from: String,
    /// Until before this time.
    until: String,
}

/// At most so many messages in so many days of 24 hours.
#[derive(Debug, Object)]
pub struct CapRule {
    /// So many messages.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
    count: u32,
    /// In so many days.
    #[oai(validator(minimum(value = "1"), maximum(value = "90")))]
    days: u32,
}

/// So many bounces within so many days suppress an address.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ThresholdRule {
    /// So many times.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
    count: u32,
    /// Within so many days.
    #[oai(validator(minimum(value = "1"), maximum(value = "3650")))]
    within_days: u32,
    /// For so many days; null is for good.
    #[oai(validator(minimum(value = "1"), maximum(value = "3650")))]
    suppress_days: Option<u32>,
}

/// What somebody who calls a message spam still gets.
#[derive(Debug, Enum)]
#[oai(rename_all = "snake_case")]
pub enum SuppressedByComplaint {
    /// What serves their contract, but no marketing.
    Marketing,
    /// Nothing.
    All,
}

/// How often an address may bounce, by kind; a soft bounce alone is never a reason.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct BounceThresholds {
    /// The address does not exist.
    hard: Option<ThresholdRule>,
    /// The sender or the content is refused.
    block: Option<ThresholdRule>,
    /// The mailbox is full.
    full: Option<ThresholdRule>,
    /// Called spam: what is kept back from then on.
    complaint: Option<SuppressedByComplaint>,
}

/// The rules of restraint. What is left out gets its default.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct RestraintRules {
    /// Whose clocks are read where nothing else is known: `Asia/Kolkata`.
    #[oai(validator(max_length = 64))]
    time_zone: Option<String>,
    /// Where recipients live of whom nothing else is known: `IN`.
    #[oai(validator(max_length = 2))]
    country: Option<String>,
    /// When nobody is disturbed; none by default.
    quiet_hours: Option<QuietHoursRule>,
    /// When the law allows marketing; in India from 09:00 to 21:00 by default.
    #[oai(validator(max_items = 1000))]
    legal_windows: Option<Vec<LegalWindowRule>>,
    /// The days of a weekend: `Sat`, `Sun`.
    #[oai(validator(max_items = 6))]
    weekend: Option<Vec<String>>,
    /// Whether marketing goes out at weekends; yes by default.
    marketing_on_weekends: Option<bool>,
    /// Whether marketing goes out on holidays; no by default.
    marketing_on_holidays: Option<bool>,
    /// How much marketing somebody gets over all channels; no cap by default.
    marketing_cap: Option<CapRule>,
    /// How much of anything somebody gets over all channels; no cap by default.
    overall_cap: Option<CapRule>,
    /// Whether marketing goes only to those who agreed to it; yes by default.
    marketing_needs_consent: Option<bool>,
    /// Answers that mean STOP, besides those that are known.
    #[oai(validator(max_items = 100, max_length = 50))]
    opt_out_words: Option<Vec<String>>,
    /// Answers that mean START, besides those that are known.
    #[oai(validator(max_items = 100, max_length = 50))]
    opt_in_words: Option<Vec<String>>,
    /// How often an address may bounce before it is suppressed.
    bounces: Option<BounceThresholds>,
}

impl RestraintRules {
    /// The rules, if they can be kept; otherwise every fault.
    pub fn checked(&self) -> ApiResult<Rules> {
        let fault = |field: &str, message: String| FieldFault { field: field.to_owned(), message };
        let unreadable = self.unreadable();
        if !unreadable.is_empty() {
            return Err(ApiError::faults(unreadable));
        }
        let rules: Rules = serde_json::from_value(self.to_json().unwrap_or_default())
            .map_err(|error| ApiError::invalid("", error.to_string()))?;
        let faults = rules.check().into_iter().map(|found| fault(found.field, found.problem));
        let faults: Vec<FieldFault> = faults.collect();
        if faults.is_empty() { Ok(rules) } else { Err(ApiError::faults(faults)) }
    }

    /// Texts that are no times, zones or days.
    fn unreadable(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        let mut held = |field: String, text: &str, is_right: bool, example: &str| {
            if !is_right {
                faults.push(FieldFault { field, message: format!("{text:?} is not {example}") });
            }
        };
        let is_time = |text: &str| {
            let read = |form| NaiveTime::parse_from_str(text, form).is_ok();
            read("%H:%M") || (text.len() == 8 && !text.ends_with(":60") && read("%H:%M:%S"))
        };
        if let Some(zone) = &self.time_zone {
            let is_right = zone.parse::<chrono_tz::Tz>().is_ok();
            held("timeZone".to_owned(), zone, is_right, "a time zone such as Asia/Kolkata");
        }
        if let Some(quiet) = &self.quiet_hours {
            for (name, time) in [("start", &quiet.start), ("end", &quiet.end)] {
                held(format!("quietHours.{name}"), time, is_time(time), TIME);
            }
        }
        for (index, legal) in self.legal_windows.iter().flatten().enumerate() {
            for (name, time) in [("from", &legal.from), ("until", &legal.until)] {
                held(format!("legalWindows[{index}].{name}"), time, is_time(time), TIME);
            }
        }
        for (index, day) in self.weekend.iter().flatten().enumerate() {
            let is_right = DAYS.contains(&day.as_str());
            held(format!("weekend[{index}]"), day, is_right, "a day such as Sat");
        }
        faults
    }

    /// As they are shown.
    pub fn of(rules: &Rules) -> ApiResult<Self> {
        let json = serde_json::to_value(rules).map_err(ApiError::internal)?;
        Self::parse_from_json(Some(json)).map_err(|error| ApiError::internal(error.into_message()))
    }
}
