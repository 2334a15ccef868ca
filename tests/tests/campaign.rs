//! Campaigns over WhatsApp: audiences, sending, webhooks, figures.

#[path = "campaign/audience.rs"]
mod audience;
#[path = "campaign/book.rs"]
mod book;
#[path = "campaign/records.rs"]
mod records;
