//! A campaign's figures as they are shown.

mod from;

use crate::request::{Id, Name, named_set};
use chrono::{DateTime, Utc};
use domain::{
    campaigns::{
        CampaignStatus,
        figures::{self, Amounts, Over},
        report,
    },
    ids::{BranchId, CampaignId, TemplateId},
    messaging::Channel,
};
use from::amounts;
use poem_openapi::{Object, types::ToJSON};
use schema::campaigns::{Campaign, Measured};

named_set!(Over);

/// Amounts as [`Analytics`] shows them, for what is no answer to a request.
pub(crate) fn shown(amounts: &Amounts) -> Option<serde_json::Value> {
    from::amounts(amounts).to_json()
}

/// How a campaign fares.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Analytics {
    /// Which.
    campaign_id: Id<CampaignId>,
    /// Where it stands.
    status: Name<CampaignStatus>,
    /// The campaigns that are added up: this one, or those of its group or of every time it was sent.
    campaigns: Vec<Id<CampaignId>>,
    /// How far its messages got.
    metrics: Metrics,
    /// What happened when, oldest first; spans in which nothing did are left out. Those of six hours and more begin by the
    /// clock of the campaign's zone, weeks on Mondays.
    timeline: Vec<Span>,
    /// The width of a span of the timeline, in seconds; a day that clocks are put forward or back on is one all the same.
    timeline_seconds: i64,
    /// Its templates, best first.
    top_performing_content: Vec<Content>,
    /// Who was left out, by reason.
    exclusions: Vec<Excluded>,
    /// What did not arrive, by reason, most first.
    failures: Vec<Failure>,
    /// What was spent.
    cost: Vec<Amount>,
    /// Cases that were renewed or paid after a message: each once, however many messages or campaigns told of it. A
    /// message may be about several.
    renewals: i64,
    /// Their renewal amounts.
    revenue: Vec<Amount>,
    /// What was spent for each of them; empty without any.
    cost_per_renewal: Vec<Amount>,
    /// By step of a sequence.
    by_step: Vec<StepPart>,
    /// By channel.
    by_channel: Vec<ChannelPart>,
    /// By variant of a test.
    by_variant: Vec<VariantPart>,
    /// By branch of the policy, as it was when the message was written.
    by_branch: Vec<BranchPart>,
    /// By hour of sending, in the campaign's zone: how what was sent then fared.
    by_hour: Vec<HourPart>,
    /// By domain of the e-mail address, most first; at most 50.
    by_domain: Vec<DomainPart>,
    /// By template, version and language.
    by_template: Vec<TemplatePart>,
    /// Links by how often people followed them, as their templates write them; at most 50.
    links: Vec<Link>,
    /// What of conversions is owed to it, beside other campaigns.
    attribution: Attribution,
    /// What it added, against those held out; absent when nobody was, and over several campaigns, which may have tried
    /// the same people: each tells its own.
    lift: Option<Lift>,
    /// When this was measured.
    measured_at: DateTime<Utc>,
}

/// How far messages got; each further step includes the steps before it. Rates are percentages of what was delivered,
/// `deliveryRate` of what was sent.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Metrics {
    /// Messages written.
    total: i64,
    /// Not yet handed over; by anything but step and channel, with those being handed over.
    pending: i64,
    /// Being handed over.
    sending: i64,
    /// Left out at send time, or stopped.
    suppressed: i64,
    /// Of unknown outcome.
    unconfirmed: i64,
    /// Refused or given up.
    failed: i64,
    /// Accepted by the provider.
    sent: i64,
    /// Reached a device.
    delivered: i64,
    /// Opened or read.
    opened: i64,
    /// Followed a link.
    clicked: i64,
    /// Answered.
    replied: i64,
    /// Whose case, or one of them, was renewed or paid after the message.
    converted: i64,
    /// Wanted no more.
    unsubscribed: i64,
    /// Called it spam.
    complained: i64,
    /// Opened of delivered.
    open_rate: f64,
    /// Clicked of delivered.
    click_rate: f64,
    /// Converted of delivered.
    conversion_rate: f64,
    /// Delivered of sent.
    delivery_rate: f64,
}

