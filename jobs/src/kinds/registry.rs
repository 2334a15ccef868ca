//! Every kind a worker can run: one line each.

use super::{
    apply_provider_events::ApplyProviderEvents, build_audience::BuildAudience, build_error_report::BuildErrorReport,
    check_rendering::CheckRendering, compute_analytics::ComputeAnalytics, drop_abandoned_uploads::DropAbandonedUploads,
    drop_export::DropExport, export_audit::ExportAudit, look_up_password_reset::LookUpPasswordReset,
    parse_upload::ParseUpload, read_bounces::ReadBounces, reseal_secrets::ResealSecrets,
    rotate_token_keys::RotateTokenKeys, send_account_mail::SendAccountMail, send_batch::SendBatch,
    send_message::SendMessage, settle_unconfirmed::SettleUnconfirmed, start_campaign::StartCampaign,
    stop_campaign::StopCampaign, undo_upload::UndoUpload,
};
pub use crate::queue::registry::Registry;

/// All kinds of the platform.
pub fn all() -> Registry {
    Registry::new()
        .with::<ApplyProviderEvents>()
        .with::<BuildAudience>()
        .with::<BuildErrorReport>()
        .with::<CheckRendering>()
        .with::<ComputeAnalytics>()
        .with::<DropAbandonedUploads>()
        .with::<DropExport>()
        .with::<ExportAudit>()
        .with::<LookUpPasswordReset>()
        .with::<ParseUpload>()
        .with::<ReadBounces>()
        .with::<ResealSecrets>()
        .with::<RotateTokenKeys>()
        .with::<SendAccountMail>()
        .with::<SendBatch>()
        .with::<SendMessage>()
        .with::<SettleUnconfirmed>()
        .with::<StartCampaign>()
        .with::<StopCampaign>()
        .with::<UndoUpload>()
}
