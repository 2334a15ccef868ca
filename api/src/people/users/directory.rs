//! Looking people up, asking them in, and changing what is told about them.

use super::{
    invite::{self, NewUser},
    view::{UserAccount, audited},
};
use crate::{
    auth::{Guard, SignedIn, permit},
    envelope::{Created, Reply, created, ok},
    error::{ApiError, ApiResult},
    people::{rules, text::Faults},
    request::{COUNT_CAP, Id, Name, Page, Pagination, Sort, StrictBody, blank_is_none},
    state::SharedState,
    tags::Tag,
};
use domain::{
    ids::{BranchId, UserId},
    people::UserStatus,
    permissions::Reach,
};
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
    types::MaybeUndefined,
};
use schema::{
    AsyncConnection, AsyncPgConnection,
    audit::{self, Entity},
    book::Part,
    people::{
        accounts::{self, AccountFilter, AccountKey, Change},
        branches,
    },
};

const NEWEST_FIRST: Sort<AccountKey> = Sort { by: AccountKey::CreatedAt, descending: true };
/// Nobody reads a longer list of departments.
const MOST_DEPARTMENTS: i64 = 1000;

/// People.
pub struct UsersApi;

/// A part of the list.
#[derive(Object)]
struct Users {
    /// In the order asked for.
    users: Vec<UserAccount>,
    /// Where in the list this is.
    pagination: Pagination,
}

/// A department.
#[derive(Object)]
struct DepartmentCount {
    /// As people call it.
    name: String,
    /// How many are in it.
    users: i64,
}

/// The departments that people are in.
#[derive(Object)]
struct Departments {
    /// By name.
    departments: Vec<DepartmentCount>,
}

/// What is told about somebody. What is left out stays; `null` clears.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct UserChange {
    /// Their first name.
    #[oai(validator(max_length = 100))]
    first_name: Option<String>,
    /// Their last name.
    #[oai(validator(max_length = 100))]
    last_name: Option<String>,
    /// With the country's prefix, or of India.
    #[oai(validator(max_length = 30))]
    phone: MaybeUndefined<String>,
    /// Where they work.
    #[oai(validator(max_length = 100))]
    department: MaybeUndefined<String>,
    /// As what they work.
    #[oai(validator(max_length = 100))]
    job_title: MaybeUndefined<String>,
    /// Their office.
    branch_id: MaybeUndefined<Id<BranchId>>,
}

#[OpenApi(prefix_path = "/api/users", tag = "Tag::Users")]
impl UsersApi {
    /// List users
    ///
    /// Those within reach of the caller's scope.
    #[oai(path = "/", method = "get")]
    #[expect(clippy::too_many_arguments, reason = "one a filter")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UsersView>,
        /// What an address, a name or a last name begins with.
        #[oai(name = "search", validator(max_length = 100))]
        text: Query<Option<String>>,
        /// Holders of the role of this name only.
        #[oai(validator(max_length = 50))]
        role: Query<Option<String>>,
        /// Standing there only.
        status: Query<Option<Name<UserStatus>>>,
        /// In this department only.
        #[oai(validator(max_length = 100))]
        department: Query<Option<String>>,
        /// Of this office only.
        #[oai(name = "branchId")]
        branch: Query<Option<Id<BranchId>>>,
        /// By default newest first.
        sort: Query<Option<Sort<AccountKey>>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Users>> {
        let page = Page::read(page.0, limit.0)?;
        let (text, role, department) = (blank_is_none(text.0), blank_is_none(role.0), blank_is_none(department.0));
        let filter = AccountFilter {
            reach: caller.reach,
            search: text.as_deref(),
            role: role.as_deref(),
            status: status.0.map(|status| status.0),
            department: department.as_deref(),
            branch: branch.0.map(|id| id.0),
        };
        let Sort { by, descending } = sort.0.unwrap_or(NEWEST_FIRST);
        let part = Part { offset: page.offset(), limit: page.limit(), count_cap: COUNT_CAP };
        let mut connection = state.services.db.get().await?;
        let (rows, counted) = accounts::list(&mut connection, &filter, (by, descending), part).await?;
        let users = rows.into_iter().map(UserAccount::try_from).collect::<ApiResult<_>>()?;
        ok(Users { users, pagination: page.of(counted) })
    }

