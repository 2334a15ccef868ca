//! Links that people followed, as a campaign's figures count them.

use domain::messaging::Feedback;
use schema::{campaigns::Followed, messages::Tracked, provider_events::Waiting};

/// The link an event tells of, when its message is a campaign's; `first`: it is the first of the message.
pub(super) fn followed(event: &Waiting, feedback: Feedback, message: &Tracked, first: bool) -> Option<Followed> {
    let campaign = message.campaign_id.filter(|_| feedback == Feedback::Clicked)?;
    Some(Followed { campaign, url: event.url.clone()?, first })
}
