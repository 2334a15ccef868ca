//! A user as those see them who look after people, and as the audit log keeps them.

use crate::{
    error::{ApiError, ApiResult},
    request::{Id, Name},
};
use chrono::{DateTime, Utc};
use domain::{
    ids::{BranchId, UserId},
    masking,
    people::UserStatus,
};
use poem_openapi::Object;
use schema::people::accounts::AccountRow;
use serde_json::{Value, json};

/// Somebody who signs in, or is asked to.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(crate) struct UserAccount {
    /// Their id.
    id: Id<UserId>,
    /// The address they sign in with.
    email: String,
    /// Their first name.
    first_name: String,
    /// Their last name.
    last_name: String,
    /// In E.164.
    phone: Option<String>,
    /// Where they work.
    department: Option<String>,
    /// As what they work.
    job_title: Option<String>,
    /// Their role's name.
    role: Option<String>,
    /// Their role, as people call it.
    role_display_name: Option<String>,
    /// Their office.
    branch_id: Option<Id<BranchId>>,
    /// Where the account stands.
    status: Name<UserStatus>,
    /// Where their picture is; absent without one.
    avatar_url: Option<String>,
    /// When they came in last.
    last_login: Option<DateTime<Utc>>,
    /// Whether a second factor is set up.
    mfa_enabled: bool,
    /// When the account was made.
    created_at: DateTime<Utc>,
    /// When it was changed last.
    updated_at: DateTime<Utc>,
}

impl TryFrom<AccountRow> for UserAccount {
    type Error = ApiError;

    fn try_from(row: AccountRow) -> ApiResult<Self> {
        let (id, status) = (row.user(), row.status()?);
        Ok(Self {
            id: Id(id),
            status: Name(status),
            avatar_url: row.avatar_url.as_ref().map(|_| format!("/api/users/{id}/avatar")),
            email: row.email,
            first_name: row.first_name,
            last_name: row.last_name,
            phone: row.phone,
            department: row.department,
            job_title: row.job_title,
            role: row.role,
            role_display_name: row.role_display_name,
            branch_id: row.branch_id.map(|id| Id(BranchId(id))),
            last_login: row.last_login,
            mfa_enabled: row.mfa_enabled,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// As the audit log keeps an account: enough to tell what changed, not enough to reach anybody.
pub(crate) fn audited(row: &AccountRow) -> Value {
    json!({
        "email": masking::email(&row.email),
        "firstName": row.first_name,
        "lastName": row.last_name,
        "phone": row.phone.as_deref().map(masking::phone),
        "department": row.department,
        "jobTitle": row.job_title,
        "branchId": row.branch_id.map(BranchId),
        "role": row.role,
        "status": row.status().ok(),
    })
}
