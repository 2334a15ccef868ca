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
        /// Large or dear: waiting for a second person's word.
        AwaitingApproval = "awaiting_approval",
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
        /// Take it back, to be written anew.
        Draft = "draft",
    }
}

text_enum! {
    /// What a campaign is.
    pub enum CampaignMode {
        /// Each recipient gets a message.
        Once = "once",
        /// It has a campaign begin each time it is due, and sends nothing itself.
        Recurring = "recurring",
        /// Each policy is led up a ladder of steps.
        Sequence = "sequence",
    }
}

/// How a campaign begins once a person launches it: what is known of it beside its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// With the writing of its audience.
    AtOnce,
    /// At its time.
    AtItsTime,
    /// Not by itself: its latest start has passed.
    TooLate,
    /// Never itself: it has a campaign begin each time it is due.
    AgainAndAgain,
    /// After a second person's word.
    AfterApproval,
    /// It has begun: its audience is written.
    Ready,
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
/// - Launching a draft prepares it, has it wait for its time or for approval, as it [`Begins`]; one whose latest start has
///   passed is missed, and begins when it is confirmed. Confirming a missed campaign prepares it: its audience is of now,
///   not of the missed time.
/// - A scheduled campaign has nothing to pause; it can be cancelled, or taken back to be written anew, as can one that
///   awaits approval before its audience is written.
pub fn request(current: CampaignStatus, wanted: Wanted, begins: Begins) -> Result<CampaignStatus, IllegalTransition> {
    target(current, wanted, begins).ok_or_else(|| IllegalTransition {
        from: current,
        to: wanted,
        allowed: Wanted::ALL.iter().copied().filter(|other| target(current, *other, begins).is_some()).collect(),
    })
}

const fn target(current: CampaignStatus, wanted: Wanted, begins: Begins) -> Option<CampaignStatus> {
    use CampaignStatus::{
        Active, AwaitingApproval, Cancelled, Completed, Draft, Failed, Missed, Paused, Preparing, Scheduled,
    };
    match (current, wanted) {
        (Preparing | Active | Paused, Wanted::Paused) => Some(Paused),
        (Draft, Wanted::Active) => Some(begun(begins)),
        (Missed | Preparing, Wanted::Active) => Some(Preparing),
        (Paused | Active, Wanted::Active) => Some(Active),
        (
            Draft | AwaitingApproval | Scheduled | Preparing | Active | Paused | Missed | Cancelled,
            Wanted::Cancelled,
        ) => Some(Cancelled),
        (AwaitingApproval, Wanted::Draft) if matches!(begins, Begins::Ready) => None,
        (Draft | AwaitingApproval | Scheduled | Missed, Wanted::Draft) => Some(Draft),
        (Draft | AwaitingApproval | Scheduled | Missed | Completed | Cancelled | Failed, Wanted::Paused)
        | (AwaitingApproval | Scheduled | Completed | Cancelled | Failed, Wanted::Active)
        | (Completed | Failed, Wanted::Cancelled)
        | (Preparing | Active | Paused | Completed | Cancelled | Failed, Wanted::Draft) => None,
    }
}

const fn begun(begins: Begins) -> CampaignStatus {
    match begins {
        Begins::AtOnce => CampaignStatus::Preparing,
        Begins::AtItsTime => CampaignStatus::Scheduled,
        Begins::TooLate => CampaignStatus::Missed,
        Begins::AgainAndAgain | Begins::Ready => CampaignStatus::Active,
        Begins::AfterApproval => CampaignStatus::AwaitingApproval,
    }
}

/// The status of a campaign that is launched as it is written.
pub const fn launched(begins: Begins) -> CampaignStatus {
    begun(begins)
}

