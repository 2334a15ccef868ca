//! The recurring jobs every installation has.

use schema::schedules::NewSchedule;

/// One line a schedule; its kind must be in the registry.
pub(super) const DEFAULT: &[NewSchedule<'static>] = &[];
