//! `/api/roles` and `/api/permissions`: what people may do.
//!
//! A change works within a second for everybody who holds the role: who may do what is read again that often.

mod catalogue;
mod text;

use super::rules::holding;
use crate::{
    auth::{Confirmed, Guard, SignedIn, permit},
    envelope::{Created, Reply, created, ok},
    error::{ApiError, ApiResult},
    request::{COUNT_CAP, Id, Name, Page, Pagination, StrictBody, named_set},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    ids::RoleId,
    people::{Refusal, rules::give},
    permissions::{Permission, Scope, SystemRole},
};
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
};
use schema::{
    AsyncConnection, AsyncPgConnection,
    audit::{self, Entity},
    people::roles::{self, RoleRow},
};
use serde_json::{Value, json};
use text::{RoleBody, fits};

named_set!(Permission);

/// Roles.
pub struct RolesApi;

/// Every part of the resource.
pub fn api() -> impl OpenApi + 'static {
    (RolesApi, catalogue::PermissionsApi)
}

/// What its holders may do.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Role {
    /// Its id.
    id: Id<RoleId>,
    /// What programs call it.
    name: String,
    /// What people call it.
    display_name: String,
    /// What it is for.
    description: Option<String>,
    /// What its holders may do.
    permissions: Vec<Name<Permission>>,
    /// Whose rows they see.
    scope: Name<Scope>,
    /// Whether it takes a second factor to hold it.
    requires_mfa: bool,
    /// Whether it was there from the beginning, and stays.
    is_system: bool,
    /// How many hold it.
    users: i64,
    /// When it was written.
    created_at: DateTime<Utc>,
    /// When it was changed last.
    updated_at: DateTime<Utc>,
}

