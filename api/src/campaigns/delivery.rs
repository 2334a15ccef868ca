//! How a campaign goes out, as requests say it.
//!
//! Types, and what they mean to the rules of the domain; what cannot be meant is told by its field.

use super::check::Faults;
use crate::request::{Id, Name, named_set};
use chrono::{DateTime, NaiveTime, Utc};
use domain::{
    campaigns::Grouping,
    campaigns::plan::{Limits, Metric, Pace, Plan, Recurrence, SendWindow, Test, Timing},
    ids::TemplateId,
    messaging::{Channel, restraint::Window},
    statistics::Method,
    text_enum::UnknownName,
};
use poem_openapi::Object;
use schema::campaigns::NewVariant;

named_set!(Grouping, Metric, Method, TimeKind);

/// The most variants of a test.
const VARIANTS: usize = 8;

/// How recipients' own times are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeKind {
    RecipientTime,
    BestHour,
}

impl TimeKind {
    const NAMES: &'static [&'static str] = &["recipientTime", "bestHour"];

    const fn as_str(self) -> &'static str {
        match self {
            Self::RecipientTime => Self::NAMES[0],
            Self::BestHour => Self::NAMES[1],
        }
    }
}

impl std::str::FromStr for TimeKind {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let all = [Self::RecipientTime, Self::BestHour];
        all.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownName { allowed: Self::NAMES })
    }
}

/// A time on the recipient's own clocks.
#[derive(Debug, Clone, Object)]
pub(crate) struct SendTime {
    /// `recipientTime`: at that time of each recipient's day. `bestHour`: in the hour in which they opened, followed and
    /// answered most, at the time given for those of whom nothing is known. Where the time has passed, the next day.
    pub mode: Name<TimeKind>,
    /// Such as `10:00`.
    #[oai(validator(max_length = 8))]
    pub at: String,
}

/// A part of some days on the recipient's own clocks.
#[derive(Debug, Clone, Object)]
pub(crate) struct SendWindowRequest {
    /// `MON` to `SUN`.
    #[oai(validator(min_items = 1, max_items = 7))]
    pub days: Vec<String>,
    /// Such as `09:00`.
    #[oai(validator(max_length = 8))]
    pub from: String,
    /// Such as `18:00`; before `from`: on the next day.
    #[oai(validator(max_length = 8))]
    pub until: String,
}

/// One of several texts, subjects, channels or hours that are tried.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub(crate) struct VariantRequest {
    /// What people call it, such as `A`.
    #[oai(validator(min_length = 1, max_length = 20))]
    pub label: String,
    /// Its share relative to the others'; by default all are alike.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
    pub weight: Option<i16>,
    /// By default the campaign's channel.
    #[oai(rename = "type")]
    pub channel: Option<Name<Channel>>,
    /// What it says; by default the campaign's template.
    pub template_id: Option<Id<TemplateId>>,
    /// Instead of the template's own; e-mail only.
    #[oai(validator(min_length = 1, max_length = 500))]
    pub subject: Option<String>,
    /// In which hour of the recipient's day.
    #[oai(validator(minimum(value = "0"), maximum(value = "23")))]
    pub send_hour: Option<i16>,
}

/// How variants are tried against each other.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub(crate) struct TestRequest {
    /// What makes one better.
    pub metric: Name<Metric>,
    /// By default `bayesian`.
    pub method: Option<Name<Method>>,
    /// The share of recipients it is tried on; the rest gets what wins. By default 20; 100 tries it on all.
    pub share_percent: Option<u8>,
    /// How long it is tried, in hours from the first message on; by default 4.
    pub hours: Option<u16>,
    /// How sure a winner has to be; by default 95.
    pub confidence_percent: Option<u8>,
    /// Whether the rest gets the best without a person's word; by default so.
    pub automatic: Option<bool>,
}

/// Shares past which a campaign pauses by itself.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub(crate) struct LimitsRequest {
    /// Failed of those tried; by default 50.
    pub failure_percent: Option<f64>,
    /// Complained of those sent; by default 1.
    pub complaint_percent: Option<f64>,
    /// Judged once so many were tried; by default 100.
    pub at_least: Option<u32>,
}

/// When a campaign begins again.
#[derive(Debug, Clone, Object)]
pub(crate) struct RecurrenceRequest {
    /// A cron expression in the campaign's zone, such as `0 9 * * MON`.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub cron: String,
    /// Not after this.
    pub until: Option<DateTime<Utc>>,
}

/// The parts of a request that say how a campaign goes out.
pub(super) struct Delivery<'a> {
    pub send_time: Option<&'a SendTime>,
    pub windows: &'a [SendWindowRequest],
    pub per_hour: Option<u32>,
    pub over_days: Option<u32>,
    pub test: Option<&'a TestRequest>,
    pub limits: Option<&'a LimitsRequest>,
    pub recurrence: Option<&'a RecurrenceRequest>,
    pub attribution_days: Option<u16>,
    pub grouping: Option<Grouping>,
    pub holdout_percent: Option<u8>,
}

