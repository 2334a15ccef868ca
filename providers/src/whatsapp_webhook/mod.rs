//! Webhooks of the WhatsApp Cloud API: the set-up challenge, the signature, and what a delivery says.
//!
//! Pure functions over what came in. A delivery that is not signed with a known secret is refused. One that is, but
//! cannot be read as JSON, is an error, and the caller keeps it as it came: delivered again it would be the same. Within
//! a delivery nothing is an error: what is not understood is kept as it came. Source: the vendor's webhook reference.

mod inbound;
mod parse;
mod signature;
mod status;

pub use parse::{BODY_LIMIT, EVENT_LIMIT, WebhookError, parse};
pub use signature::{SignatureError, sign, verify};

use crate::messaging::{EventKind, ProviderEvent};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// Whether an event says that a template stands differently: what it is now is asked of the provider.
pub fn concerns_templates(event: &ProviderEvent) -> bool {
    let fields = ["message_template_status_update", "message_template_quality_update", "template_category_update"];
    event.kind == EventKind::Other && event.payload["field"].as_str().is_some_and(|field| fields.contains(&field))
}

/// Whether an event says that a number stands differently: how is asked of the provider.
pub fn concerns_numbers(event: &ProviderEvent) -> bool {
    let fields = ["phone_number_quality_update", "business_capability_update", "account_update"];
    event.kind == EventKind::Other && event.payload["field"].as_str().is_some_and(|field| fields.contains(&field))
}

/// The `hub.*` query of a set-up call.
#[derive(Debug, Clone, Copy)]
pub struct Challenge<'a> {
    /// `hub.mode`.
    pub mode: &'a str,
    /// `hub.verify_token`.
    pub token: &'a str,
    /// `hub.challenge`.
    pub challenge: &'a str,
}

impl<'a> Challenge<'a> {
    /// The longest challenge that is echoed, in bytes.
    const LIMIT: usize = 256;

    /// What to answer, when the call knows our token; `None` is a refusal (403).
    ///
    /// Only a plain word is echoed, so that the answer cannot be made to carry markup.
    pub fn answer(&self, expected: &SecretString) -> Option<&'a str> {
        let known = self.token.as_bytes().ct_eq(expected.expose_secret().as_bytes());
        let plain = (1..=Self::LIMIT).contains(&self.challenge.len())
            && self.challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        (self.mode == "subscribe" && bool::from(known) && plain).then_some(self.challenge)
    }
}

#[cfg(test)]
mod tests;
