//! How the document groups operations.

use poem_openapi::Tags;

/// One group a resource.
#[derive(Tags)]
pub enum Tag {
    /// Signing in.
    Auth,
    /// People who sign in.
    Users,
    /// What people may do.
    Roles,
    /// Offices.
    Branches,
    /// Keys of machines.
    ApiKeys,
    /// Books of policies, from the file to what became of it.
    Uploads,
    /// Customers, policies and renewal cases.
    Book,
    /// Message templates.
    Templates,
    /// Templates and flows of the WhatsApp business account.
    Whatsapp,
    /// Messages to a book of policies, and how they fare.
    Campaigns,
    /// Named parts of the book's customers, and tags on customers.
    Segments,
    /// Single messages, what became of messages and why, and the accounts that send.
    Communication,
    /// What people allow, and when, how often and on whose word messages go out.
    Consent,
    /// What recipients reach without signing in.
    Public,
    /// What providers tell us.
    Webhooks,
    /// Work under way.
    Jobs,
    /// What carries jobs to workers.
    Queues,
    /// What people did, and what happened to their accounts.
    Audit,
    /// Whether the program is well.
    Health,
}
