//! The kinds of jobs, one file each, and their registry.

pub mod apply_provider_events;
pub mod build_audience;
pub mod build_error_report;
pub mod check_rendering;
pub mod compute_analytics;
pub mod delete_whatsapp_template;
pub mod drop_abandoned_uploads;
pub mod drop_export;
pub mod export_audit;
pub mod look_up_password_reset;
pub mod parse_upload;
pub mod publish_whatsapp_flow;
pub mod read_bounces;
pub mod registry;
pub mod reseal_secrets;
pub mod retire_whatsapp_flow;
pub mod rotate_token_keys;
pub mod send_account_mail;
pub mod send_batch;
pub mod send_message;
pub mod settle_unconfirmed;
pub mod start_campaign;
pub mod stop_campaign;
pub mod submit_whatsapp_template;
pub mod sync_whatsapp_templates;
pub mod undo_upload;