/// What happened in one span of time.
#[derive(Object)]
struct Span {
    /// Its start.
    at: DateTime<Utc>,
    /// Accepted in it.
    sent: i64,
    /// Delivered in it.
    delivered: i64,
    /// Opened in it.
    opened: i64,
    /// Links followed for the first time in it.
    clicked: i64,
    /// Answered in it.
    replied: i64,
    /// Failed in it.
    failed: i64,
}

/// How a template fared.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Content {
    /// Which.
    template_id: Id<TemplateId>,
    /// Its name.
    name: String,
    /// Accepted by the provider.
    sent: i64,
    /// Reached a device.
    delivered: i64,
    /// Opened or read.
    opened: i64,
    /// Followed a link.
    clicked: i64,
    /// Renewed or paid after the message.
    converted: i64,
    /// Opened of delivered, in percent.
    open_rate: f64,
    /// Clicked of delivered, in percent.
    click_rate: f64,
    /// Converted of delivered, in percent.
    conversion_rate: f64,
}

/// How many were left out for one reason.
#[derive(Object)]
struct Excluded {
    /// Why.
    reason: String,
    /// How many.
    count: i64,
}

/// What did not arrive for one reason.
#[derive(Object)]
struct Failure {
    /// `failed`, `suppressed` or `unconfirmed`.
    status: String,
    /// The provider's or the platform's code; blank when there is none.
    code: String,
    /// How many.
    count: i64,
}

/// Money in one currency.
#[derive(Object)]
struct Amount {
    /// ISO 4217.
    currency: String,
    /// How much.
    amount: String,
}

/// A step of a sequence.
#[derive(Object)]
struct StepPart {
    /// From 0.
    step: i64,
    #[oai(flatten)]
    part: Part,
}

/// A channel.
#[derive(Object)]
struct ChannelPart {
    /// Which.
    channel: Name<Channel>,
    #[oai(flatten)]
    part: Part,
}

/// A variant.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct VariantPart {
    /// Its label; blank when it is gone.
    label: String,
    #[oai(flatten)]
    part: Part,
}

/// How a part fared, and what it cost and brought.
#[derive(Object)]
struct Part {
    #[oai(flatten)]
    metrics: Metrics,
    /// What was spent.
    cost: Vec<Amount>,
    /// Renewal amounts of converted cases.
    revenue: Vec<Amount>,
}

/// A branch.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct BranchPart {
    /// Which.
    branch_id: Id<BranchId>,
    /// Its name.
    name: String,
    #[oai(flatten)]
    metrics: Metrics,
}

/// An hour of the day.
#[derive(Object)]
struct HourPart {
    /// From 0 to 23.
    hour: u32,
    #[oai(flatten)]
    metrics: Metrics,
}

/// A domain.
#[derive(Object)]
struct DomainPart {
    /// Which.
    domain: String,
    #[oai(flatten)]
    metrics: Metrics,
}

/// A template in one version and language.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct TemplatePart {
    /// Which.
    template_id: Id<TemplateId>,
    /// Its name.
    name: String,
    /// Which version of it.
    version: Option<i32>,
    /// In which language.
    language: Option<String>,
    #[oai(flatten)]
    metrics: Metrics,
}

/// A link.
#[derive(Object)]
struct Link {
    /// Where it leads, as its template writes it, without its query. `other`: links that no template names, beyond the
    /// first few hundred.
    url: String,
    /// How often it was followed.
    clicks: i64,
    /// By how many messages' recipients before any other link.
    first: i64,
}

/// What of conversions is owed to a campaign, beside others that wrote about the same case.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Attribution {
    /// All to the last message.
    last_touch: Vec<Credit>,
    /// 40 % to the first, 40 % to the last, the rest to those between.
    position: Vec<Credit>,
}

/// What is owed, in one currency.
#[derive(Object)]
struct Credit {
    /// ISO 4217.
    currency: String,
    /// How many cases, which may be shared.
    cases: f64,
    /// Of their renewal amounts.
    amount: String,
}

