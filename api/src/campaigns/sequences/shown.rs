//! Ladders, and who is on them, as they are shown.

use crate::{
    error::{ApiError, ApiResult},
    request::{Id, Name},
};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::{
    campaigns::sequence::{Condition, EnrolmentState, Reached, due_at},
    ids::{CampaignId, CustomerId, MessageId, PolicyId, TemplateId},
    messaging::{Channel, MessageStatus},
    permissions::Reach,
};
use poem_openapi::Object;
use schema::{
    AsyncPgConnection,
    sequences::{self, Enrolment, StepRow, Tally},
};

/// A ladder.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Ladder {
    /// From the first to the last.
    steps: Vec<ShownStep>,
    /// The most messages that a policy gets, over all channels.
    max_messages: Option<i32>,
    /// The share of people, in percent, who get no step.
    holdout_percent: Option<i32>,
    /// Newcomers are looked for until then.
    enrol_until: Option<DateTime<Utc>>,
    /// When they were looked for last.
    enrolled_at: Option<DateTime<Utc>>,
}

/// A step, and how it fared.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct ShownStep {
    /// Its place, from 0.
    step: i16,
    /// From the policy's last day.
    days: i16,
    /// Of the recipient's day.
    at: String,
    /// How it goes out.
    channel: Name<Channel>,
    /// What it says.
    template_id: Id<TemplateId>,
    /// What people call that.
    template_name: String,
    /// Which version of it.
    template_version: i32,
    /// Of whom it is.
    condition: Option<Name<Condition>>,
    /// What follows when it does not reach them.
    fallback: Option<ShownFallback>,
    /// Policies whose next step it is.
    ahead: i64,
    /// How its messages fared.
    figures: StepFigures,
}

/// Another channel, and how it fared.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct ShownFallback {
    /// Which.
    channel: Name<Channel>,
    /// What it says.
    template_id: Id<TemplateId>,
    /// Unless the step's message got so far,
    unless: Name<Reached>,
    /// within so many hours.
    hours: i16,
    /// How its messages fared.
    figures: StepFigures,
}

/// How messages of a step fared.
#[derive(Object, Default)]
struct StepFigures {
    /// Messages that were written.
    written: i64,
    /// Accepted by the provider.
    sent: i64,
    /// Reached a device.
    delivered: i64,
    /// Opened or read.
    read: i64,
    /// A link was followed.
    clicked: i64,
    /// Answered.
    replied: i64,
    /// Refused or given up.
    failed: i64,
    /// Left out at the last look.
    suppressed: i64,
}

impl From<&Tally> for StepFigures {
    fn from(tally: &Tally) -> Self {
        Self {
            written: tally.written,
            sent: tally.sent,
            delivered: tally.delivered,
            read: tally.read,
            clicked: tally.clicked,
            replied: tally.replied,
            failed: tally.failed,
            suppressed: tally.suppressed,
        }
    }
}

/// The ladder of a campaign that is one.
pub(super) async fn ladder(connection: &mut AsyncPgConnection, campaign: CampaignId) -> ApiResult<Ladder> {
    let ladder = sequences::ladder(connection, campaign.0).await?;
    let ladder =
        ladder.ok_or_else(|| ApiError::conflict("not_a_ladder", "the campaign has no steps: it goes out once"))?;
    let rows = sequences::steps(connection, campaign.0).await?;
    let tallies = sequences::tallies(connection, campaign.0).await?;
    Ok(Ladder {
        steps: rows.into_iter().map(|row| shown(row, &tallies)).collect(),
        max_messages: ladder.max_messages,
        holdout_percent: ladder.holdout_percent,
        enrol_until: ladder.enrol_until,
        enrolled_at: ladder.enrolled_at,
    })
}

fn shown(row: StepRow, tallies: &[Tally]) -> ShownStep {
    let of = |is_fallback| tallies.iter().find(|tally| tally.step == row.place && tally.is_fallback == is_fallback);
    let fallback = row.step.fallback.as_ref().map(|other| ShownFallback {
        channel: Name(other.channel),
        template_id: Id(TemplateId(other.template)),
        unless: Name(other.unless),
        hours: other.hours,
        figures: of(true).map(StepFigures::from).unwrap_or_default(),
    });
    ShownStep {
        step: row.place,
        days: row.step.days,
        at: row.step.at.format("%H:%M:%S").to_string(),
        channel: Name(row.step.channel),
        template_id: Id(TemplateId(row.step.template)),
        condition: row.step.condition.map(Name),
        fallback,
        ahead: of(false).map_or(0, |tally| tally.ahead),
        figures: of(false).map(StepFigures::from).unwrap_or_default(),
        template_name: row.template_name,
        template_version: row.template_version,
    }
}

/// A part of who is on a ladder.
#[derive(Object)]
pub(super) struct Enrolments {
    /// In the order in which they were put on.
    enrolments: Vec<ShownEnrolment>,
    /// Where the next page begins; absent on the last one.
    next: Option<i64>,
}

