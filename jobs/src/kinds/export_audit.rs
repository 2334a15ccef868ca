//! Writes entries of the audit log into a workbook.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use domain::{
    ids::{BranchId, UserId},
    permissions::Reach,
};
use schema::audit::Filter;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload: what was asked for, and what its asker reached then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportAudit {
    /// Which entries.
    pub filter: Filter,
    /// Only what this person reaches; `None`: everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// With that person's branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<BranchId>,
}

impl ExportAudit {
    /// Of what somebody reaches.
    pub fn new(filter: Filter, reach: Reach) -> Self {
        Self { filter, user: reach.user(), branch: reach.branch() }
    }

    /// What its asker reached.
    pub fn reach(&self) -> Reach {
        match (self.user, self.branch) {
            (None, _) => Reach::All,
            (Some(user), None) => Reach::Own(user),
            (Some(user), Some(branch)) => Reach::Branch(user, branch),
        }
    }
}

impl Job for ExportAudit {
    const KIND: &'static str = "export_audit";
    const QUEUE: Queue = Queue::Maintenance;

    /// There may be millions of entries.
    const POLICY: Policy = Policy { timeout: Duration::from_secs(3600), ..Policy::DEFAULT };

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::audit::export::run(self, &context).await
    }
}
