//! Campaigns: their states, whom they address, whom they leave out, and how they did.

pub mod audience;
pub mod exclusion;
pub mod rates;
pub mod status;

pub use audience::{Audience, AudienceError, AudienceFilter, Range};
pub use exclusion::ExclusionReason;
pub use rates::{Counts, Rates};
pub use status::{CampaignEvent, CampaignStatus, IllegalTransition, Wanted};
