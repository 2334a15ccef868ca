//! The recurring jobs every installation has.

use crate::{
    Job,
    kinds::{
        drop_abandoned_uploads::DropAbandonedUploads, read_bounces::ReadBounces, rotate_token_keys::RotateTokenKeys,
        settle_unconfirmed::SettleUnconfirmed, sync_whatsapp_templates::SyncWhatsappTemplates,
    },
};
use schema::schedules::NewSchedule;

/// One line a schedule; its kind must be in the registry.
pub(super) const DEFAULT: &[NewSchedule<'static>] = &[
    NewSchedule {
        name: "Ask how WhatsApp templates stand",
        kind: SyncWhatsappTemplates::KIND,
        cron: "23 * * * *",
        time_zone: "UTC",
    },
    NewSchedule {
        name: "Drop abandoned uploads",
        kind: DropAbandonedUploads::KIND,
        cron: "17 * * * *",
        time_zone: "UTC",
    },
    NewSchedule { name: "Read the bounce mailbox", kind: ReadBounces::KIND, cron: "*/3 * * * *", time_zone: "UTC" },
    NewSchedule {
        name: "Replace the keys of access tokens",
        kind: RotateTokenKeys::KIND,
        cron: "43 3 * * *",
        time_zone: "UTC",
    },
    NewSchedule {
        name: "Settle unconfirmed messages",
        kind: SettleUnconfirmed::KIND,
        cron: "*/5 * * * *",
        time_zone: "UTC",
    },
];
