//! A user as they see themselves.

use super::principals::Principal;
use crate::request::{Id, Name, named_set};
use domain::{
    ids::{BranchId, UserId},
    permissions::{Reach, Scope},
};
use poem_openapi::Object;

named_set!(Scope);

/// A user as they see themselves.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub struct User {
    /// Their id.
    id: Id<UserId>,
    /// Their address.
    email: String,
    /// Their first name.
    first_name: String,
    /// Their last name.
    last_name: String,
    /// Their role's name.
    role: Option<String>,
    /// The names of everything they may do.
    permissions: Vec<String>,
    /// Whose rows they see.
    scope: Name<Scope>,
    /// Their office.
    branch_id: Option<Id<BranchId>>,
    /// Whether a second factor is set up.
    mfa_enabled: bool,
    /// Whether the role takes a second factor that is still to be set up or shown: until then nothing else is allowed.
    mfa_required: bool,
}

impl From<&Principal> for User {
    fn from(principal: &Principal) -> Self {
        let scope = match principal.reach {
            Reach::Own(_) => Scope::Own,
            Reach::Branch(..) => Scope::Branch,
            Reach::All => Scope::All,
        };
        Self {
            id: Id(principal.user_id),
            email: principal.email.clone(),
            first_name: principal.first_name.clone(),
            last_name: principal.last_name.clone(),
            role: principal.role.clone(),
            permissions: principal.permissions.iter().map(|permission| permission.to_string()).collect(),
            scope: Name(scope),
            branch_id: principal.branch_id.map(Id),
            mfa_enabled: principal.mfa_enabled,
            mfa_required: principal.owes_mfa,
        }
    }
}