/// What a campaign added. Everybody counts in the group they were put in, whether or not a message was sent: with the
/// policies that a message was, or would have been, about.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Lift {
    /// Policies it was to tell of.
    treated: LiftArm,
    /// Policies held out that it would have told of.
    holdout: LiftArm,
    /// The treated's rate less the held out's, in percentage points.
    difference: f64,
    /// The lower end of its interval, at 95 %.
    low: f64,
    /// The upper end.
    high: f64,
    /// The difference in percent of the held out's rate; absent when none of them renewed.
    relative: Option<f64>,
    /// How often chance alone makes such a difference.
    p_value: f64,
    /// Why it says little: `trials`, too few people; `outcomes`, too few of them renewed, or did not.
    lack: Option<String>,
}

/// One of the groups.
#[derive(Object)]
struct LiftArm {
    /// How many.
    total: u64,
    /// How many of them renewed.
    converted: u64,
    /// In percent.
    rate: f64,
}

impl Analytics {
    /// A measurement of `campaign` over those counted.
    pub(super) fn of(campaign: &Campaign, counted: &[i64], measured: &Measured, measured_at: DateTime<Utc>) -> Self {
        let (figures, names) = (&measured.figures, &measured.names);
        let report = measured.report(None, None);
        let text = |name: Option<&String>| name.cloned().unwrap_or_default();
        let channel = |(name, part): (&String, &figures::Part)| {
            Some(ChannelPart { channel: Name(name.parse().ok()?), part: part.into() })
        };
        let template = |((template, version), metrics): (&(i64, Option<i64>), &report::Metrics)| {
            let found = version.and_then(|version| names.versions.get(&version));
            TemplatePart {
                template_id: Id(TemplateId(*template)),
                name: text(names.templates.get(template)),
                version: found.map(|(version, _)| *version),
                language: found.map(|(_, language)| language.clone()),
                metrics: (*metrics).into(),
            }
        };
        Self {
            campaign_id: Id(CampaignId(campaign.id)),
            status: Name(campaign.status),
            campaigns: counted.iter().map(|id| Id(CampaignId(*id))).collect(),
            metrics: report.metrics.into(),
            timeline: report.timeline.into_iter().map(Span::from).collect(),
            timeline_seconds: report.timeline_seconds,
            top_performing_content: report.top_performing_content.into_iter().map(Content::from).collect(),
            exclusions: report.exclusions.into_iter().map(Excluded::from).collect(),
            failures: figures.failures.iter().cloned().map(Failure::from).collect(),
            cost: amounts(&figures.whole.cost),
            renewals: figures.renewals,
            revenue: amounts(&figures.whole.revenue),
            cost_per_renewal: amounts(&figures.cost_per_renewal()),
            by_step: figures.steps.iter().map(|(step, part)| StepPart { step: *step, part: part.into() }).collect(),
            by_channel: figures.channels.iter().filter_map(channel).collect(),
            by_variant: (figures.variants.iter())
                .map(|(id, part)| VariantPart { label: text(names.variants.get(id)), part: part.into() })
                .collect(),
            by_branch: (figures.branches.iter())
                .map(|(id, metrics)| BranchPart {
                    branch_id: Id(BranchId(*id)),
                    name: text(names.branches.get(id)),
                    metrics: (*metrics).into(),
                })
                .collect(),
            by_hour: (figures.hours.iter())
                .map(|(hour, metrics)| HourPart { hour: *hour, metrics: (*metrics).into() })
                .collect(),
            by_domain: (figures.domains.iter())
                .map(|(domain, metrics)| DomainPart { domain: domain.clone(), metrics: (*metrics).into() })
                .collect(),
            by_template: figures.templates.iter().map(template).collect(),
            links: figures.links.iter().cloned().map(Link::from).collect(),
            attribution: Attribution {
                last_touch: figures.last_touch.iter().map(Credit::from).collect(),
                position: figures.position.iter().map(Credit::from).collect(),
            },
            lift: measured.lift().map(Lift::from),
            measured_at,
        }
    }
}