    /// Invite somebody
    ///
    /// They choose a password themselves: a message asks them to. Nobody gives a role that may do more than they may
    /// themselves.
    #[oai(path = "/", method = "post")]
    async fn invite(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UsersManage>,
        body: StrictBody<NewUser>,
    ) -> ApiResult<Created<UserAccount>> {
        let row = invite::invite(&state, &caller, body.0).await?;
        created(row.try_into()?)
    }

    /// List departments
    #[oai(path = "/departments", method = "get")]
    async fn departments(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UsersView>,
    ) -> ApiResult<Reply<Departments>> {
        let mut connection = state.services.db.get().await?;
        let rows = accounts::departments(&mut connection, caller.reach, MOST_DEPARTMENTS).await?;
        let departments = rows.into_iter().map(|row| DepartmentCount { name: row.name, users: row.users }).collect();
        ok(Departments { departments })
    }

    /// Get a user
    #[oai(path = "/:id", method = "get")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UsersView>,
        id: Path<Id<UserId>>,
    ) -> ApiResult<Reply<UserAccount>> {
        let mut connection = state.services.db.get().await?;
        let row = accounts::get(&mut connection, id.0.0, caller.reach).await?;
        ok(row.ok_or_else(|| ApiError::not_found("user"))?.try_into()?)
    }

    /// Change what is told about a user
    #[oai(path = "/:id", method = "patch")]
    async fn change(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UsersManage>,
        id: Path<Id<UserId>>,
        body: StrictBody<UserChange>,
    ) -> ApiResult<Reply<UserAccount>> {
        let change = checked(body.0)?;
        let now = state.services.clock.now();
        let id = id.0.0;
        let mut connection = state.services.db.get().await?;
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before = rules::lock(connection, &caller, id).await?;
                if let Some(branch) = change.branch_id {
                    check_branch(connection, &caller, branch.map(BranchId)).await?;
                }
                accounts::change(connection, id, &change, now).await?;
                let after = accounts::get(connection, id, Reach::All).await?;
                let after = after.ok_or_else(|| ApiError::not_found("user"))?;
                let entry = caller.entry("user.changed", Entity::of(id));
                audit::record(connection, &[entry.before(audited(&before)).after(audited(&after))]).await?;
                Ok(after)
            })
            .await?;
        ok(row.try_into()?)
    }
}

fn checked(given: UserChange) -> ApiResult<Change> {
    let mut faults = Faults::default();
    let change = Change {
        first_name: given.first_name.map(|name| faults.line("firstName", &name)),
        last_name: given.last_name.map(|name| faults.line("lastName", &name)),
        phone: faults.clearable("phone", given.phone, Faults::phone),
        department: faults.clearable("department", given.department, Faults::optional_line),
        job_title: faults.clearable("jobTitle", given.job_title, Faults::optional_line),
        branch_id: match given.branch_id {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(id) => Some(Some(id.0.0)),
        },
    };
    faults.none()?;
    Ok(change)
}

/// An office that the caller may put somebody in: any, or, for whoever does not see all of them, their own.
pub(super) async fn check_branch(
    connection: &mut AsyncPgConnection,
    caller: &SignedIn,
    branch: Option<BranchId>,
) -> ApiResult<()> {
    if caller.reach != Reach::All && branch != caller.branch_id {
        let message = "you can put people in your own branch only";
        return Err(ApiError::forbidden("other_branch", message));
    }
    match branch {
        Some(branch) if branches::get(connection, branch).await?.is_none() => {
            Err(ApiError::invalid("branchId", "there is no such branch"))
        }
        _ => Ok(()),
    }
}
