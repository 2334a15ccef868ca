//! What is written about campaigns to be.
//!
//! Types only; reading them is checked in [`super::check`].

use crate::request::{Id, Name, named_set};
use domain::{
    campaigns::ScheduleType,
    ids::{TemplateId, UploadId},
    messaging::Channel,
};
use poem_openapi::Object;
use serde_json::Value;

named_set!(ScheduleType);

/// Campaigns to be: one a channel.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub(crate) struct NewCampaign {
    /// What people call it; of several channels, each gets its own after it: `May Renewals (WhatsApp)`.
    #[oai(validator(min_length = 1, max_length = 240))]
    pub name: String,
    /// For people.
    #[oai(validator(max_length = 5000))]
    pub description: Option<String>,
    /// The channels.
    #[oai(rename = "type", validator(min_items = 1, max_items = 3))]
    pub channels: Vec<Name<Channel>>,
    /// The upload whose policies it addresses; by default the whole book.
    pub upload_id: Option<Id<UploadId>>,
    /// What it says, for each channel.
    pub templates: ChannelTemplates,
    /// By default immediate, unless there is a time.
    pub schedule_type: Option<Name<ScheduleType>>,
    /// An instant (`2024-05-15T14:00:00Z`), or a local time (`2024-05-15T19:30`) with a `timeZone`.
    #[oai(validator(max_length = 40))]
    pub scheduled_at: Option<String>,
    /// Past this, written as `scheduledAt`, it asks (status `missed`) instead of starting.
    #[oai(validator(max_length = 40))]
    pub latest_start: Option<String>,
    /// The IANA zone that local times are read in and days are counted in; by default `Asia/Kolkata`.
    #[oai(validator(max_length = 64))]
    pub time_zone: Option<String>,
    /// `"all"`, or conditions that all have to hold: `{"daysToExpiry": {"min": 15, "max": 30}, "policyTypes": ["Motor"],
    /// "premium": {"min": "1000"}, "branches": ["branch-1"], "statuses": ["active"]}`.
    pub target_audience: Value,
    /// What it may cost, for the record: a decimal number, best as text.
    pub budget: Option<Value>,
}

/// A template for each channel.
#[derive(Debug, Clone, Default, Object)]
pub(crate) struct ChannelTemplates {
    /// For email.
    pub email: Option<Id<TemplateId>>,
    /// For WhatsApp.
    pub whatsapp: Option<Id<TemplateId>>,
    /// For SMS.
    pub sms: Option<Id<TemplateId>>,
}

impl ChannelTemplates {
    /// The one for a channel.
    pub fn of(&self, channel: Channel) -> Option<TemplateId> {
        let given = match channel {
            Channel::Email => self.email,
            Channel::Whatsapp => self.whatsapp,
            Channel::Sms => self.sms,
        };
        given.map(|id| id.0)
    }
}
