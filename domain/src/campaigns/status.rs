//! The states of a campaign and what may change them.
//!
//! People ask ([`request`]); the platform's own events move it on ([`advance`]). A request that does not fit is an
//! [`IllegalTransition`], which names what would be possible. A request for what already is succeeds and changes
//! nothing, so that a repeated call is harmless.

use crate::text_enum::text_enum;

text_enum! {
    /// Where a campaign stands.
    pub enum CampaignStatus {
        /// Written, not launched.
        Draft = "draft",
        /// Waiting for its time.
        Scheduled = "scheduled",
        /// Its audience is being written.
        Preparing = "preparing",
        /// Sending.
        Active = "active",
        /// Held by a person; nothing more is sent until resumed.
        Paused = "paused",
        /// Nothing is left to send.
        Completed = "completed",
        /// Stopped by a person; what was pending is not sent.
        Cancelled = "cancelled",
        /// Its time passed while nothing could fire it; a person decides whether it still goes out.
        Missed = "missed",
        /// It cannot go on: the audience or the template is broken.
        Failed = "failed",
    }
}

impl CampaignStatus {
    /// Whether nothing moves it any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Failed)
    }

    /// Whether messages may be handed to a provider now.
    pub const fn is_sending(self) -> bool {
        matches!(self, Self::Active)
    }
}

text_enum! {
    /// What a person may ask a campaign to be.
    pub enum Wanted {
        /// Hold.
        Paused = "paused",
        /// Resume, launch a draft, or confirm a missed one.
        Active = "active",
        /// Stop for good.
        Cancelled = "cancelled",
    }
}

/// The campaign cannot become what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {from} campaign cannot become {to}; it can become {}", names(allowed))]
pub struct IllegalTransition {
    /// Where the campaign stands.
    pub from: CampaignStatus,
    /// What was asked for.
    pub to: Wanted,
    /// What could have been asked for.
    pub allowed: Vec<Wanted>,
}

fn names(allowed: &[Wanted]) -> String {
    if allowed.is_empty() {
        return "nothing else: it is over".to_owned();
    }
    allowed.iter().map(|wanted| wanted.as_str()).collect::<Vec<_>>().join(" or ")
}

/// The status after a person's request.
///
/// - A campaign being prepared can be paused: its audience is still written, nothing is sent until it is resumed.
/// - Resuming makes it active whether or not its audience was finished; the one who finishes the audience sees that.
/// - Launching a draft or confirming a missed campaign prepares it: its audience is of now, not of the missed time.
/// - A scheduled campaign has nothing to pause; it can be cancelled.
pub fn request(current: CampaignStatus, wanted: Wanted) -> Result<CampaignStatus, IllegalTransition> {
    target(current, wanted).ok_or_else(|| IllegalTransition {
        from: current,
        to: wanted,
        allowed: Wanted::ALL.iter().copied().filter(|other| target(current, *other).is_some()).collect(),
    })
}

const fn target(current: CampaignStatus, wanted: Wanted) -> Option<CampaignStatus> {
    use CampaignStatus::{Active, Cancelled, Completed, Draft, Failed, Missed, Paused, Preparing, Scheduled};
    match (current, wanted) {
        (Preparing | Active | Paused, Wanted::Paused) => Some(Paused),
        (Draft | Missed, Wanted::Active) => Some(Preparing),
        (Preparing, Wanted::Active) => Some(Preparing),
        (Paused | Active, Wanted::Active) => Some(Active),
        (Draft | Scheduled | Preparing | Active | Paused | Missed | Cancelled, Wanted::Cancelled) => Some(Cancelled),
        (Draft | Scheduled | Missed | Completed | Cancelled | Failed, Wanted::Paused)
        | (Scheduled | Completed | Cancelled | Failed, Wanted::Active)
        | (Completed | Failed, Wanted::Cancelled) => None,
    }
}