impl Role {
    fn new(row: RoleRow, users: i64) -> Self {
        let held = row.holding();
        Self {
            id: Id(row.role()),
            name: row.name,
            display_name: row.display_name,
            description: row.description,
            permissions: held.permissions.iter().map(Name).collect(),
            scope: Name(held.scope),
            requires_mfa: row.requires_mfa,
            is_system: row.is_system,
            users,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A part of the list.
#[derive(Object)]
struct Roles {
    /// The system's first.
    roles: Vec<Role>,
    /// Where in the list this is.
    pagination: Pagination,
}

/// A role that is gone.
#[derive(Object)]
struct DeletedRole {
    /// Its id.
    id: Id<RoleId>,
}

#[OpenApi(prefix_path = "/api/roles", tag = "Tag::Roles")]
impl RolesApi {
    /// List roles
    #[oai(path = "/", method = "get")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::RolesView>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Roles>> {
        let page = Page::read(page.0, limit.0)?;
        let mut connection = state.services.db.get().await?;
        let rows = roles::list(&mut connection, page.offset(), page.limit()).await?;
        let counted = roles::count(&mut connection, COUNT_CAP + 1).await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let holders = roles::holders(&mut connection, &ids).await?;
        let held = |id| holders.iter().find(|(role, _)| *role == id).map_or(0, |(_, count)| *count);
        let roles = rows.into_iter().map(|row| (held(row.id), row)).map(|(held, row)| Role::new(row, held)).collect();
        ok(Roles { roles, pagination: page.of(counted) })
    }

    /// Get a role
    #[oai(path = "/:id", method = "get")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::RolesView>,
        id: Path<Id<RoleId>>,
    ) -> ApiResult<Reply<Role>> {
        let mut connection = state.services.db.get().await?;
        let row = roles::get(&mut connection, id.0.0).await?.ok_or_else(not_found)?;
        let held = held_by(&mut connection, id.0.0).await?;
        ok(Role::new(row, held))
    }

    /// Write a role
    ///
    /// Nobody gives what they do not hold.
    #[oai(path = "/", method = "post")]
    async fn create(
        &self,
        state: Data<&SharedState>,
        caller: Confirmed<permit::RolesManage>,
        body: StrictBody<RoleBody>,
    ) -> ApiResult<Created<Role>> {
        let text = body.0.checked()?;
        give(holding(&caller), text.holding)?;
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let row = roles::create(connection, &text.row, now).await.map_err(name_taken)?;
                let entry = caller.entry("role.created", Entity::of(row.role())).after(audited(&row));
                audit::record(connection, &[entry]).await?;
                Ok(row)
            })
            .await?;
        created(Role::new(row, 0))
    }

    /// Change a role
    ///
    /// Replaces all of it; works within a second for everybody who holds it. Of the administrator's role only
    /// `requiresMfa` can be changed, of the system's others not the name. Nobody changes the role they hold.
    #[oai(path = "/:id", method = "put")]
    async fn change(
        &self,
        state: Data<&SharedState>,
        caller: Confirmed<permit::RolesManage>,
        id: Path<Id<RoleId>>,
        body: StrictBody<RoleBody>,
    ) -> ApiResult<Reply<Role>> {
        let (text, id) = (body.0.checked()?, id.0.0);
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let (row, held) = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before = roles::lock(connection, id).await?.ok_or_else(not_found)?;
                may_touch(&caller, &before)?;
                give(holding(&caller), text.holding)?;
                fits(&before, &text)?;
                let after = roles::change(connection, id, &text.row, now).await.map_err(name_taken)?;
                let entry = caller.entry("role.changed", Entity::of(id));
                audit::record(connection, &[entry.before(audited(&before)).after(audited(&after))]).await?;
                Ok((after, held_by(connection, id).await?))
            })
            .await?;
        ok(Role::new(row, held))
    }

    /// Delete a role
    ///
    /// One that nobody holds.
    #[oai(path = "/:id", method = "delete")]
    async fn delete(
        &self,
        state: Data<&SharedState>,
        caller: Confirmed<permit::RolesManage>,
        id: Path<Id<RoleId>>,
    ) -> ApiResult<Reply<DeletedRole>> {
        let id = id.0.0;
        let mut connection = state.services.db.get().await?;
        connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before = roles::lock(connection, id).await?.ok_or_else(not_found)?;
                if before.is_system {
                    return Err(ApiError::conflict("system_role", "the system's own roles stay"));
                }
                let held = held_by(connection, id).await?;
                if held > 0 {
                    let message = format!("{held} people hold it; give them another role first");
                    return Err(ApiError::conflict("role_held", message).with_details(json!({"users": held})));
                }
                may_touch(&caller, &before)?;
                roles::delete(connection, id).await?;
                let entry = caller.entry("role.deleted", Entity::of(id)).before(audited(&before));
                audit::record(connection, &[entry]).await?;
                Ok(())
            })
            .await?;
        ok(DeletedRole { id: Id(id) })
    }
}

fn not_found() -> ApiError {
    ApiError::not_found("role")
}

fn name_taken(error: schema::DbError) -> ApiError {
    match error.unique_violation() {
        Some(_) => ApiError::conflict("name_taken", "there is a role of that name already"),
        None => error.into(),
    }
}

async fn held_by(connection: &mut AsyncPgConnection, id: RoleId) -> ApiResult<i64> {
    Ok(roles::holders(connection, &[id.0]).await?.first().map_or(0, |(_, count)| *count))
}

/// Nobody changes a role that gives more than they hold, nor their own.
fn may_touch(caller: &SignedIn, role: &RoleRow) -> ApiResult<()> {
    if role.name != SystemRole::Administrator.as_str() && caller.role.as_deref() == Some(&role.name) {
        let message = "nobody changes the role they hold themselves; ask somebody else";
        return Err(ApiError::forbidden("own_role", message));
    }
    if holding(caller).includes(role.holding()) { Ok(()) } else { Err(Refusal::HoldsMore.into()) }
}

fn audited(row: &RoleRow) -> Value {
    let held = row.holding();
    json!({
        "name": row.name,
        "displayName": row.display_name,
        "description": row.description,
        "permissions": held.permissions,
        "scope": held.scope,
        "requiresMfa": row.requires_mfa,
    })
}
