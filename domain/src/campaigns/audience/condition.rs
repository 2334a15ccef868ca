//! One condition of a filter: a field held against values, or whether there are related records.
//!
//! What is here has been checked; see [`super::read`].

use super::{field::Field, when::When};
use crate::{
    ids::{CampaignId, SegmentId, SurveyId, TemplateId, UploadId},
    messaging::{Channel, Purpose},
    text_enum::text_enum,
};
use rust_decimal::Decimal;

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// About a field of the customer, the policy or its case.
    Field(Field, Test),
    /// How many messages they had.
    Messages(Count, Messages),
    /// How many surveys they answered.
    Surveys(Count, Surveys),
    /// How many claims there are.
    Claims(Count, Claims),
    /// Whether the policy is one of these uploads'.
    Uploads {
        /// The uploads.
        ids: Vec<UploadId>,
        /// Holds where it is of none of them.
        negated: bool,
    },
    /// Which tags the customer has.
    Tags(Quantity, Vec<String>),
    /// What the customer said about messages.
    Consent {
        /// On which channel.
        channel: Channel,
        /// For what.
        purpose: Purpose,
        /// What.
        said: Said,
    },
    /// Whether the customer is in one of these segments.
    Segments {
        /// The segments.
        ids: Vec<SegmentId>,
        /// Holds for those who are in none of them.
        negated: bool,
    },
}

/// What a field is held against. Where there is no value, only `Set(false)` and what is negated hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// One of the texts, in small letters.
    OneOf {
        /// The texts.
        values: Vec<String>,
        /// Holds where it is none of them.
        negated: bool,
    },
    /// The text is part of it, in small letters.
    Contains(String),
    /// It begins with the text, in small letters.
    StartsWith(String),
    /// One of the ids.
    Ids {
        /// The ids.
        ids: Vec<i64>,
        /// Holds where it is none of them.
        negated: bool,
    },
    /// Within the bounds.
    Number(Bounds),
    /// On one of the days.
    When(When),
    /// Yes or no.
    Flag(bool),
    /// Whether there is a value.
    Set(bool),
}

/// A stretch of numbers; one end is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// The lower end.
    pub low: Option<Bound>,
    /// The upper end.
    pub high: Option<Bound>,
}

/// An end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Where it is.
    pub value: Decimal,
    /// Whether it belongs to the stretch.
    pub included: bool,
}

impl Bounds {
    /// Whether a number is within.
    pub fn hold(self, number: Decimal) -> bool {
        let above = |low: Bound| number > low.value || (low.included && number == low.value);
        let below = |high: Bound| number < high.value || (high.included && number == high.value);
        self.low.is_none_or(above) && self.high.is_none_or(below)
    }
}

/// How many there have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// At least.
    pub min: u32,
    /// At most.
    pub max: Option<u32>,
}

impl Count {
    /// One or more.
    pub const ANY: Self = Self { min: 1, max: None };
    /// Not one.
    pub const NONE: Self = Self { min: 0, max: Some(0) };

    /// Whether so many do.
    pub fn holds(self, count: usize) -> bool {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        count >= self.min && self.max.is_none_or(|max| count <= max)
    }
}

text_enum! {
    /// What happened to a message.
    pub enum MessageEvent {
        /// A provider took it.
        Sent = "sent",
        /// It arrived.
        Delivered = "delivered",
        /// It was opened or read.
        Opened = "opened",
        /// A link in it was followed.
        Clicked = "clicked",
        /// It was answered.
        Replied = "replied",
        /// It came back.
        Bounced = "bounced",
        /// It was complained about.
        Complained = "complained",
        /// It was unsubscribed from.
        Unsubscribed = "unsubscribed",
        /// It could not be sent.
        Failed = "failed",
    }
}

/// Messages to the customer; rehearsals are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Messages {
    /// What happened to them.
    pub event: MessageEvent,
    /// On these channels; on any, if none is named.
    pub channels: Vec<Channel>,
    /// Of this campaign.
    pub campaign: Option<CampaignId>,
    /// From this template.
    pub template: Option<TemplateId>,
    /// Not longer ago: since the beginning of the day so many days before.
    pub within_days: Option<i32>,
    /// Only about the policy at hand, not all of the customer's.
    pub about_policy: bool,
}

/// Answers of the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveys {
    /// To this survey.
    pub survey: Option<SurveyId>,
    /// Not longer ago.
    pub within_days: Option<i32>,
    /// Whose number under `score` is within; an answer without one does not count.
    pub score: Option<Bounds>,
}

/// Claims on the customer's policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// In these states; in any, if none is named.
    pub statuses: Vec<String>,
    /// Of these kinds, in small letters.
    pub types: Vec<String>,
    /// What is claimed.
    pub amount: Option<Bounds>,
    /// Reported not longer ago.
    pub within_days: Option<i32>,
    /// Only on the policy at hand, not on all of the customer's.
    pub of_policy: bool,
}

impl Claims {
    /// The states of a claim.
    pub const STATUSES: &'static [&'static str] =
        &["submitted", "in_review", "approved", "rejected", "settled", "withdrawn"];
    /// Those in which something is still to come of it.
    pub const OPEN: &'static [&'static str] = &["submitted", "in_review", "approved"];
}

text_enum! {
    /// How many of the tags.
    pub enum Quantity {
        /// At least one.
        Any = "any",
        /// Every one.
        All = "all",
        /// Not one.
        None = "none",
    }
}

text_enum! {
    /// What a customer said about messages of a purpose on a channel.
    pub enum Said {
        /// Yes.
        Granted = "granted",
        /// No.
        Refused = "refused",
        /// Nothing.
        Unknown = "unknown",
    }
}
