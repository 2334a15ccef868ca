//! What is written about a role: checked, and held against what it was.

use crate::{
    error::{ApiError, ApiResult},
    people::text::Faults,
    request::{Name, blank_is_none},
};
use domain::{
    people::Holding,
    permissions::{Permission, PermissionSet, Scope, SystemRole},
};
use poem_openapi::Object;
use schema::people::roles::{RoleRow, RoleText};
use serde_json::json;

/// What is written about a role.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct RoleBody {
    /// What programs call it: small letters, digits and underscores.
    #[oai(validator(min_length = 2, max_length = 50, pattern = "^[a-z][a-z0-9_]+$"))]
    name: String,
    /// What people call it.
    #[oai(validator(min_length = 1, max_length = 100))]
    display_name: String,
    /// What it is for.
    #[oai(validator(max_length = 1000))]
    description: Option<String>,
    /// What its holders may do.
    #[oai(validator(max_items = 200))]
    permissions: Vec<Name<Permission>>,
    /// Whose rows they see.
    scope: Name<Scope>,
    /// Whether it takes a second factor to hold it.
    #[oai(default)]
    requires_mfa: bool,
}

/// What can be written.
pub(super) struct Checked {
    /// As the table takes it.
    pub row: RoleText,
    /// What it gives.
    pub holding: Holding,
}

impl RoleBody {
    /// Told all faults at once.
    pub fn checked(self) -> ApiResult<Checked> {
        let mut faults = Faults::default();
        let permissions: PermissionSet = self.permissions.into_iter().map(|name| name.0).collect();
        let scope = self.scope.0;
        let row = RoleText {
            display_name: faults.line("displayName", &self.display_name),
            name: self.name,
            description: blank_is_none(self.description),
            permissions: json!(permissions),
            scope: scope.as_str(),
            requires_mfa: self.requires_mfa,
        };
        faults.none()?;
        Ok(Checked { row, holding: Holding { permissions, scope } })
    }
}

/// Whether a role may become that.
pub(super) fn fits(before: &RoleRow, text: &Checked) -> ApiResult<()> {
    let row = &text.row;
    if before.is_system && before.name != row.name {
        return Err(ApiError::conflict("system_role", "the system's own roles keep their names"));
    }
    let stays = before.holding() == text.holding
        && before.display_name == row.display_name
        && before.description == row.description;
    if before.name == SystemRole::Administrator.as_str() && !stays {
        let message = "an administrator may always do everything; only requiresMfa can be changed";
        return Err(ApiError::conflict("administrator_role", message));
    }
    Ok(())
}
