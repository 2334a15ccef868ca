//! The roles every installation starts with, and what each may do until somebody changes it.

use super::{Permission as P, PermissionSet, Scope};
use crate::text_enum::text_enum;

text_enum! {
    /// A role that is always there.
    pub enum SystemRole {
        /// May do everything.
        Administrator = "administrator",
        /// Runs the daily business.
        OperationsManager = "operations_manager",
        /// Prepares and sends campaigns.
        CampaignManager = "campaign_manager",
        /// Works on renewal cases with customers.
        Agent = "agent",
        /// Works on claims.
        ClaimsHandler = "claims_handler",
        /// Reads figures.
        Analyst = "analyst",
        /// Checks what others did.
        Auditor = "auditor",
        /// Looks, and touches nothing.
        ReadOnly = "read_only",
    }
}

impl SystemRole {
    /// As people call it.
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::Administrator => "Administrator",
            Self::OperationsManager => "Operations manager",
            Self::CampaignManager => "Campaign manager",
            Self::Agent => "Agent",
            Self::ClaimsHandler => "Claims handler",
            Self::Analyst => "Analyst",
            Self::Auditor => "Auditor",
            Self::ReadOnly => "Read only",
        }
    }

    /// What it is for, in a sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Administrator => "Everything, including users, roles and settings.",
            Self::OperationsManager => "Uploads, cases, campaigns, payments and queues; no users or settings.",
            Self::CampaignManager => "Uploads, templates and campaigns, from preparation to sending.",
            Self::Agent => "Renewal cases and conversations with customers.",
            Self::ClaimsHandler => "Claims from filing to settlement.",
            Self::Analyst => "Figures, reports and their export; no personal data in clear.",
            Self::Auditor => "Everything that happened, without changing any of it.",
            Self::ReadOnly => "Looks at the daily business, with personal data masked.",
        }
    }

    /// Whose rows it sees at first.
    pub const fn scope(self) -> Scope {
        match self {
            Self::Agent | Self::ClaimsHandler => Scope::Branch,
            Self::Administrator
            | Self::OperationsManager
            | Self::CampaignManager
            | Self::Analyst
            | Self::Auditor
            | Self::ReadOnly => Scope::All,
        }
    }

    /// What it may do at first.
    pub const fn permissions(self) -> PermissionSet {
        match self {
            Self::Administrator => PermissionSet::all(),
            Self::OperationsManager => PermissionSet::of(OPERATIONS_MANAGER),
            Self::CampaignManager => PermissionSet::of(CAMPAIGN_MANAGER),
            Self::Agent => PermissionSet::of(AGENT),
            Self::ClaimsHandler => PermissionSet::of(CLAIMS_HANDLER),
            Self::Analyst => PermissionSet::of(ANALYST),
            Self::Auditor => PermissionSet::of(AUDITOR),
            Self::ReadOnly => PermissionSet::of(READ_ONLY),
        }
    }
}

const OPERATIONS_MANAGER: &[P] = &[
    P::UploadsView,
    P::UploadsCreate,
    P::UploadsUndo,
    P::CustomersView,
    P::CustomersEdit,
    P::CustomersReveal,
    P::CustomersExport,
    P::PoliciesView,
    P::PoliciesEdit,
    P::CasesView,
    P::CasesEdit,
    P::CasesAssign,
    P::CasesEscalate,
    P::CampaignsView,
    P::CampaignsCreate,
    P::CampaignsSend,
    P::CampaignsApprove,
    P::TemplatesView,
    P::TemplatesManage,
    P::MessagesView,
    P::MessagesSend,
    P::EmailsView,
    P::EmailsReply,
    P::EmailsManage,
    P::SurveysView,
    P::SurveysManage,
    P::ClaimsView,
    P::PaymentsView,
    P::PaymentsCreate,
    P::ReportsView,
    P::ReportsExport,
    P::JobsView,
    P::QueuesView,
    P::QueuesManage,
    P::UsersView,
    P::RolesView,
    P::SettingsView,
];

const CAMPAIGN_MANAGER: &[P] = &[
    P::UploadsView,
    P::UploadsCreate,
    P::CustomersView,
    P::PoliciesView,
    P::CasesView,
    P::CampaignsView,
    P::CampaignsCreate,
    P::CampaignsSend,
    P::TemplatesView,
    P::TemplatesManage,
    P::MessagesView,
    P::MessagesSend,
    P::SurveysView,
    P::SurveysManage,
    P::ReportsView,
    P::ReportsExport,
    P::JobsView,
    P::QueuesView,
];

const AGENT: &[P] = &[
    P::UploadsView,
    P::CustomersView,
    P::CustomersEdit,
    P::CustomersReveal,
    P::PoliciesView,
    P::CasesView,
    P::CasesEdit,
    P::CasesEscalate,
    P::CampaignsView,
    P::TemplatesView,
    P::MessagesView,
    P::MessagesSend,
    P::EmailsView,
    P::EmailsReply,
    P::ClaimsView,
    P::ClaimsCreate,
    P::PaymentsView,
    P::PaymentsCreate,
    P::JobsView,
];

const CLAIMS_HANDLER: &[P] = &[
    P::CustomersView,
    P::CustomersReveal,
    P::PoliciesView,
    P::CasesView,
    P::MessagesView,
    P::MessagesSend,
    P::EmailsView,
    P::EmailsReply,
    P::ClaimsView,
    P::ClaimsCreate,
    P::ClaimsEdit,
    P::ClaimsApprove,
    P::JobsView,
];

const ANALYST: &[P] = &[
    P::UploadsView,
    P::CustomersView,
    P::PoliciesView,
    P::CasesView,
    P::CampaignsView,
    P::TemplatesView,
    P::SurveysView,
    P::ClaimsView,
    P::PaymentsView,
    P::ReportsView,
    P::ReportsExport,
    P::JobsView,
];

const AUDITOR: &[P] = &[
    P::UploadsView,
    P::CustomersView,
    P::PoliciesView,
    P::CasesView,
    P::CampaignsView,
    P::TemplatesView,
    P::MessagesView,
    P::EmailsView,
    P::SurveysView,
    P::ClaimsView,
    P::PaymentsView,
    P::ReportsView,
    P::JobsView,
    P::QueuesView,
    P::UsersView,
    P::RolesView,
    P::AuditView,
    P::AuditExport,
    P::SettingsView,
];

const READ_ONLY: &[P] = &[
    P::UploadsView,
    P::CustomersView,
    P::PoliciesView,
    P::CasesView,
    P::CampaignsView,
    P::TemplatesView,
    P::MessagesView,
    P::SurveysView,
    P::ClaimsView,
    P::PaymentsView,
    P::ReportsView,
    P::JobsView,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_administrator_manages_users_roles_and_settings() {
        for role in SystemRole::ALL {
            for permission in [P::UsersManage, P::RolesManage, P::SettingsManage] {
                assert_eq!(role.permissions().has(permission), *role == SystemRole::Administrator, "{role}");
            }
        }
    }

    #[test]
    fn who_only_looks_changes_nothing() {
        for role in [SystemRole::ReadOnly, SystemRole::Auditor, SystemRole::Analyst] {
            for permission in role.permissions().iter() {
                let action = permission.as_str().rsplit('.').next().unwrap();
                assert!(["view", "export"].contains(&action), "{role} has {permission}");
            }
        }
    }

    #[test]
    fn everybody_can_follow_their_own_jobs() {
        assert!(SystemRole::ALL.iter().all(|role| role.permissions().has(P::JobsView)));
    }
}
