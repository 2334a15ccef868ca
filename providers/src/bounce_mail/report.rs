//! Delivery status notifications (RFC 3464): fields by recipient.
//!
//! Servers leave out blank lines, fields and whole diagnoses; what is missing is looked for in the words beside.

use super::{Fate, OUTCOME_LIMIT, Outcome, addresses, headers::Headers, mime::Mail, prose};
use domain::messaging::bounce::{EnhancedStatus, diagnose};

/// What became of the message, if the mail is such a report and names anybody.
pub(super) fn read(mail: &Mail<'_>, text: &str) -> Option<Vec<Outcome>> {
    let fields = fields(mail)?;
    let starts = ["original-recipient", "final-recipient"];
    let groups = Headers::groups(&fields).into_iter().flat_map(|group| group.divide(&starts));
    let subject = mail.headers.subject();
    let outcomes = groups.filter_map(|group| outcome(&group, &subject, text)).take(OUTCOME_LIMIT);
    Some(outcomes.collect::<Vec<_>>()).filter(|outcomes| !outcomes.is_empty())
}

/// The text of the part with the fields; some gateways change its media type.
fn fields(mail: &Mail<'_>) -> Option<String> {
    let known = |media_type: &str| matches!(media_type, "message/delivery-status" | "message/global-delivery-status");
    if let Some(part) = mail.parts.iter().find(|part| known(&part.media_type)) {
        return Some(part.text());
    }
    mail.parts.iter().filter(|part| !part.media_type.ends_with("rfc822")).map(|part| part.text()).find(|text| {
        let small = text.to_lowercase();
        let has = |name: &str| small.starts_with(name) || small.contains(&format!("\n{name}"));
        has("final-recipient:") && (has("action:") || has("status:"))
    })
}

fn outcome(group: &Headers, subject: &str, text: &str) -> Option<Outcome> {
    let names = ["final-recipient", "x-actual-recipient", "original-recipient"];
    if !group.has("final-recipient") && !group.has("original-recipient") {
        return None;
    }
    let mut recipients: Vec<String> = Vec::new();
    for address in names.iter().filter_map(|name| group.get(name)).filter_map(addresses::of_field) {
        if !recipients.contains(&address) {
            recipients.push(address);
        }
    }
    let status = group.get("status").and_then(status);
    let said = group.get("diagnostic-code").map(without_type).filter(|said| !said.trim().is_empty());
    let words = prose::words(text);
    let said =
        said.or_else(|| recipients.iter().map(|address| prose::about(words, address)).find(|text| !text.is_empty()));
    let said = said.unwrap_or_default();
    Some(Outcome::new(recipients, fate(group.get("action"), status, subject, words), diagnose(status, said), said))
}

fn fate(action: Option<&str>, status: Option<EnhancedStatus>, subject: &str, words: &str) -> Fate {
    let action = action.unwrap_or_default().trim().to_lowercase();
    let is = |name: &str| action.starts_with(name);
    if is("delivered") || is("relayed") || is("expanded") {
        Fate::Delivered
    } else if is("delayed") {
        Fate::Delayed
    } else if is("fail") {
        Fate::Failed
    } else {
        match status.map(|status| status.class) {
            Some(2) => Fate::Delivered,
            Some(4) if prose::is_delay(subject, words) => Fate::Delayed,
            _ => Fate::Failed,
        }
    }
}

/// `5.1.1`, `5.1.1 (bad destination mailbox address)`.
fn status(field: &str) -> Option<EnhancedStatus> {
    field.split_whitespace().next().and_then(|word| word.trim_end_matches(',').parse().ok())
}

/// A diagnostic without the type in front: `smtp; 550 …`.
fn without_type(field: &str) -> &str {
    match field.split_once(';') {
        Some((kind, said)) if kind.len() <= 30 && !kind.trim().contains(' ') && !kind.starts_with(['4', '5']) => {
            said.trim()
        }
        _ => field,
    }
}
