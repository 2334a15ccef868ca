//! A campaign as it is shown.

use crate::{
    request::{Id, Name},
    shown::money,
};
use chrono::{DateTime, Utc};
use domain::{
    campaigns::CampaignStatus,
    ids::{CampaignId, TemplateId, UploadId, UserId},
    messaging::Channel,
};
use poem_openapi::Object;
use schema::campaigns;
use serde_json::Value;
use uuid::Uuid;

/// A second person's word.
#[derive(Object)]
struct Approval {
    /// `pending`, `approved` or `rejected`.
    state: String,
    /// Whose.
    by: Option<Id<UserId>>,
    /// When.
    at: Option<DateTime<Utc>>,
    /// Why.
    note: Option<String>,
}

/// A campaign on one channel.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Campaign {
    /// Its id.
    id: Id<CampaignId>,
    /// What the campaigns of one request share.
    group_id: Uuid,
    /// What people call it.
    name: String,
    /// For people.
    description: Option<String>,
    /// Its channel.
    #[oai(rename = "type")]
    channel: Name<Channel>,
    /// Where it stands.
    status: Name<CampaignStatus>,
    /// Why it does not go on, or why it waits.
    error: Option<String>,
    /// The upload whose policies it addresses; absent: the whole book.
    upload_id: Option<Id<UploadId>>,
    /// What it says.
    template_id: Option<Id<TemplateId>>,
    /// Whom it addresses.
    target_audience: Value,
    /// What it may cost, with two decimals.
    budget: Option<String>,
    /// How many it reaches; until `audienceReady` an estimate, if there is one.
    target_count: Option<i64>,
    /// How many it was to reach when it was written.
    estimated_count: Option<i64>,
    /// Whether the audience is written and every text was tried.
    audience_ready: bool,
    /// People of the target left out.
    excluded_count: i32,
    /// Accepted by the provider, as last measured.
    sent_count: i32,
    /// Reached a device.
    delivered_count: i32,
    /// Opened.
    opened_count: i32,
    /// Followed a link.
    clicked_count: i32,
    /// Answered.
    replied_count: i32,
    /// Renewed or paid after the message.
    converted_count: i32,
    /// Refused or given up.
    failed_count: i32,
    /// Of unknown outcome.
    unconfirmed_count: i32,
    /// `immediate`, `scheduled` or `recurring`.
    schedule_type: String,
    /// `once`; `recurring`, of which each time is a campaign of its own; `sequence`, a ladder of steps.
    mode: String,
    /// How it goes out: `timing`, `windows`, `pace`, `test`, `limits`, `recurrence`, `maxMessages`, `attributionDays`.
    plan: Value,
    /// For whoever looks for it.
    tags: Vec<String>,
    /// The recurring campaign it is one time of.
    parent_id: Option<Id<CampaignId>>,
    /// Goes out over the sandbox: nobody gets it.
    rehearsal: bool,
    /// A second person's word, where one is needed.
    approval: Option<Approval>,
    /// Of a sequence: people who enter later are taken in until then.
    enrol_until: Option<DateTime<Utc>>,
    /// When it is to start.
    scheduled_at: Option<DateTime<Utc>>,
    /// The IANA zone its days are counted in.
    time_zone: Option<String>,
    /// Past this it asks instead of starting.
    latest_start: Option<DateTime<Utc>>,
    /// When sending began.
    started_at: Option<DateTime<Utc>>,
    /// When nothing was left to send.
    completed_at: Option<DateTime<Utc>>,
    /// Who asked for it.
    created_by: Option<Id<UserId>>,
    /// When it was written.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

impl From<campaigns::Campaign> for Campaign {
    fn from(row: campaigns::Campaign) -> Self {
        let estimated_count = row.estimate();
        Self {
            id: Id(CampaignId(row.id)),
            group_id: row.group_id,
            name: row.name,
            description: row.description,
            channel: Name(row.channel),
            status: Name(row.status),
            error: row.error,
            upload_id: row.upload_id.map(|id| Id(UploadId(id))),
            template_id: row.template_id.map(|id| Id(TemplateId(id))),
            target_audience: row.target_audience_filter,
            budget: row.budget.map(money),
            target_count: row.target_count.map(i64::from).or(estimated_count),
            estimated_count,
            audience_ready: row.audience_ready,
            excluded_count: row.excluded_count,
            sent_count: row.sent_count,
            delivered_count: row.delivered_count,
            opened_count: row.opened_count,
            clicked_count: row.clicked_count,
            replied_count: row.replied_count,
            converted_count: row.converted_count,
            failed_count: row.failed_count,
            unconfirmed_count: row.unconfirmed_count,
            schedule_type: row.schedule_type,
            mode: row.mode.to_string(),
            plan: row.plan,
            tags: row.tags.into_iter().flatten().collect(),
            parent_id: row.parent_id.map(|id| Id(CampaignId(id))),
            rehearsal: row.rehearsal,
            approval: row.approval.map(|state| Approval {
                state,
                by: row.approval_by.map(|id| Id(UserId(id))),
                at: row.approval_at,
                note: row.approval_note,
            }),
            enrol_until: row.enrol_until,
            scheduled_at: row.scheduled_at,
            time_zone: row.time_zone,
            latest_start: row.latest_start,
            started_at: row.started_at,
            completed_at: row.completed_at,
            created_by: row.created_by.map(|id| Id(UserId(id))),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
