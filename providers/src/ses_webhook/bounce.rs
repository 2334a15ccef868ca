//! Why SES could not deliver, or would not try. Source: the vendor's table of bounce types.

use crate::email::masked;
use domain::messaging::{BounceKind, FailureClass, SendFailure};
use serde_json::Value;

/// What became of one recipient of a bounce.
pub(super) fn bounced(bounce: &Value, recipient: &Value) -> (BounceKind, SendFailure) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (kind, sub, status) = (text(&bounce["bounceType"]), text(&bounce["bounceSubType"]), text(&recipient["status"]));
    let class = match (kind.as_str(), sub.as_str()) {
        (_, "MailboxFull") => BounceKind::Full,
        ("Permanent" | "Transient", _) if status.ends_with(".2.2") => BounceKind::Full,
        (_, "ContentRejected" | "AttachmentRejected") => BounceKind::Block,
        // a permanent one by policy says nothing of the address
        ("Permanent", "General") if status.starts_with("5.7.") => BounceKind::Block,
        ("Permanent", "UnsubscribedRecipient") => BounceKind::Block,
        ("Permanent", _) => BounceKind::Hard,
        _ => BounceKind::Soft,
    };
    let said = recipient["diagnosticCode"].as_str().map_or_else(|| format!("{kind} {sub}"), str::to_owned);
    let code = if status.is_empty() { sub } else { status };
    (class, failure(class, &code, &said))
}

/// SES found a virus in the message, and did not try.
pub(super) fn refused(reject: &Value) -> (BounceKind, SendFailure) {
    (BounceKind::Block, failure(BounceKind::Block, "Reject", reject["reason"].as_str().unwrap_or_default()))
}

/// A template at SES could not be filled in; ours are filled in before.
pub(super) fn unreadable_template(fault: &Value) -> (BounceKind, SendFailure) {
    let said = fault["errorMessage"].as_str().unwrap_or_default();
    (BounceKind::Block, failure(BounceKind::Block, "RenderingFailure", said))
}

fn failure(kind: BounceKind, code: &str, said: &str) -> SendFailure {
    // the address may be fine where the sender or the message is not wanted
    let class = if kind == BounceKind::Block { FailureClass::Request } else { FailureClass::Recipient };
    let code: String = code.chars().filter(|c| !c.is_control()).take(40).collect();
    SendFailure::new(class, Some(code.into()), &masked(said))
}
