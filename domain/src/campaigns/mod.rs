//! Campaigns: their states, when they start, whom they address, whom they leave out, and how they did.

pub mod approval;
pub mod attribution;
pub mod audience;
pub mod exclusion;
pub mod figures;
pub mod lift;
pub mod plan;
pub mod rates;
pub mod report;
pub mod sequence;
pub mod sequence_worst;
pub mod split;
pub mod start;
pub mod status;
pub mod timeline;

pub use approval::{Forecast, Thresholds, TooMuch};
pub use audience::{Audience, AudienceError, AudienceFilter, Grouping, Holdout, Range};
pub use exclusion::ExclusionReason;
pub use plan::Plan;
pub use rates::{Counts, Rates};
pub use report::Report;
pub use start::{ScheduleType, StartError};
pub use status::{Begins, CampaignEvent, CampaignMode, CampaignStatus, IllegalTransition, Wanted};
