//! Accounts a page at a time, and the departments that people are in.

use super::{AccountRow, COLUMNS, JOINED};
use crate::{DbError, book::Part, like::beginning};
use diesel::{
    QueryableByName,
    pg::Pg,
    query_builder::BoxedSqlQuery,
    sql_types::{BigInt, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{ids::BranchId, people::UserStatus, permissions::Reach};

/// Which ones.
#[derive(Debug, Clone, Copy)]
pub struct AccountFilter<'a> {
    /// Those within reach.
    pub reach: Reach,
    /// What an address, a name or a last name begins with.
    pub search: Option<&'a str>,
    /// Holders of the role of this name.
    pub role: Option<&'a str>,
    /// Standing there.
    pub status: Option<UserStatus>,
    /// In this department.
    pub department: Option<&'a str>,
    /// Of this office.
    pub branch: Option<BranchId>,
}

/// What accounts are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKey {
    /// When they were made.
    CreatedAt,
    /// Last names, then first ones.
    Name,
    /// Addresses.
    Email,
    /// When they came in last; never is longest ago.
    LastLogin,
}

impl AccountKey {
    /// Every key.
    pub const ALL: &'static [Self] = &[Self::CreatedAt, Self::Name, Self::Email, Self::LastLogin];

    /// As the outside names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "createdAt",
            Self::Name => "name",
            Self::Email => "email",
            Self::LastLogin => "lastLogin",
        }
    }

    const fn order(self, descending: bool) -> &'static str {
        match (self, descending) {
            (Self::CreatedAt, false) => "u.id",
            (Self::CreatedAt, true) => "u.id DESC",
            (Self::Name, false) => "lower(u.last_name), lower(u.first_name), u.id",
            (Self::Name, true) => "lower(u.last_name) DESC, lower(u.first_name) DESC, u.id DESC",
            (Self::Email, false) => "u.email",
            (Self::Email, true) => "u.email DESC",
            (Self::LastLogin, false) => "u.last_login NULLS FIRST, u.id",
            (Self::LastLogin, true) => "u.last_login DESC NULLS LAST, u.id DESC",
        }
    }
}

const WHERE: &str = "WHERE ($1::text IS NULL OR u.email LIKE $1 OR lower(u.first_name || ' ' || u.last_name) LIKE $1 \
        OR lower(u.last_name) LIKE $1) \
    AND ($2::text IS NULL OR r.name = $2) AND ($3::text IS NULL OR u.status = $3) \
    AND ($4::text IS NULL OR u.department = $4) AND ($5::bigint IS NULL OR u.branch_id = $5) \
    AND ($6::bigint IS NULL OR u.id = $6 OR u.branch_id = $7)";

fn bound(text: String, filter: &AccountFilter<'_>) -> BoxedSqlQuery<'static, Pg, diesel::query_builder::SqlQuery> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    diesel::sql_query(text)
        .into_boxed()
        .bind::<Nullable<Text>, _>(filter.search.map(beginning))
        .bind::<Nullable<Text>, _>(owned(filter.role))
        .bind::<Nullable<Text>, _>(filter.status.map(UserStatus::as_str))
        .bind::<Nullable<Text>, _>(owned(filter.department))
        .bind::<Nullable<BigInt>, _>(filter.branch.map(|branch| branch.0))
        .bind::<Nullable<BigInt>, _>(filter.reach.user().map(|user| user.0))
        .bind::<Nullable<BigInt>, _>(filter.reach.branch().map(|branch| branch.0))
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// A page, and how many there are, as far as counted.
pub async fn list(
    connection: &mut AsyncPgConnection,
    filter: &AccountFilter<'_>,
    (by, descending): (AccountKey, bool),
    part: Part,
) -> Result<(Vec<AccountRow>, i64), DbError> {
    let order = by.order(descending);
    let page = format!("SELECT {COLUMNS} FROM {JOINED} {WHERE} ORDER BY {order} OFFSET $8 LIMIT $9");
    let page = bound(page, filter).bind::<BigInt, _>(part.offset).bind::<BigInt, _>(part.limit);
    let rows = page.load(connection).await?;
    let count = format!("SELECT count(*) AS count FROM (SELECT 1 FROM {JOINED} {WHERE} LIMIT $8) listed");
    let counted: Count = bound(count, filter).bind::<BigInt, _>(part.count_cap + 1).get_result(connection).await?;
    Ok((rows, counted.count))
}

/// A department and how many are in it.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Department {
    /// As people call it.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Of those within reach.
    #[diesel(sql_type = BigInt)]
    pub users: i64,
}

/// The departments of those within reach, by name.
pub async fn departments(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    most: i64,
) -> Result<Vec<Department>, DbError> {
    let grouped = "SELECT u.department AS name, count(*) AS users FROM users u WHERE u.department IS NOT NULL \
        AND ($1::bigint IS NULL OR u.id = $1 OR u.branch_id = $2) GROUP BY u.department ORDER BY u.department LIMIT $3";
    Ok(diesel::sql_query(grouped)
        .bind::<Nullable<BigInt>, _>(reach.user().map(|user| user.0))
        .bind::<Nullable<BigInt>, _>(reach.branch().map(|branch| branch.0))
        .bind::<BigInt, _>(most)
        .load(connection)
        .await?)
}
