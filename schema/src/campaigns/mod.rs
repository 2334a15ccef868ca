//! Campaigns: written, moved from state to state, aimed at an audience, and measured.
//!
//! Every change of status is a compare-and-set that names the statuses it may start from, taken from the rules of
//! `domain`, so that people, schedulers and workers cannot overwrite each other. Nothing here locks a campaign for
//! longer than one short statement: a person can pause or stop it at any moment.

mod approval;
mod audience;
mod control;
pub mod conversions;
mod counts;
mod create;
mod due;
mod events;
mod exclusions;
mod figures;
mod foretell;
mod grouping;
mod live;
mod metrics;
pub(crate) mod moves;
pub mod paces;
mod read;
mod report;
mod requests;
mod retry;
mod sweep;
mod taken_back;
mod target;
mod texts;
mod timing;
mod variants;
mod winner;

pub use approval::{Judgement, ask as ask_for_approval, judge, keep_forecast, left_out};
pub use audience::{Built, Dispatch, PinnedText, Share, build, exclude_unrenderable, ranges};
pub use control::{Extension, extend};
pub use create::{Copy, NewCampaign, Schedule, copy, delete_draft, insert, rewrite};
pub use due::{Due, Recurring, fire_due, hold_recurring, set_next};
pub use events::{complete_if_drained, fail, hold, set_waiting, start};
pub use exclusions::{Exclusion, list as exclusions};
pub use figures::{Followed, count_followed, fold, unfolded};
pub(crate) use foretell::FORETELL_MS;
pub use foretell::{Counted, foretell, sample};
pub use live::{in_reach, totals};
pub use metrics::{Measured, Names, counted, measure, store};
pub use read::{Campaign, CampaignList, find, list};
pub use requests::{StatusChange, change_status};
pub use retry::{Again, Failed, count_failed, retry_failed};
pub use sweep::{Lane, broken, idle_lanes, undrained, unstopped};
pub use taken_back::log_taken_back;
pub use target::{Target, estimate, plan};
pub use texts::{channels, texts};
pub use variants::{Begun, NewVariant, Tried, Variant, Win, begun, keep_basis, name_winner, tried, variants};
pub use winner::{Awarded, Prize, award, undecided, waiting};
