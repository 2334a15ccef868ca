//! Every kind a worker can run: one line each.

use super::{
    advance_sequence::AdvanceSequence, apply_provider_events::ApplyProviderEvents,
    attribute_conversions::AttributeConversions, build_audience::BuildAudience, build_error_report::BuildErrorReport,
    check_rendering::CheckRendering, compute_analytics::ComputeAnalytics, decide_winner::DecideWinner,
    delete_whatsapp_template::DeleteWhatsappTemplate, drop_abandoned_uploads::DropAbandonedUploads,
    drop_export::DropExport, enrol_sequence::EnrolSequence, export_audit::ExportAudit,
    look_up_password_reset::LookUpPasswordReset, parse_upload::ParseUpload, publish_whatsapp_flow::PublishWhatsappFlow,
    read_bounces::ReadBounces, reseal_secrets::ResealSecrets, retire_whatsapp_flow::RetireWhatsappFlow,
    retry_failed::RetryFailed, rotate_token_keys::RotateTokenKeys, send_account_mail::SendAccountMail,
    send_batch::SendBatch, send_message::SendMessage, settle_unconfirmed::SettleUnconfirmed,
    start_campaign::StartCampaign, stop_campaign::StopCampaign, submit_whatsapp_template::SubmitWhatsappTemplate,
    sync_whatsapp_templates::SyncWhatsappTemplates, undo_upload::UndoUpload,
};
pub use crate::queue::registry::Registry;

/// All kinds of the platform.
pub fn all() -> Registry {
    Registry::new()
        .with::<AdvanceSequence>()
        .with::<ApplyProviderEvents>()
        .with::<AttributeConversions>()
        .with::<BuildAudience>()
        .with::<BuildErrorReport>()
        .with::<CheckRendering>()
        .with::<ComputeAnalytics>()
        .with::<DecideWinner>()
        .with::<DeleteWhatsappTemplate>()
        .with::<DropAbandonedUploads>()
        .with::<DropExport>()
        .with::<EnrolSequence>()
        .with::<ExportAudit>()
        .with::<LookUpPasswordReset>()
        .with::<ParseUpload>()
        .with::<PublishWhatsappFlow>()
        .with::<ReadBounces>()
        .with::<ResealSecrets>()
        .with::<RetireWhatsappFlow>()
        .with::<RotateTokenKeys>()
        .with::<SendAccountMail>()
        .with::<SendBatch>()
        .with::<SendMessage>()
        .with::<SettleUnconfirmed>()
        .with::<StartCampaign>()
        .with::<RetryFailed>()
        .with::<StopCampaign>()
        .with::<SubmitWhatsappTemplate>()
        .with::<SyncWhatsappTemplates>()
        .with::<UndoUpload>()
}
