//! Links that people followed, as a campaign's figures count them.
//!
//! Addresses may say who followed them: a link is counted by what its template calls it. What a provider tells of links,
//! and links that went out before they had names, are counted by what their address has in common with others.

use crate::tracking::PROVIDER;
use domain::messaging::{Feedback, tracking::folded};
use schema::{campaigns::Followed, messages::Tracked, provider_events::Waiting};

/// The link an event tells of, when its message is a campaign's; `message`: as it was before the event.
pub(super) fn followed(event: &Waiting, feedback: Feedback, message: &Tracked) -> Option<Followed> {
    let campaign = message.campaign_id.filter(|_| feedback == Feedback::Clicked)?;
    let named = event.link.clone().filter(|_| event.provider == PROVIDER);
    let (link, is_named) = match named {
        Some(link) => (link, true),
        None => (folded(event.url.as_deref()?), false),
    };
    // one that only turns out to have been followed earlier has been counted
    Some(Followed { campaign, link, is_named, first: message.progress.clicked_at.is_none() })
}
