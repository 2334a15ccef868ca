//! What a good row of an uploaded book means for the customers, policies and renewal cases that are known already.
//!
//! Pure: the caller looks up what is known, [`plan_chunk`] decides row by row, the caller writes the plan. A row that
//! contradicts what is known (a duplicate, an older term, an unknown branch or agent) becomes a
//! [`RowFault`](crate::upload::RowFault) for the uploader; nothing else fails.

mod case;
mod customer;
mod difference;
mod known;
mod plan;
#[cfg(test)]
mod plan_tests;
mod policy;
mod status;

pub use case::{CaseChange, CasePlan, KnownCase, NewCase, plan_cases};
pub use customer::{CustomerData, KnownCustomer};
pub use difference::Difference;
pub use known::Known;
pub use plan::{Action, ChunkPlan, Counts, CustomerPlan, PlanRules, PolicyPlan, Preview, customer_codes, plan_chunk};
pub use policy::{KnownPolicy, PolicyData};
pub use status::{CaseStatus, PolicyStatus};
