//! `GET /api/permissions`: everything that a role can allow, as a settings page shows it.

use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::ApiResult,
    request::{Name, named_set},
    tags::Tag,
};
use domain::permissions::{Permission, PermissionGroup};
use poem_openapi::{Object, OpenApi};

named_set!(PermissionGroup);

/// Permissions.
pub struct PermissionsApi;

/// One thing that a role can allow.
#[derive(Object)]
struct PermissionInfo {
    /// What roles are written with.
    name: Name<Permission>,
    /// What it allows.
    description: String,
}

/// Permissions that are shown together.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct PermissionGroupInfo {
    /// What programs call it.
    name: Name<PermissionGroup>,
    /// What people call it.
    display_name: String,
    /// In order.
    permissions: Vec<PermissionInfo>,
}

/// Everything that a role can allow.
#[derive(Object)]
struct Permissions {
    /// In order.
    groups: Vec<PermissionGroupInfo>,
}

#[OpenApi(prefix_path = "/api/permissions", tag = "Tag::Roles")]
impl PermissionsApi {
    /// List permissions
    #[oai(path = "/", method = "get")]
    async fn list(&self, _caller: Guard<permit::RolesView>) -> ApiResult<Reply<Permissions>> {
        let of = |group: PermissionGroup| {
            let listed = Permission::ALL.iter().filter(move |permission| permission.group() == group);
            listed.map(|permission| PermissionInfo {
                name: Name(*permission),
                description: permission.description().to_owned(),
            })
        };
        let groups = PermissionGroup::ALL.iter().map(|group| PermissionGroupInfo {
            name: Name(*group),
            display_name: group.display_name().to_owned(),
            permissions: of(*group).collect(),
        });
        ok(Permissions { groups: groups.collect() })
    }
}
