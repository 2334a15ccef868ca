//! How a campaign fares: `/api/campaigns/{id}/analytics`, and its people: `/recipients` and `/exclusions`.
//!
//! Figures are read from counters that the transactions which change messages keep, so they are as of now and cost the
//! same for ten recipients and a million. Lists of people go on by key, since there may be millions; nothing is counted.

use super::{
    analytics::Analytics,
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
use domain::{
    campaigns::{ExclusionReason, figures::Over},
    ids::{CampaignId, MessageId},
    messaging::MessageStatus,
};
use poem::web::Data;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use schema::{
    campaigns,
    messages::{self, RecipientQuery},
};

named_set!(MessageStatus, ExclusionReason);

/// Figures and people of campaigns.
pub struct CampaignFiguresApi;

#[OpenApi(prefix_path = "/api/campaigns", tag = "Tag::Campaigns")]
impl CampaignFiguresApi {
    /// Get a campaign's figures
    ///
    /// As of now, however large it is and while it is being sent. A recurring campaign's are those of every time it was
    /// sent; rehearsals count for themselves only. Amounts are by currency and never added across. A message is
    /// converted when its case is renewed or paid within the campaign's attribution window, and it was the campaign's
    /// last before. Over several campaigns a renewal counts once, as that of the one that spoke last.
    #[oai(path = "/:id/analytics", method = "get")]
    async fn analytics(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        id: Path<Id<CampaignId>>,
        /// `campaign`, or `group`: all campaigns of the request that made it, in reach.
        over: Query<Option<Name<Over>>>,
    ) -> ApiResult<Reply<Analytics>> {
        let mut connection = state.services.db.get().await?;
        let campaign = find(&mut connection, caller.reach, id.0.0).await?;
        let is_group = over.0.is_some_and(|over| over.0 == Over::Group);
        let counted = campaigns::counted(&mut connection, caller.reach, campaign.id, is_group).await?;
        let measured_at = state.services.clock.now();
        let measured = campaigns::measure(&mut connection, &counted, campaign.time_zone.as_deref()).await?;
        ok(Analytics::of(&campaign, &counted, &measured, measured_at))
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
