//! Whom an account belongs to, as mails to them and choices of passwords need to know.

use crate::{DbError, tables::users};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::UserId;

/// The holder of an account.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Holder {
    /// The user.
    pub id: i64,
    /// In lower case.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// PHC string; `None`: signs in otherwise, or not yet.
    pub password_hash: Option<String>,
    /// `active`, `inactive`, `suspended` or `invited`.
    pub status: String,
}

impl Holder {
    /// The user.
    pub fn user(&self) -> UserId {
        UserId(self.id)
    }

    /// Whether they may come in.
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }

    /// Whether they were invited and have not answered yet.
    pub fn is_invited(&self) -> bool {
        self.status == "invited"
    }
}

/// The holder of an account, whatever its state.
pub async fn by_id(connection: &mut AsyncPgConnection, user: UserId) -> Result<Option<Holder>, DbError> {
    Ok(users::table.find(user.0).select(Holder::as_select()).first(connection).await.optional()?)
}

/// The holder of an address (in lower case), whatever the account's state.
pub async fn by_email(connection: &mut AsyncPgConnection, email: &str) -> Result<Option<Holder>, DbError> {
    let found = users::table.filter(users::email.eq(email));
    Ok(found.select(Holder::as_select()).first(connection).await.optional()?)
}
