//! Campaigns over WhatsApp: audiences, sending, webhooks, figures.

#[path = "campaign/audience.rs"]
mod audience;
#[path = "campaign/book.rs"]
mod book;
#[path = "campaign/control.rs"]
mod control;
#[path = "campaign/crash.rs"]
mod crash;
#[path = "campaign/events.rs"]
mod events;
#[path = "campaign/failures.rs"]
mod failures;
#[path = "campaign/figures_add_up.rs"]
mod figures_add_up;
#[path = "campaign/ground.rs"]
mod ground;
#[path = "campaign/http_conversions.rs"]
mod http_conversions;
#[path = "campaign/http_create.rs"]
mod http_create;
#[path = "campaign/http_figures.rs"]
mod http_figures;
#[path = "campaign/http_live.rs"]
mod http_live;
#[path = "campaign/http_status.rs"]
mod http_status;
#[path = "campaign/http_webhook.rs"]
mod http_webhook;
#[path = "campaign/records.rs"]
mod records;
#[path = "campaign/sending.rs"]
mod sending;
#[path = "campaign/timed.rs"]
mod timed;
