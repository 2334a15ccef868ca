//! Why somebody in a campaign's target gets no message.

use crate::{messaging::template::RenderError, text_enum::text_enum};

text_enum! {
    /// A reason, by the name it has in `campaign_exclusions`. Where it applies, a detail stands beside it.
    pub enum ExclusionReason {
        /// No phone number is known.
        NoPhone = "no_phone",
        /// No email address is known.
        NoEmail = "no_email",
        /// The address is known but cannot be written to.
        InvalidAddress = "invalid_address",
        /// The customer does not want messages on this channel.
        OptedOut = "opted_out",
        /// Another recipient of the campaign has the same address.
        DuplicateAddress = "duplicate_address",
        /// Another policy of the same customer has the campaign's message to them.
        SameCustomer = "same_customer",
        /// Another customer of the same household gets the campaign's message to it.
        SameHousehold = "same_household",
        /// The campaign's message to the customer is about as many of their policies as one can be.
        TooManyPolicies = "too_many_policies",
        /// The customer is in a holdout group, and gets nothing so that what messages bring about can be told.
        Holdout = "holdout",
        /// The policy is already renewed or paid.
        AlreadyRenewed = "already_renewed",
        /// There is one message a policy, and the customer has none.
        NoPolicy = "no_policy",
        /// The policy is cancelled, and the target does not ask for cancelled ones.
        PolicyCancelled = "policy_cancelled",
        /// A chat message, and they have not written to us within the last 24 hours.
        WindowClosed = "window_closed",
        /// The text needs a variable without a value; the detail names it.
        MissingVariable = "missing_variable",
        /// The text cannot be written for the recipient; the detail says why.
        Unrenderable = "unrenderable",
        /// The recipient's country takes only text messages whose text is registered there, and this one's is not.
        Unregistered = "unregistered",
        /// Marketing goes only to those who agreed to it, and the customer did not.
        NoConsent = "no_consent",
        /// The customer does not want messages on this topic.
        TopicRefused = "topic_refused",
        /// The address is on a do-not-disturb list.
        DoNotDisturb = "do_not_disturb",
        /// The address is suppressed: it bounced, complained, or was put on the list.
        Suppressed = "suppressed",
        /// The rules allow no time within two weeks.
        NeverAllowed = "never_allowed",
        /// The policy has lapsed, or its days of grace are over.
        Lapsed = "lapsed",
        /// The renewal case was given up or closed.
        CaseClosed = "case_closed",
        /// A claim on the policy is open.
        OpenClaim = "open_claim",
        /// The customer has answered.
        Replied = "replied",
        /// The term that it was about ends on another day now.
        TermChanged = "term_changed",
        /// The policy was taken off the ladder.
        OffLadder = "off_ladder",
        /// Another ladder leads to the end of the same term.
        OnOtherLadder = "on_other_ladder",
        /// Every step of the ladder is past.
        TooLate = "too_late",
        /// A later step of the ladder has come while the message was held.
        PassedOver = "passed_over",
    }
}

impl ExclusionReason {
    /// The longest detail that is kept, in characters.
    pub const DETAIL_LIMIT: usize = 255;

    /// Why a rendering that failed leaves its recipient out, with the detail to keep.
    pub fn of(error: &RenderError) -> (Self, String) {
        let (reason, detail) = match error {
            RenderError::MissingVariable { names } => (Self::MissingVariable, names.join(", ")),
            RenderError::TooLong | RenderError::Blank | RenderError::Conditional | RenderError::Failed { .. } => {
                (Self::Unrenderable, error.to_string())
            }
        };
        (reason, detail.chars().take(Self::DETAIL_LIMIT).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_variables_are_named() {
        let error = RenderError::MissingVariable { names: vec!["branch".into(), "premium".into()] };
        assert_eq!(ExclusionReason::of(&error), (ExclusionReason::MissingVariable, "branch, premium".to_owned()));
        assert_eq!(ExclusionReason::of(&RenderError::Blank).0, ExclusionReason::Unrenderable);
    }
}
