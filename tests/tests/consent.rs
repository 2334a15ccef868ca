//! What people allow: facts, consents, suppressions, rules, pages for the public, tracking.

#[path = "consent/ground.rs"]
mod ground;
#[path = "consent/http_consents.rs"]
mod http_consents;
#[path = "consent/http_rules.rs"]
mod http_rules;
#[path = "consent/http_suppressions.rs"]
mod http_suppressions;
#[path = "consent/public_pages.rs"]
mod public_pages;
#[path = "consent/records.rs"]
mod records;
#[path = "consent/tracked.rs"]
mod tracked;
