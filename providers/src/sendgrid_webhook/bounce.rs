//! Why SendGrid could not deliver, or would not try. Source: the vendor's event reference.

use crate::email::masked;
use domain::messaging::{BounceKind, FailureClass, SendFailure};
use serde_json::Value;

/// A bounce: what the receiving server said.
pub(super) fn bounced(item: &Value) -> (BounceKind, SendFailure) {
    let text = |name: &str| item[name].as_str().unwrap_or_default();
    let (status, classified) = (text("status"), text("bounce_classification").to_ascii_lowercase());
    let kind = match classified.as_str() {
        _ if status.ends_with(".2.2") => BounceKind::Full,
        "content" | "reputation" | "frequency/volume" | "frequency or volume too high" => BounceKind::Block,
        "invalid address" => BounceKind::Hard,
        // refused this time: by policy, or for now
        _ if text("type") == "blocked" && status.starts_with('4') => BounceKind::Soft,
        "technical" | "mailbox unavailable" if text("type") == "blocked" => BounceKind::Soft,
        _ if text("type") == "blocked" => BounceKind::Block,
        _ => BounceKind::Hard,
    };
    let code = if status.is_empty() { text("type") } else { status };
    (kind, failure(kind, code, text("reason")))
}

/// A drop: SendGrid did not try, for what it remembers of the address.
pub(super) fn dropped(item: &Value) -> (Option<BounceKind>, SendFailure) {
    let reason = item["reason"].as_str().unwrap_or("no reason given");
    let kind = match reason.to_ascii_lowercase().as_str() {
        "bounced address" | "invalid" => Some(BounceKind::Hard),
        "spam reporting address" => Some(BounceKind::Complaint),
        reason if reason.starts_with("spam content") => Some(BounceKind::Block),
        _ => None,
    };
    let failure = failure(kind.unwrap_or(BounceKind::Hard), "dropped", reason);
    (kind, failure)
}

fn failure(kind: BounceKind, code: &str, reason: &str) -> SendFailure {
    // the address may be fine where the sender or the message is not wanted
    let class = if kind == BounceKind::Block { FailureClass::Request } else { FailureClass::Recipient };
    let code: String = code.chars().filter(|c| !c.is_control()).take(40).collect();
    SendFailure::new(class, Some(code.into()), &masked(reason))
}
