//! Campaigns: written, moved from state to state, aimed at an audience, and measured.
//!
//! Every change of status is a compare-and-set that names the statuses it may start from, taken from the rules of
//! `domain`, so that people, schedulers and workers cannot overwrite each other. Nothing here locks a campaign for
//! longer than one short statement: a person can pause or stop it at any moment.

mod audience;
mod create;
mod due;
mod events;
mod exclusions;
mod metrics;
mod read;
mod report;
mod requests;
mod sweep;
mod target;

pub use audience::{Built, Pinned, build, exclude_unrenderable, ranges};
pub use create::{NewCampaign, Schedule, insert};
pub use due::{Due, fire_due};
pub use events::{complete_if_drained, fail, hold, set_waiting, start};
pub use exclusions::{Exclusion, list as exclusions};
pub use metrics::{Bucket, Content, Figures, Measured, measure, store};
pub use read::{Campaign, CampaignList, find, list, texts};
pub use requests::{StatusChange, change_status};
pub use sweep::{Lane, broken, idle_lanes, undrained, unstopped};
pub use target::{Target, estimate};
