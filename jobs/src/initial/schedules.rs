//! The recurring jobs every installation has.

use crate::kinds::drop_abandoned_uploads::DropAbandonedUploads;
use crate::queue::job::Job;
use schema::schedules::NewSchedule;

/// One line a schedule; its kind must be in the registry.
pub(super) const DEFAULT: &[NewSchedule<'static>] = &[NewSchedule {
    name: "Drop abandoned uploads",
    kind: DropAbandonedUploads::KIND,
    cron: "17 * * * *",
    time_zone: "UTC",
}];