impl Delivery<'_> {
    /// The plan; what cannot be meant is added to the faults.
    pub fn plan(&self, faults: &mut Faults, zone: &str, now: DateTime<Utc>) -> Plan {
        let timing = self.send_time.and_then(|time| {
            let at = clock(faults, "sendTime.at", &time.at)?;
            Some(match time.mode.0 {
                TimeKind::RecipientTime => Timing::RecipientTime { at },
                TimeKind::BestHour => Timing::BestHour { otherwise: at },
            })
        });
        let pace = match (self.per_hour, self.over_days) {
            (Some(_), Some(_)) => {
                faults.add("perHour", "give perHour or overDays, not both");
                None
            }
            (Some(count), None) => Some(Pace::PerHour(count)),
            (None, Some(days)) => Some(Pace::OverDays(days)),
            (None, None) => None,
        };
        let plan = Plan {
            timing: timing.unwrap_or_default(),
            windows: self.windows.iter().filter_map(|window| window.read(faults)).collect(),
            pace,
            grouping: self.grouping.unwrap_or(Grouping::Address),
            holdout_percent: self.holdout_percent,
            test: self.test.map(TestRequest::read),
            limits: self.limits.map_or_else(Limits::default, LimitsRequest::read),
            recurrence: self.recurrence.map(|given| Recurrence { cron: given.cron.clone(), until: given.until }),
            attribution_days: self.attribution_days.unwrap_or(Plan::default().attribution_days),
            ..Plan::default()
        };
        for fault in plan.check(zone, now).err().unwrap_or_default() {
            faults.add(fault.field, fault.problem);
        }
        plan
    }
}

impl SendWindowRequest {
    fn read(&self, faults: &mut Faults) -> Option<SendWindow> {
        let from = clock(faults, "sendWindows.from", &self.from);
        let until = clock(faults, "sendWindows.until", &self.until);
        let days: Result<_, _> = self.days.iter().map(|day| day.parse()).collect();
        let days = days.map_err(|_| faults.add("sendWindows.days", "expected days such as MON")).ok();
        Some(SendWindow { days: days?, hours: Window { from: from?, until: until? } })
    }
}

impl TestRequest {
    fn read(&self) -> Test {
        let default = Test::of(self.metric.0);
        Test {
            method: self.method.map_or(default.method, |method| method.0),
            share_percent: self.share_percent.unwrap_or(default.share_percent),
            hours: self.hours.unwrap_or(default.hours),
            confidence_percent: self.confidence_percent.unwrap_or(default.confidence_percent),
            automatic: self.automatic.unwrap_or(default.automatic),
            ..default
        }
    }
}

impl LimitsRequest {
    fn read(&self) -> Limits {
        let default = Limits::default();
        Limits {
            failure_percent: self.failure_percent.unwrap_or(default.failure_percent),
            complaint_percent: self.complaint_percent.unwrap_or(default.complaint_percent),
            at_least: self.at_least.unwrap_or(default.at_least),
        }
    }
}

/// The variants of a campaign on a channel whose own template is known.
pub(super) fn variants(
    given: &[VariantRequest],
    has_test: bool,
    (channel, template): (Channel, TemplateId),
    faults: &mut Faults,
) -> Vec<NewVariant> {
    match (given.len(), has_test) {
        (0, true) => faults.add("variants", "a test needs variants"),
        (1, _) => faults.add("variants", "there is nothing to compare: give two or more"),
        (2.., false) => faults.add("test", "variants need a test that decides between them"),
        _ => {}
    }
    if given.len() > VARIANTS {
        faults.add("variants", format!("has more than {VARIANTS}"));
    }
    let mut labels: Vec<&str> = given.iter().map(|variant| variant.label.trim()).collect();
    labels.sort_unstable();
    labels.dedup();
    if labels.len() < given.len() {
        faults.add("variants.label", "two have the same");
    }
    let read = |variant: &VariantRequest| {
        let own = variant.channel.map_or(channel, |channel| channel.0);
        if own != channel && variant.template_id.is_none() {
            faults.add("variants.templateId", format!("is required: {} is another channel", variant.label));
        }
        if own != Channel::Email && variant.subject.is_some() {
            faults.add("variants.subject", "only mails have one");
        }
        NewVariant {
            label: variant.label.trim().to_owned(),
            weight: variant.weight.unwrap_or(1),
            channel: own,
            template_id: variant.template_id.map_or(template.0, |id| id.0.0),
            subject: variant.subject.clone(),
            send_hour: variant.send_hour,
        }
    };
    given.iter().map(read).collect()
}

fn clock(faults: &mut Faults, field: &'static str, text: &str) -> Option<NaiveTime> {
    let read = NaiveTime::parse_from_str(text, "%H:%M").or_else(|_| NaiveTime::parse_from_str(text, "%H:%M:%S"));
    read.map_err(|_| faults.add(field, "expected a time such as 10:00")).ok()
}
