//! The verdict on one message: send it, put it off, leave its recipient out.
//!
//! What excludes goes before what defers: a message that will never go out need not wait for it.

use super::{Cap, Rules, calendar::Calendar};
use crate::{
    campaigns::{ExclusionReason, plan::SendWindow},
    messaging::{
        Channel, Purpose,
        suppression::{Suppression, SuppressionReason},
    },
    text_enum::text_enum,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

/// What is known of a message and of its recipient. The order within lists has no meaning.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// What it is for.
    pub purpose: Purpose,
    /// How it goes out.
    pub channel: Channel,
    /// What it is about, such as `offers`.
    pub topic: Option<&'a str>,
    /// The time.
    pub now: DateTime<Utc>,
    /// Whose clocks the recipient lives by.
    pub time_zone: Tz,
    /// Where they live: ISO 3166 alpha-2.
    pub country: &'a str,
    /// Whether they agreed to the channel for the purpose, if they ever said.
    pub consent: Option<bool>,
    /// Their preferences have the channel switched off.
    pub switched_off: bool,
    /// Topics they do not want.
    pub refused_topics: &'a [String],
    /// What is known against the address on the channel.
    pub suppressions: &'a [Suppression],
    /// What they have been sent of late, or are being sent, over all channels.
    pub contacts: &'a [Contact],
    /// Holidays of the country, some days around now.
    pub holidays: &'a [NaiveDate],
    /// When its campaign sends, on the recipient's clocks; none: at any time.
    pub windows: &'a [SendWindow],
}

/// A message that somebody has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// When.
    pub at: DateTime<Utc>,
    /// What it was for.
    pub purpose: Purpose,
}

text_enum! {
    /// Why a message waits.
    pub enum DeferReason {
        /// Nobody is disturbed at that time.
        QuietHours = "quiet_hours",
        /// The law does not allow marketing at that time.
        LegalWindow = "legal_window",
        /// It is a weekend.
        Weekend = "weekend",
        /// It is a holiday.
        Holiday = "holiday",
        /// Its campaign sends at other times.
        SendWindow = "send_window",
        /// The recipient has had enough of late.
        FrequencyCap = "frequency_cap",
    }
}

/// What is done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes out.
    Send,
    /// It waits, and is judged again.
    Defer {
        /// Not before; always after now.
        until: DateTime<Utc>,
        /// Why.
        reason: DeferReason,
    },
    /// It does not go out.
    Exclude {
        /// Why.
        reason: ExclusionReason,
    },
}

/// What is done with the message, by the rules.
pub fn judge(rules: &Rules, facts: &Facts<'_>) -> Verdict {
    if let Some(reason) = excluded(rules, facts) {
        return Verdict::Exclude { reason };
    }
    let calendar = Calendar::new(rules, facts);
    let free = uncapped(rules, facts).filter(|free| *free > facts.now);
    let reason = match (free, calendar.forbids(facts.now)) {
        (None, None) => return Verdict::Send,
        (Some(_), _) => DeferReason::FrequencyCap,
        (None, Some(reason)) => reason,
    };
    match calendar.first_allowed(free.unwrap_or(facts.now)) {
        Some(until) => Verdict::Defer { until, reason },
        None => Verdict::Exclude { reason: ExclusionReason::NeverAllowed },
    }
}

/// Why the message does not go out, now or later.
fn excluded(rules: &Rules, facts: &Facts<'_>) -> Option<ExclusionReason> {
    if facts.switched_off || facts.consent == Some(false) {
        return Some(ExclusionReason::OptedOut);
    }
    if facts.purpose == Purpose::Marketing && rules.marketing_needs_consent && facts.consent != Some(true) {
        return Some(ExclusionReason::NoConsent);
    }
    if facts.topic.is_some_and(|topic| facts.refused_topics.iter().any(|refused| refused == topic)) {
        return Some(ExclusionReason::TopicRefused);
    }
    // the person's own word is told before what others found out
    let held = facts.suppressions.iter().filter(|entry| entry.holds(facts.purpose, facts.now));
    held.map(|entry| entry.reason).min().map(|reason| match reason {
        SuppressionReason::OptedOut => ExclusionReason::OptedOut,
        SuppressionReason::DoNotDisturb => ExclusionReason::DoNotDisturb,
        SuppressionReason::Complaint
        | SuppressionReason::HardBounce
        | SuppressionReason::SoftBounce
        | SuppressionReason::Blocked
        | SuppressionReason::Manual
        | SuppressionReason::Invalid => ExclusionReason::Suppressed,
    })
}

/// When the caps let another message through; `None` when none holds it back.
fn uncapped(rules: &Rules, facts: &Facts<'_>) -> Option<DateTime<Utc>> {
    let marketing = rules.marketing_cap.filter(|_| facts.purpose == Purpose::Marketing);
    let counts_marketing = |contact: &Contact| contact.purpose == Purpose::Marketing;
    let of_marketing = marketing.and_then(|cap| frees(cap, facts, counts_marketing));
    let overall = rules.overall_cap.and_then(|cap| frees(cap, facts, |_| true));
    of_marketing.max(overall)
}

/// When a cap lets another message through: a period after the contact that now fills it.
fn frees(cap: Cap, facts: &Facts<'_>, counts: impl Fn(&Contact) -> bool) -> Option<DateTime<Utc>> {
    let period = TimeDelta::days(cap.days.into());
    let mut times: Vec<DateTime<Utc>> = facts.contacts.iter().filter(|contact| counts(contact)).map(|c| c.at).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    let filling = usize::try_from(cap.count).ok().and_then(|count| count.checked_sub(1))?;
    times.get(filling).and_then(|at| at.checked_add_signed(period))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
