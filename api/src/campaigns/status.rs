//! Pausing, resuming and stopping.
//!
//! The rules are the domain's; a change is one compare-and-set, judged anew when somebody else moved the campaign in
//! between. Fails with 409 when the rules refuse, or when it is moved again and again.

use super::find;
use crate::{
    error::{ApiError, ApiResult},
    request::NamedSet,
    state::SharedState,
};
use chrono::{DateTime, Utc};
use domain::{
    campaigns::{Begins, CampaignStatus, Forecast, IllegalTransition, Wanted, status},
    ids::CampaignId,
    permissions::Reach,
};
use jobs::campaigns::request;
use schema::{
    AsyncConnection, DbError,
    audit::Actor,
    campaigns::{Campaign, StatusChange},
};

/// How often a change is judged anew.
const TRIES: usize = 8;

/// What a campaign may be asked to be, as a status or as the verb for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked(&'static str, Wanted);

impl Asked {
    const ALL: [Self; 8] = [
        Self("paused", Wanted::Paused),
        Self("active", Wanted::Active),
        Self("cancelled", Wanted::Cancelled),
        Self("pause", Wanted::Paused),
        Self("resume", Wanted::Active),
        Self("stop", Wanted::Cancelled),
        Self("draft", Wanted::Draft),
        Self("withdraw", Wanted::Draft),
    ];

    /// As the rules know it.
    pub fn wanted(self) -> Wanted {
        self.1
    }
}

impl NamedSet for Asked {
    const SET: &'static str = "WantedStatus";

    fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|asked| asked.0).collect()
    }

    fn name(self) -> &'static str {
        self.0
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|asked| asked.0 == name)
    }
}

/// Who asks for what.
#[derive(Debug)]
pub(super) struct Request {
    pub campaign: CampaignId,
    pub wanted: Wanted,
    pub actor: Actor,
    pub reach: Reach,
}

/// Makes the change; answers where the campaign stands and since when.
pub(super) async fn change(state: &SharedState, asked: &Request) -> ApiResult<(CampaignStatus, DateTime<Utc>)> {
    let mut connection = state.services.db.get().await?;
    for _ in 0..TRIES {
        let campaign = find(&mut connection, asked.reach, asked.campaign).await?;
        let now = state.services.clock.now();
        let to = status::request(campaign.status, asked.wanted, begins(state, &campaign, now)).map_err(refused)?;
        if to == campaign.status {
            return Ok((to, campaign.updated_at));
        }
        let change = StatusChange { campaign: campaign.id, from: campaign.status, to, actor: asked.actor.clone() };
        let changed = connection
            .transaction::<_, DbError, _>(async |connection| request::change_status(connection, now, &change).await)
            .await?;
        if let Some(enqueued) = changed {
            drop(connection);
            state.services.dispatcher.push(&enqueued).await;
            return Ok((to, now));
        }
    }
    Err(ApiError::conflict("campaign_busy", "the campaign is being changed by others at this moment; try again"))
}

/// How it begins: after a second person's word, when it is more than one person may send and nobody agreed yet.
fn begins(state: &SharedState, campaign: &Campaign, now: DateTime<Utc>) -> Begins {
    let is_too_much = || {
        let forecast =
            campaign.forecast().unwrap_or_else(|| Forecast { recipients: campaign.estimate(), ..Forecast::default() });
        state.services.security.approval.exceeded(&forecast).is_some()
    };
    let begins = campaign.begins(now);
    let is_new = campaign.status == CampaignStatus::Draft && !campaign.rehearsal;
    if is_new && is_too_much() { Begins::AfterApproval } else { begins }
}

fn refused(error: IllegalTransition) -> ApiError {
    let details = serde_json::json!({"from": error.from, "to": error.to, "allowed": error.allowed});
    ApiError::conflict("illegal_transition", error.to_string()).with_details(details)
}
