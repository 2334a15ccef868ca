//! What is written about campaigns to be.
//!
//! Types only; reading them is checked in [`super::check`].

use super::delivery::{LimitsRequest, RecurrenceRequest, SendTime, SendWindowRequest, TestRequest, VariantRequest};
use crate::request::{Id, Name, named_set};
use domain::{
    campaigns::{Grouping, ScheduleType},
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
    /// By default immediate, unless there is a time or a recurrence.
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
    /// "premium": {"min": "1000"}, "branches": ["branch-1"], "statuses": ["active"]}`; or what segments are made of:
    /// `{"filter": …}` (see `POST /api/segments`), `{"segmentId": "segment-1"}`, `{"segments": {"union": ["segment-1",
    /// "segment-2"]}}` (or `intersect`: customers of all of them; or `minus`: of the first and of none of the others),
    /// `{"recipients": ["customer-1", "policy-2"]}`; of several of these, all have to hold.
    pub target_audience: Value,
    /// What it may cost, for the record: a decimal number, best as text.
    pub budget: Option<Value>,
    /// For whoever looks for it.
    #[oai(default, validator(max_items = 20))]
    pub tags: Vec<String>,
    /// Only written down; `PUT …/status` with `active` launches it.
    #[oai(default)]
    pub as_draft: bool,
    /// Follows each recipient's own clocks. Of `scheduledAt` only the day is meant then.
    pub send_time: Option<SendTime>,
    /// When messages may go out, on the recipient's own clocks; by default at any time.
    #[oai(default, validator(max_items = 21))]
    pub send_windows: Vec<SendWindowRequest>,
    /// So many messages an hour at most.
    pub per_hour: Option<u32>,
    /// Spread evenly over so many days.
    pub over_days: Option<u32>,
    /// What gets one message; by default an address. `together`: one message about all policies of a customer.
    pub grouping: Option<Name<Grouping>>,
    /// The share of people, in percent, who get nothing, so that the lift can be measured.
    pub holdout_percent: Option<u8>,
    /// What is tried against what; of a request for one channel.
    #[oai(default, validator(max_items = 8))]
    pub variants: Vec<VariantRequest>,
    /// How it is decided between them.
    pub test: Option<TestRequest>,
    /// When it pauses by itself.
    pub limits: Option<LimitsRequest>,
    /// Begins again and again, with the audience of each time: `{"cron": "0 9 * * MON"}`.
    pub recurrence: Option<RecurrenceRequest>,
    /// How long after a message a renewal or payment counts as its doing, in days; by default 7.
    pub attribution_days: Option<u16>,
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
