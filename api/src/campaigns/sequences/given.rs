//! What is written about ladders to be.
//!
//! Types only; reading them is checked in [`super::check`].

use crate::request::{Id, Name};
use domain::{
    campaigns::sequence::{Condition, Reached},
    ids::{TemplateId, UploadId},
    messaging::Channel,
};
use poem_openapi::Object;
use serde_json::Value;

/// A ladder to be.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct NewLadder {
    /// What people call it.
    #[oai(validator(min_length = 1, max_length = 240))]
    pub name: String,
    /// For people.
    #[oai(validator(max_length = 5000))]
    pub description: Option<String>,
    /// For finding it.
    #[oai(validator(max_items = 20))]
    pub tags: Option<Vec<String>>,
    /// Whom it addresses, as of any campaign.
    pub target_audience: Value,
    /// The upload whose policies it addresses; by default the whole book.
    pub upload_id: Option<Id<UploadId>>,
    /// The IANA zone that the target's days are counted in; by default `Asia/Kolkata`. Steps are read on each
    /// recipient's own clocks.
    #[oai(validator(max_length = 64))]
    pub time_zone: Option<String>,
    /// From the first to the last.
    #[oai(validator(min_items = 1, max_items = 24))]
    pub steps: Vec<LadderStep>,
    /// The most messages that a policy gets, over all channels; by default as many as there are steps and fallbacks.
    #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
    pub max_messages: Option<i16>,
    /// The share of people, in percent, who get no step, so that the lift can be measured.
    #[oai(validator(minimum(value = "0"), maximum(value = "90")))]
    pub holdout_percent: Option<u8>,
    /// Policies that come into the target later are put on until then: an instant, or a local time of `timeZone`.
    #[oai(validator(max_length = 40))]
    pub enrol_until: Option<String>,
    /// Only written, not begun.
    pub draft: Option<bool>,
}

/// What a draft becomes.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct LadderChange {
    /// What people call it; by default as before, as its description, tags and target.
    #[oai(validator(min_length = 1, max_length = 240))]
    pub name: Option<String>,
    /// For people.
    #[oai(validator(max_length = 5000))]
    pub description: Option<String>,
    /// For finding it.
    #[oai(validator(max_items = 20))]
    pub tags: Option<Vec<String>>,
    /// Whom it addresses.
    pub target_audience: Option<Value>,
    /// From the first to the last.
    #[oai(validator(min_items = 1, max_items = 24))]
    pub steps: Vec<LadderStep>,
    /// The most messages that a policy gets, over all channels.
    #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
    pub max_messages: Option<i16>,
    /// The share of people, in percent, who get no step.
    #[oai(validator(minimum(value = "0"), maximum(value = "90")))]
    pub holdout_percent: Option<u8>,
    /// Policies that come into the target later are put on until then: an instant.
    #[oai(validator(max_length = 40))]
    pub enrol_until: Option<String>,
}

/// A step of a ladder.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct LadderStep {
    /// From the policy's last day: -30 is 30 days before it, 7 is a week after it.
    #[oai(validator(minimum(value = "-366"), maximum(value = "366")))]
    pub days: i16,
    /// Of the recipient's day, such as `10:00`.
    #[oai(validator(max_length = 8))]
    pub at: String,
    /// How it goes out.
    pub channel: Name<Channel>,
    /// What it says.
    pub template_id: Id<TemplateId>,
    /// Only of those whose earlier messages fared so; by default of all.
    pub condition: Option<Name<Condition>>,
    /// Another channel for those whom the step's message does not reach, or who cannot be written to on it.
    pub fallback: Option<LadderFallback>,
}

/// Another channel.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct LadderFallback {
    /// Which.
    pub channel: Name<Channel>,
    /// What it says.
    pub template_id: Id<TemplateId>,
    /// Unless the step's message got so far,
    pub unless: Name<Reached>,
    /// within so many hours.
    #[oai(validator(minimum(value = "1"), maximum(value = "720")))]
    pub hours: i16,
}