/// What happens to a campaign without a person asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CampaignEvent {
    /// Its time has come.
    Fired,
    /// Its time, and its latest start, passed before anything could fire it.
    WindowMissed,
    /// Its audience is written.
    AudienceBuilt,
    /// Its audience is written and no message is pending or being sent.
    Drained,
    /// It cannot go on.
    Broken,
}

/// The status after an event, or `None` when the event changes nothing.
pub const fn advance(current: CampaignStatus, event: CampaignEvent) -> Option<CampaignStatus> {
    use CampaignStatus::{Active, Cancelled, Completed, Draft, Failed, Missed, Paused, Preparing, Scheduled};
    match (current, event) {
        (Scheduled, CampaignEvent::Fired) => Some(Preparing),
        (Scheduled, CampaignEvent::WindowMissed) => Some(Missed),
        (Preparing, CampaignEvent::AudienceBuilt) => Some(Active),
        // a paused campaign is completed only after it is resumed: the pause is a person's word
        (Active, CampaignEvent::Drained) => Some(Completed),
        (Preparing | Active | Paused, CampaignEvent::Broken) => Some(Failed),
        (Draft | Preparing | Active | Paused | Missed, CampaignEvent::Fired | CampaignEvent::WindowMissed)
        | (Draft | Scheduled | Active | Paused | Missed, CampaignEvent::AudienceBuilt)
        | (Draft | Scheduled | Preparing | Paused | Missed, CampaignEvent::Drained)
        | (Draft | Scheduled | Missed, CampaignEvent::Broken)
        | (Completed | Cancelled | Failed, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::CampaignStatus::*;
    use super::*;

    #[test]
    fn people_pause_resume_confirm_and_stop() {
        for (current, wanted, after) in [
            (Active, Wanted::Paused, Paused),
            (Preparing, Wanted::Paused, Paused),
            (Paused, Wanted::Active, Active),
            (Missed, Wanted::Active, Preparing),
            (Draft, Wanted::Active, Preparing),
            (Missed, Wanted::Cancelled, Cancelled),
            (Scheduled, Wanted::Cancelled, Cancelled),
            (Active, Wanted::Cancelled, Cancelled),
        ] {
            assert_eq!(request(current, wanted), Ok(after), "{current} {wanted}");
        }
    }

    #[test]
    fn what_does_not_fit_names_what_would() {
        let refused = request(Scheduled, Wanted::Paused).unwrap_err();
        assert_eq!(refused.allowed, [Wanted::Cancelled]);
        assert_eq!(refused.to_string(), "a scheduled campaign cannot become paused; it can become cancelled");
        let over = request(Completed, Wanted::Active).unwrap_err();
        assert_eq!(
            over.to_string(),
            "a completed campaign cannot become active; it can become nothing else: it is over"
        );
    }

    #[test]
    fn a_repeated_request_is_harmless_and_an_end_is_final() {
        for current in CampaignStatus::ALL {
            for wanted in Wanted::ALL {
                match request(*current, *wanted) {
                    Ok(after) => {
                        assert_eq!(request(after, *wanted), Ok(after), "{current} {wanted}");
                        assert!(!current.is_final() || after == *current);
                    }
                    Err(refused) => assert!(!refused.allowed.contains(wanted)),
                }
            }
        }
    }

    #[test]
    fn events_move_it_from_its_time_to_its_end() {
        use CampaignEvent::*;
        assert_eq!(advance(Scheduled, Fired), Some(Preparing));
        assert_eq!(advance(Scheduled, WindowMissed), Some(Missed));
        assert_eq!(advance(Preparing, AudienceBuilt), Some(Active));
        assert_eq!(advance(Active, Drained), Some(Completed));
        assert_eq!(advance(Paused, Drained), None);
        assert_eq!(advance(Preparing, Fired), None, "a second scheduler changes nothing");
        assert_eq!(advance(Cancelled, AudienceBuilt), None);
    }
}
