//! Campaigns: their states, when they start, whom they address, whom they leave out, and how they did.

pub mod audience;
pub mod exclusion;
pub mod rates;
pub mod report;
pub mod start;
pub mod status;

pub use audience::{Audience, AudienceError, AudienceFilter, Range};
pub use exclusion::ExclusionReason;
pub use rates::{Counts, Rates};
pub use report::Report;
pub use start::{ScheduleType, StartError};
pub use status::{CampaignEvent, CampaignStatus, IllegalTransition, Wanted};