/// The status after a second person's word: it begins as it would have, or is taken back with their reason. `None`:
/// nobody asked them. One whose audience is written cannot be taken back; refused, it is stopped.
pub const fn judged(current: CampaignStatus, approved: bool, begins: Begins) -> Option<CampaignStatus> {
    match (current, approved, begins) {
        (CampaignStatus::AwaitingApproval, true, Begins::AfterApproval) => None,
        (CampaignStatus::AwaitingApproval, true, begins) => Some(begun(begins)),
        (CampaignStatus::AwaitingApproval, false, Begins::Ready) => Some(CampaignStatus::Cancelled),
        (CampaignStatus::AwaitingApproval, false, _) => Some(CampaignStatus::Draft),
        _ => None,
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
    /// Its audience is larger or dearer than one person may send.
    TooLarge,
    /// It begins again and again, and no time is left.
    Ended,
    /// It cannot go on.
    Broken,
}

/// The status after an event, or `None` when the event changes nothing.
pub const fn advance(current: CampaignStatus, event: CampaignEvent) -> Option<CampaignStatus> {
    use CampaignStatus::{Active, AwaitingApproval, Completed, Failed, Missed, Paused, Preparing, Scheduled};
    match (event, current) {
        (CampaignEvent::Fired, Scheduled) => Some(Preparing),
        (CampaignEvent::WindowMissed, Scheduled) => Some(Missed),
        (CampaignEvent::AudienceBuilt, Preparing) => Some(Active),
        // its author may have held it, or let it go on, while its audience was written
        (CampaignEvent::TooLarge, Preparing | Active | Paused) => Some(AwaitingApproval),
        // a paused campaign is completed only after it is resumed: the pause is a person's word
        (CampaignEvent::Drained | CampaignEvent::Ended, Active) => Some(Completed),
        (CampaignEvent::Broken, Preparing | Active | Paused) => Some(Failed),
        (
            CampaignEvent::Fired
            | CampaignEvent::WindowMissed
            | CampaignEvent::AudienceBuilt
            | CampaignEvent::TooLarge
            | CampaignEvent::Drained
            | CampaignEvent::Ended
            | CampaignEvent::Broken,
            _,
        ) => None,
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
            assert_eq!(request(current, wanted, Begins::AtOnce), Ok(after), "{current} {wanted}");
        }
    }

    #[test]
    fn a_draft_begins_as_it_is_meant_to() {
        for (begins, after) in [
            (Begins::AtOnce, Preparing),
            (Begins::AtItsTime, Scheduled),
            (Begins::AgainAndAgain, Active),
            (Begins::AfterApproval, AwaitingApproval),
        ] {
            assert_eq!(request(Draft, Wanted::Active, begins), Ok(after));
        }
        assert_eq!(request(Scheduled, Wanted::Draft, Begins::AtItsTime), Ok(Draft));
    }

    #[test]
    fn the_second_word_lets_it_begin_takes_it_back_or_stops_it() {
        assert_eq!(judged(AwaitingApproval, true, Begins::AtItsTime), Some(Scheduled));
        assert_eq!(judged(AwaitingApproval, true, Begins::Ready), Some(Active));
        assert_eq!(judged(AwaitingApproval, false, Begins::AtOnce), Some(Draft));
        assert_eq!(judged(AwaitingApproval, false, Begins::Ready), Some(Cancelled));
        assert_eq!(judged(Active, true, Begins::AtOnce), None);
        // what is written for a person cannot be launched around them, nor written anew
        assert!(request(AwaitingApproval, Wanted::Active, Begins::Ready).is_err());
        assert!(request(AwaitingApproval, Wanted::Draft, Begins::Ready).is_err());
    }

    #[test]
    fn what_does_not_fit_names_what_would() {
        let refused = request(Scheduled, Wanted::Paused, Begins::AtItsTime).unwrap_err();
        assert_eq!(refused.allowed, [Wanted::Cancelled, Wanted::Draft]);
        assert_eq!(refused.to_string(), "a scheduled campaign cannot become paused; it can become cancelled or draft");
        let over = request(Completed, Wanted::Active, Begins::Ready).unwrap_err();
        assert_eq!(
            over.to_string(),
            "a completed campaign cannot become active; it can become nothing else: it is over"
        );
    }

    #[test]
    fn a_repeated_request_is_harmless_and_an_end_is_final() {
        for current in CampaignStatus::ALL {
            for wanted in Wanted::ALL {
                match request(*current, *wanted, Begins::AtOnce) {
                    Ok(after) => {
                        assert_eq!(request(after, *wanted, Begins::AtOnce), Ok(after), "{current} {wanted}");
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
