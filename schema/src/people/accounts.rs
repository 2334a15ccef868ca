//! Accounts as those see and change them who look after people: within reach, a page at a time.
//!
//! What is changed is locked first ([`lock`]), so that what was checked about it still holds when it is written.

mod change;
mod list;

pub use change::{Change, NewInvited, change, clear_mfa, invite, set_avatar, set_role, set_status, unlock};
pub use list::{AccountFilter, AccountKey, Department, departments, list};

use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::UserId,
    people::{Holding, UserStatus},
    permissions::Reach,
};
use serde_json::Value;

/// An account with its role.
#[derive(Debug, Clone, QueryableByName)]
pub struct AccountRow {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// In lower case.
    #[diesel(sql_type = Text)]
    pub email: String,
    #[diesel(sql_type = Text)]
    pub first_name: String,
    #[diesel(sql_type = Text)]
    pub last_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub department: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub job_title: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub branch_id: Option<i64>,
    #[diesel(sql_type = Text)]
    status: String,
    /// Where in storage their picture lies.
    #[diesel(sql_type = Nullable<Text>)]
    pub avatar_url: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_login: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    pub mfa_enabled: bool,
    /// Whether they can come in once they are active: by a password or another service.
    #[diesel(sql_type = Bool)]
    pub has_means: bool,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    pub role: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub role_display_name: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    role_permissions: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    role_scope: Option<String>,
}

impl AccountRow {
    /// Whose it is.
    pub fn user(&self) -> UserId {
        UserId(self.id)
    }

    /// Where it stands.
    pub fn status(&self) -> Result<UserStatus, DbError> {
        self.status.parse().map_err(|_| DbError::Unknown { table: "users", column: "status" })
    }

    /// What its role gives.
    pub fn holding(&self) -> Holding {
        super::roles::holding(self.role_permissions.as_ref(), self.role_scope.as_deref())
    }
}

const COLUMNS: &str = "u.id, u.email, u.first_name, u.last_name, u.phone, u.department, u.job_title, u.branch_id, \
    u.status, u.avatar_url, u.last_login, u.mfa_enabled, u.created_at, u.updated_at, \
    (u.password_hash IS NOT NULL OR EXISTS (SELECT 1 FROM user_identities i WHERE i.user_id = u.id)) AS has_means, \
    r.name AS role, r.display_name AS role_display_name, r.permissions AS role_permissions, r.scope AS role_scope";
const JOINED: &str = "users u LEFT JOIN roles r ON r.id = u.role_id";

/// An account within reach: one's own, of one's branch, or any.
pub async fn get(connection: &mut AsyncPgConnection, id: UserId, reach: Reach) -> Result<Option<AccountRow>, DbError> {
    find(connection, id, reach, "").await
}

/// An account within reach that stays as it is until the transaction ends.
pub async fn lock(connection: &mut AsyncPgConnection, id: UserId, reach: Reach) -> Result<Option<AccountRow>, DbError> {
    find(connection, id, reach, "FOR NO KEY UPDATE OF u").await
}

async fn find(
    connection: &mut AsyncPgConnection,
    id: UserId,
    reach: Reach,
    lock: &str,
) -> Result<Option<AccountRow>, DbError> {
    let query = format!(
        "SELECT {COLUMNS} FROM {JOINED} WHERE u.id = $1 AND ($2::bigint IS NULL OR u.id = $2 OR u.branch_id = $3) {lock}"
    );
    let rows: Vec<AccountRow> = diesel::sql_query(query)
        .bind::<BigInt, _>(id.0)
        .bind::<Nullable<BigInt>, _>(reach.user().map(|user| user.0))
        .bind::<Nullable<BigInt>, _>(reach.branch().map(|branch| branch.0))
        .load(connection)
        .await?;
    Ok(rows.into_iter().next())
}

/// The id behind an address.
pub async fn by_email(connection: &mut AsyncPgConnection, email: &str) -> Result<Option<UserId>, DbError> {
    use crate::tables::users::dsl;
    let found = dsl::users.filter(dsl::email.eq(email)).select(dsl::id);
    Ok(found.first::<i64>(connection).await.optional()?.map(UserId))
}
