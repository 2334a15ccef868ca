//! How a campaign fares: `/api/campaigns/{id}/analytics`, and its people: `/recipients` and `/exclusions`.
//!
//! Figures are those last measured, which a job does while the campaign runs and at its end; one that was never measured
//! is measured when somebody asks. Lists of people go on by key, since there may be millions; nothing is counted.

use super::{
    find,
    people::{self, Exclusions, Recipients},
};
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::ApiResult,
    request::{Id, Name, Names, Page, named_set},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    campaigns::{CampaignStatus, ExclusionReason, report},
    ids::{CampaignId, MessageId, TemplateId},
    messaging::MessageStatus,
};
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
};
use schema::{
    campaigns,
    messages::{self, RecipientQuery},
};

named_set!(MessageStatus, ExclusionReason);

/// Figures and people of campaigns.
pub struct CampaignFiguresApi;

/// How a campaign fares.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Analytics {
    /// Which.
    campaign_id: Id<CampaignId>,
    /// Where it stands.
    status: Name<CampaignStatus>,
    /// How far its messages got.
    metrics: Metrics,
    /// What happened when, oldest first; spans in which nothing did are left out.
    timeline: Vec<Span>,
    /// The width of a span of the timeline, in seconds.
    timeline_seconds: i64,
    /// Its templates, best first.
    top_performing_content: Vec<Content>,
    /// Who was left out, by reason.
    exclusions: Vec<Excluded>,
    /// When this was measured.
    measured_at: DateTime<Utc>,
}

/// How far messages got; each further step includes the steps before it. Rates are percentages of what was delivered,
/// `deliveryRate` of what was sent.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Metrics {
    /// Messages written.
    total: i64,
    /// Not yet handed over.
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
    /// Renewed or paid after the message.
    converted: i64,
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

#[OpenApi(prefix_path = "/api/campaigns", tag = "Tag::Campaigns")]
impl CampaignFiguresApi {
    /// Get a campaign's figures
    #[oai(path = "/:id/analytics", method = "get")]
    async fn analytics(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<CampaignId>>,
    ) -> ApiResult<Reply<Analytics>> {
        let mut connection = state.services.db.get().await?;
        let campaign = find(&mut connection, caller.reach, id.0.0).await?;
        let (report, measured_at) = match (campaign.report(), campaign.metrics_at) {
            (Some(report), Some(at)) => (report, at),
            _ => {
                let at = state.services.clock.now();
                (campaigns::measure(&mut connection, campaign.id).await?.report(None), at)
            }
        };
        ok(Analytics {
            campaign_id: id.0,
            status: Name(campaign.status),
            metrics: report.metrics.into(),
            timeline: report.timeline.into_iter().map(Span::from).collect(),
            timeline_seconds: report.timeline_seconds,
            top_performing_content: report.top_performing_content.into_iter().map(Content::from).collect(),
            exclusions: report.exclusions.into_iter().map(Excluded::from).collect(),
            measured_at,
        })
    }

    /// List a campaign's recipients
    ///
    /// In the order they were written. `next` of an answer, given as `after`, leads on. Addresses are masked;
    /// `POST /api/customers/{id}/reveal` shows one.
    #[oai(path = "/:id/recipients", method = "get")]
    async fn recipients(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<CampaignId>>,
        /// In these statuses only.
        status: Query<Option<Names<MessageStatus>>>,
        /// Those after this one.
        after: Query<Option<Id<MessageId>>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Recipients>> {
        let page = Page::read(None, limit.0)?;
        let statuses = status.0.map(|names| names.0).unwrap_or_default();
        let wanted = RecipientQuery {
            campaign: id.0.0.0,
            statuses: &statuses,
            after: after.0.map_or(0, |after| after.0.0),
            offset: 0,
            limit: page.limit() + 1,
        };
        let mut connection = state.services.db.get().await?;
        find(&mut connection, caller.reach, id.0.0).await?;
        let rows = messages::recipients(&mut connection, caller.reach, wanted).await?;
        ok(people::recipients(rows, page.size()))
    }

    /// List who was left out of a campaign
    ///
    /// By reason. `next` of an answer, given as `after`, leads on.
    #[oai(path = "/:id/exclusions", method = "get")]
    async fn exclusions(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<CampaignId>>,
        /// For this reason only.
        reason: Query<Option<Name<ExclusionReason>>>,
        /// Those after this place: `next` of the page before.
        #[oai(validator(max_length = 80))]
        after: Query<Option<String>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Exclusions>> {
        let page = Page::read(None, limit.0)?;
        let after = after.0.as_deref().map(people::read_place).transpose()?;
        let mut connection = state.services.db.get().await?;
        find(&mut connection, caller.reach, id.0.0).await?;
        let reason = reason.0.map(|reason| reason.0);
        let rows =
            campaigns::exclusions(&mut connection, caller.reach, id.0.0.0, reason, after, page.limit() + 1).await?;
        ok(people::exclusions(rows, page.size()))
    }
}

impl From<report::Metrics> for Metrics {
    fn from(metrics: report::Metrics) -> Self {
        let rates = metrics.rates();
        Self {
            total: metrics.total,
            pending: metrics.pending,
            sending: metrics.sending,
            suppressed: metrics.suppressed,
            unconfirmed: metrics.unconfirmed,
            failed: metrics.failed,
            sent: metrics.sent,
            delivered: metrics.delivered,
            opened: metrics.opened,
            clicked: metrics.clicked,
            replied: metrics.replied,
            converted: metrics.converted,
            open_rate: rates.open_rate,
            click_rate: rates.click_rate,
            conversion_rate: rates.conversion_rate,
            delivery_rate: rates.delivery_rate,
        }
    }
}

impl From<report::Span> for Span {
    fn from(span: report::Span) -> Self {
        let report::Span { at, sent, delivered, opened, replied, failed } = span;
        Self { at, sent, delivered, opened, replied, failed }
    }
}

impl From<report::Content> for Content {
    fn from(content: report::Content) -> Self {
        let rates = content.rates();
        Self {
            template_id: Id(TemplateId(content.template_id)),
            name: content.name,
            sent: content.sent,
            delivered: content.delivered,
            opened: content.opened,
            clicked: content.clicked,
            converted: content.converted,
            open_rate: rates.open_rate,
            click_rate: rates.click_rate,
            conversion_rate: rates.conversion_rate,
        }
    }
}

impl From<report::Excluded> for Excluded {
    fn from(excluded: report::Excluded) -> Self {
        Self { reason: excluded.reason, count: excluded.count }
    }
}
