//! Every permission, its name, its group on a settings page, and a type for it that a signature can state.

use crate::text_enum::text_enum;

text_enum! {
    /// Permissions that a settings page shows together.
    pub enum PermissionGroup {
        /// Books of policies.
        Uploads = "uploads",
        /// Policy holders.
        Customers = "customers",
        /// Policies.
        Policies = "policies",
        /// Renewal cases.
        Cases = "cases",
        /// Campaigns and their templates.
        Campaigns = "campaigns",
        /// Single messages and mailboxes.
        Messages = "messages",
        /// Surveys and their answers.
        Surveys = "surveys",
        /// Claims.
        Claims = "claims",
        /// Payments.
        Payments = "payments",
        /// Figures and exports.
        Reports = "reports",
        /// Jobs and queues.
        Work = "work",
        /// Users, roles, settings and the audit log.
        Administration = "administration",
    }
}

impl PermissionGroup {
    /// As people call it.
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::Uploads => "Uploads",
            Self::Customers => "Customers",
            Self::Policies => "Policies",
            Self::Cases => "Renewal cases",
            Self::Campaigns => "Campaigns and templates",
            Self::Messages => "Messages and mailboxes",
            Self::Surveys => "Surveys",
            Self::Claims => "Claims",
            Self::Payments => "Payments",
            Self::Reports => "Figures and exports",
            Self::Work => "Jobs and queues",
            Self::Administration => "Administration",
        }
    }
}

/// A type that stands for one permission, so that a signature can name it.
pub trait Permit: Send + Sync + 'static {
    /// The permission it stands for.
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($($group:ident { $(#[doc = $doc:literal] $name:ident = $text:literal),+ $(,)? })+) => {
        text_enum! {
            /// One thing a person may do.
            pub enum Permission { $($(#[doc = $doc] $name = $text),+),+ }
        }

        impl Permission {
            /// Where a settings page shows it.
            pub const fn group(self) -> PermissionGroup {
                match self { $($(Self::$name)|+ => PermissionGroup::$group),+ }
            }

            /// What it allows, in a sentence.
            pub const fn description(self) -> &'static str {
                match self { $($(Self::$name => $doc.trim_ascii()),+),+ }
            }
        }

        /// One type a permission, of the same name.
        pub mod permit {
            use super::{Permission, Permit};
            $($(
                #[doc = $doc]
                #[derive(Debug, Clone, Copy)]
                pub struct $name;
                impl Permit for $name {
                    const PERMISSION: Permission = Permission::$name;
                }
            )+)+
        }
    };
}

permissions! {
    Uploads {
        /// See uploads, their state and their faults.
        UploadsView = "uploads.view",
        /// Upload a book of policies.
        UploadsCreate = "uploads.create",
        /// Take back what an upload wrote.
        UploadsUndo = "uploads.undo",
    }
    Customers {
        /// See policy holders, with contact data masked.
        CustomersView = "customers.view",
        /// Change policy holders and their consent.
        CustomersEdit = "customers.edit",
        /// See contact and identity data in clear.
        CustomersReveal = "customers.reveal",
        /// Export policy holders.
        CustomersExport = "customers.export",
    }
    Policies {
        /// See policies.
        PoliciesView = "policies.view",
        /// Change policies.
        PoliciesEdit = "policies.edit",
    }
    Cases {
        /// See renewal cases.
        CasesView = "cases.view",
        /// Work on renewal cases.
        CasesEdit = "cases.edit",
        /// Give renewal cases to people.
        CasesAssign = "cases.assign",
        /// Hand a renewal case up.
        CasesEscalate = "cases.escalate",
    }
    Campaigns {
        /// See campaigns, their recipients and their figures.
        CampaignsView = "campaigns.view",
        /// Prepare campaigns.
        CampaignsCreate = "campaigns.create",
        /// Start, pause, resume and stop campaigns.
        CampaignsSend = "campaigns.send",
        /// Approve what others prepared.
        CampaignsApprove = "campaigns.approve",
        /// See message templates.
        TemplatesView = "templates.view",
        /// Write, change and retire message templates.
        TemplatesManage = "templates.manage",
    }
    Messages {
        /// See messages sent and received.
        MessagesView = "messages.view",
        /// Send a single message.
        MessagesSend = "messages.send",
        /// See mailboxes.
        EmailsView = "emails.view",
        /// Answer and file mail.
        EmailsReply = "emails.reply",
        /// Connect and change mailboxes.
        EmailsManage = "emails.manage",
    }
    Surveys {
        /// See surveys and answers.
        SurveysView = "surveys.view",
        /// Write and publish surveys.
        SurveysManage = "surveys.manage",
    }
    Claims {
        /// See claims.
        ClaimsView = "claims.view",
        /// File claims.
        ClaimsCreate = "claims.create",
        /// Work on claims.
        ClaimsEdit = "claims.edit",
        /// Approve, refuse and settle claims.
        ClaimsApprove = "claims.approve",
    }
    Payments {
        /// See payments.
        PaymentsView = "payments.view",
        /// Ask for payments and record them.
        PaymentsCreate = "payments.create",
        /// Pay back.
        PaymentsRefund = "payments.refund",
    }
    Reports {
        /// See figures and reports.
        ReportsView = "reports.view",
        /// Export reports.
        ReportsExport = "reports.export",
    }
    Work {
        /// See the jobs one asked for.
        JobsView = "jobs.view",
        /// See queues, workers and their figures.
        QueuesView = "queues.view",
        /// See every job; pause and resume queues; cancel and retry any job.
        QueuesManage = "queues.manage",
    }
    Administration {
        /// See users.
        UsersView = "users.view",
        /// Invite, change and suspend users.
        UsersManage = "users.manage",
        /// See roles.
        RolesView = "roles.view",
        /// Write and change roles.
        RolesManage = "roles.manage",
        /// See the audit log.
        AuditView = "audit.view",
        /// Export the audit log.
        AuditExport = "audit.export",
        /// See settings.
        SettingsView = "settings.view",
        /// Change settings.
        SettingsManage = "settings.manage",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_stands_for_the_permission_of_its_name() {
        assert_eq!(permit::QueuesManage::PERMISSION.as_str(), "queues.manage");
        assert_eq!(Permission::TemplatesView.group(), PermissionGroup::Campaigns);
        assert_eq!(Permission::ClaimsApprove.description(), "Approve, refuse and settle claims.");
    }

    #[test]
    fn names_are_a_subject_and_an_action_and_none_is_used_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for permission in Permission::ALL {
            let name = permission.as_str();
            let parts: Vec<_> = name.split('.').collect();
            assert!(parts.len() == 2 && parts.iter().all(|part| !part.is_empty()), "{name}");
            assert!(seen.insert(name), "{name}");
        }
        assert!(Permission::ALL.len() >= 30);
    }
}