/// A policy's term on a ladder.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct ShownEnrolment {
    /// Orders the list.
    id: i64,
    /// Whose policy.
    customer_id: Id<CustomerId>,
    /// Their name.
    customer_name: String,
    /// Which policy.
    policy_id: Id<PolicyId>,
    /// Its number.
    policy_number: String,
    /// The last day of the term that is to be renewed.
    term_end: NaiveDate,
    /// Where it stands.
    state: Name<EnrolmentState>,
    /// What ended it.
    stopped_for: Option<String>,
    /// Whose clocks its steps are read on.
    time_zone: String,
    /// The step that is next, from 0.
    next_step: Option<i16>,
    /// When.
    next_at: Option<DateTime<Utc>>,
    /// When it is seen whether the last message got through.
    fallback_at: Option<DateTime<Utc>>,
    /// The last step that wrote a message.
    last_step: Option<i16>,
    /// Messages written, over all channels.
    written: i16,
    /// When it was put on.
    enrolled_at: DateTime<Utc>,
    /// When it last moved.
    updated_at: DateTime<Utc>,
}

impl From<Enrolment> for ShownEnrolment {
    fn from(row: Enrolment) -> Self {
        Self {
            id: row.id,
            customer_id: Id(CustomerId(row.customer_id)),
            customer_name: row.customer_name,
            policy_id: Id(PolicyId(row.policy_id)),
            policy_number: row.policy_number,
            term_end: row.term_end,
            state: Name(row.state),
            stopped_for: row.stopped_for,
            time_zone: row.time_zone,
            next_step: row.next_step,
            next_at: row.next_at,
            fallback_at: row.fallback_at,
            last_step: row.last_step,
            written: row.written,
            enrolled_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A page of rows of which there may be one too many.
pub(super) fn enrolments(mut rows: Vec<Enrolment>, size: u32) -> Enrolments {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(|last| last.id);
    Enrolments { enrolments: rows.into_iter().map(ShownEnrolment::from).collect(), next }
}

/// Where a policy stands on a ladder.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct PolicyWay {
    /// Its place; absent: it is not on the ladder.
    enrolment: Option<ShownEnrolment>,
    /// What ended its way, or ends it as soon as it is looked at.
    over: Option<String>,
    /// Every step with its time and what it came to.
    steps: Vec<WayStep>,
    /// Why it was left out, the latest first.
    left_out: Vec<WayLeftOut>,
}

/// A step of a policy's way.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct WayStep {
    /// Its place, from 0.
    step: i16,
    /// When it is, or was, due.
    due_at: DateTime<Utc>,
    /// What it wrote.
    messages: Vec<WayMessage>,
}

/// A message of a step.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct WayMessage {
    /// Which.
    id: Id<MessageId>,
    /// On which channel.
    channel: Name<Channel>,
    /// Where it stands.
    status: Name<MessageStatus>,
    /// What went wrong.
    error_code: Option<String>,
    /// When it was written.
    written_at: DateTime<Utc>,
    /// Accepted by the provider.
    sent_at: Option<DateTime<Utc>>,
}

/// Why a policy was left out.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct WayLeftOut {
    /// Why.
    reason: String,
    /// What exactly.
    detail: Option<String>,
    /// When it was decided.
    at: DateTime<Utc>,
}

/// The way of a policy in reach.
pub(super) async fn way(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    (campaign, policy): (CampaignId, PolicyId),
    now: DateTime<Utc>,
) -> ApiResult<PolicyWay> {
    let way = sequences::way(connection, reach, (campaign.0, policy.0), now).await?;
    let mut steps = Vec::new();
    match &way.enrolment {
        None if way.left_out.is_empty() => return Err(ApiError::not_found("policy on this ladder")),
        None => {}
        Some(enrolment) => {
            let zone: Tz = enrolment.time_zone.parse().unwrap_or(Tz::UTC);
            let taken = sequences::taken(connection, enrolment.id).await?;
            for row in sequences::steps(connection, campaign.0).await? {
                let of_step = taken.iter().filter(|message| message.step == row.place);
                let messages = of_step.map(|message| WayMessage {
                    id: Id(MessageId(message.message)),
                    channel: Name(message.channel),
                    status: Name(message.status),
                    error_code: message.error_code.clone(),
                    written_at: message.created_at,
                    sent_at: message.sent_at,
                });
                steps.push(WayStep {
                    step: row.place,
                    due_at: due_at(&row.step, enrolment.term_end, zone),
                    messages: messages.collect(),
                });
            }
        }
    }
    let left_out = way.left_out.into_iter();
    Ok(PolicyWay {
        enrolment: way.enrolment.map(ShownEnrolment::from),
        over: way.over,
        steps,
        left_out: left_out
            .map(|row| WayLeftOut { reason: row.reason, detail: row.detail, at: row.created_at })
            .collect(),
    })
}
