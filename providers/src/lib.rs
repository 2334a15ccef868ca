//! Outside services, one file each: its client, its classes of failure, its webhooks. And the sandbox, which needs none.
//!
//! A provider never decides what happens to a message: it says what became of a call, and the job decides.

mod answers;
pub mod aws;
pub mod bounce_mail;
pub mod config;
pub mod draw;
pub mod email;
pub mod form;
pub mod http;
pub mod imap;
pub mod messaging;
pub mod oidc;
pub mod rate_limit;
pub mod recipient_limits;
pub mod sandbox;
pub mod sendgrid;
pub mod sendgrid_webhook;
pub mod ses;
pub mod ses_webhook;
pub mod sns_sms;
pub mod sns_webhook;
pub mod storage;
pub mod textlocal;
pub mod textlocal_webhook;
pub mod twilio;
pub mod twilio_webhook;
mod webhook_json;
pub mod whatsapp_cloud;
pub mod whatsapp_webhook;
