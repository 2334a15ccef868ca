//! The initial data: roles, a head office, an administrator, sample templates and default schedules.
//!
//! Loading again changes nothing that people have changed; several programs may load at once. Fails with
//! [`InitialError`], and then nothing is written.

mod schedules;
mod templates;

use crate::security::password::{self, PasswordError};
use domain::permissions::SystemRole;
use schema::{
    AsyncConnection, AsyncPgConnection, Db, DbError, initial,
    people::{
        roles,
        users::{self, NewUser},
    },
};
use secrecy::SecretString;

/// The first user's address, unless another is asked for.
pub const ADMINISTRATOR: &str = "admin@example.com";

/// The initial data could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum InitialError {
    /// A statement failed.
    #[error("loading the initial data")]
    Database(#[from] DbError),
    /// The administrator's password could not be hashed.
    #[error("making the administrator's password")]
    Password(#[from] PasswordError),
}

/// What was loaded.
#[derive(Debug)]
pub struct Loaded {
    /// The administrator, if there was no user; the password is kept nowhere else.
    pub administrator: Option<Login>,
    /// Templates added.
    pub templates: usize,
    /// Schedules added.
    pub schedules: usize,
}

/// How somebody signs in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The address.
    pub email: String,
    /// In clear, to be shown once.
    pub password: SecretString,
}

/// Loads whatever is missing, in one transaction; `email` is the administrator's address.
pub async fn load(db: &Db, email: &str) -> Result<Loaded, InitialError> {
    let mut connection = db.get().await?;
    // hashed before the transaction, which should be short
    let login = Login { email: email.to_lowercase(), password: password::random() };
    let hash = password::hash_password(&login.password).await?;
    let loaded = connection.transaction(async |connection| load_into(connection, &login, &hash).await).await?;
    Ok(loaded)
}

async fn load_into(connection: &mut AsyncPgConnection, login: &Login, hash: &str) -> Result<Loaded, DbError> {
    initial::lock(connection).await?;
    roles::add_system_roles(connection).await?;
    let office = initial::first_branch(connection, "HO", "Head office", "Asia/Kolkata").await?;
    let templates = initial::add_first_templates(connection, &templates::all()).await?;
    let schedules = schema::schedules::add_missing(connection, schedules::DEFAULT).await?;
    let administrator = roles::by_name(connection, SystemRole::Administrator.as_str()).await?;
    let new = match administrator {
        Some(role) if !initial::has_users(connection).await? => {
            let user = NewUser {
                email: &login.email,
                password_hash: hash,
                first_name: "System",
                last_name: "Administrator",
                role,
                branch: Some(office),
            };
            users::create(connection, &user).await?;
            true
        }
        _ => false,
    };
    Ok(Loaded { administrator: new.then(|| login.clone()), templates, schedules })
}
