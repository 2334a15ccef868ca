//! Campaigns: `/api/campaigns`. Written, listed, paused, resumed and stopped here; their figures are in [`figures`].
//!
//! A request makes one campaign a channel, tied by a group id. Everything about it is checked before anything is
//! written, and the faults are told together; what is written, its jobs included, is written in one transaction.

pub(crate) mod analytics;
mod check;
mod control;
mod delivery;
mod drafts;
pub(crate) mod figures;
mod launch;
mod new;
mod people;
mod sequences;
mod status;
mod trials;
mod variants;
mod view;

pub use control::CampaignControlApi;
pub use drafts::CampaignDraftsApi;
pub use figures::CampaignFiguresApi;
pub use sequences::SequencesApi;
pub use trials::CampaignTrialsApi;

use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, JsonBody, Name, Names, Page, Pagination, blank_is_none, named_set},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    campaigns::CampaignStatus,
    ids::{CampaignId, UploadId},
    messaging::Channel,
    permissions::Reach,
};
use launch::Launched;
use new::NewCampaign;
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
};
use schema::{
    AsyncPgConnection,
    campaigns::{self, CampaignList},
};
use status::Asked;
use view::Campaign;

named_set!(CampaignStatus);

/// Campaigns.
pub struct CampaignsApi;

/// A part of the list.
#[derive(Object)]
struct Campaigns {
    /// Newest first.
    campaigns: Vec<Campaign>,
    /// Where in the list this is.
    pagination: Pagination,
}

/// What a campaign is asked to be.
#[derive(Object)]
struct StatusRequest {
    /// `paused` holds it, `active` resumes it (or launches a draft, or one that missed its time), `cancelled` stops it
    /// for good, `draft` takes back what has not begun.
    status: Name<Asked>,
}

/// Where a campaign stands now.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct StatusChanged {
    /// Which.
    campaign_id: Id<CampaignId>,
    /// Where it stands.
    status: Name<CampaignStatus>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

#[OpenApi(prefix_path = "/api/campaigns", tag = "Tag::Campaigns")]
impl CampaignsApi {
    /// Write, start or schedule campaigns
    ///
    /// One a channel. An immediate one begins with the job that writes its audience; a scheduled one waits for its time,
    /// one larger or dearer than a person may send alone for a second person's word, a draft for being launched.
    /// 422 `channel_not_configured` for a channel that cannot send yet, 409 `upload_not_ready` while the upload is being
    /// read. `targetCount` is an estimate until the audience is written.
    #[oai(path = "/", method = "post")]
    async fn create(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsCreate>,
        body: JsonBody<NewCampaign>,
    ) -> ApiResult<Launched> {
        launch::launch(&state, &caller, body.0).await
    }

    /// List campaigns
    #[oai(path = "/", method = "get")]
    #[expect(clippy::too_many_arguments, reason = "one a filter")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsView>,
        /// In these statuses only.
        status: Query<Option<Names<CampaignStatus>>>,
        /// On these channels only.
        #[oai(name = "type")]
        channels: Query<Option<Names<Channel>>>,
        /// Over this upload only.
        #[oai(name = "uploadId")]
        upload: Query<Option<Id<UploadId>>>,
        /// With this tag only.
        #[oai(validator(max_length = 50))]
        tag: Query<Option<String>>,
        /// Times of this recurring campaign only.
        #[oai(name = "parentId")]
        parent: Query<Option<Id<CampaignId>>>,
        /// With this in their name.
        #[oai(validator(max_length = 255))]
        search: Query<Option<String>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Campaigns>> {
        let page = Page::read(page.0, limit.0)?;
        let wanted = CampaignList {
            statuses: status.0.map(|names| names.0).unwrap_or_default(),
            channels: channels.0.map(|names| names.0).unwrap_or_default(),
            upload_id: upload.0.map(|upload| upload.0.0),
            tag: blank_is_none(tag.0).map(|tag| tag.to_lowercase()),
            parent: parent.0.map(|parent| parent.0.0),
            search: blank_is_none(search.0),
            offset: page.offset(),
            limit: page.limit(),
        };
        let mut connection = state.services.db.get().await?;
        let (rows, total) = campaigns::list(&mut connection, caller.reach, &wanted).await?;
        ok(Campaigns {
            campaigns: rows.into_iter().map(Campaign::from).collect(),
            pagination: page.counted(total, false),
        })
    }

    /// Pause, resume or stop a campaign
    ///
    /// Asking for what already is changes nothing. 409 `illegal_transition` names what would be possible.
    #[oai(path = "/:id/status", method = "put")]
    async fn set_status(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CampaignsSend>,
        id: Path<Id<CampaignId>>,
        body: JsonBody<StatusRequest>,
    ) -> ApiResult<Reply<StatusChanged>> {
        let change = status::Request {
            campaign: id.0.0,
            wanted: body.0.status.0.wanted(),
            actor: caller.actor(),
            reach: caller.reach,
        };
        let (status, updated_at) = status::change(&state, &change).await?;
        ok(StatusChanged { campaign_id: id.0, status: Name(status), updated_at })
    }
}

/// The campaign, if there is one in reach.
async fn find(connection: &mut AsyncPgConnection, reach: Reach, id: CampaignId) -> ApiResult<campaigns::Campaign> {
    campaigns::find(connection, reach, id.0).await?.ok_or_else(|| ApiError::not_found("campaign"))
}
