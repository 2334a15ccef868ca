//! `renewals user create` and `reset-password`: accounts with a password that whoever runs the machine hands over.

use super::account::{find, let_try, record, tell};
use crate::ground::Ground;
use anyhow::Context;
use clap::Args;
use domain::{
    password::Person,
    people::UserStatus,
    permissions::SystemRole,
    sign_in::{SecurityEventKind, SessionEnd},
};
use jobs::{
    Clock,
    security::{
        choice::check,
        password::{self, hash_password},
    },
};
use schema::{
    AsyncConnection,
    people::{
        accounts, devices, passwords, roles, sessions,
        users::{self, NewUser},
    },
};
use secrecy::SecretString;
use serde_json::json;
use std::io::Read;

#[derive(Debug, Args)]
pub struct Password {
    /// Read the password from standard input instead of making one up.
    #[arg(long)]
    password_stdin: bool,
}

impl Password {
    /// The password, and whether it was made up here. One that a person chooses has to do, as everywhere.
    pub fn choose(&self, person: &Person<'_>) -> anyhow::Result<(SecretString, bool)> {
        if !self.password_stdin {
            return Ok((password::random(), true));
        }
        let mut text = String::new();
        std::io::stdin().take(4096).read_to_string(&mut text).context("reading the password")?;
        let text = text.trim_end_matches(['\r', '\n']);
        check(text, person).map_err(|weakness| anyhow::anyhow!("the password {weakness}"))?;
        Ok((text.into(), false))
    }
}

/// Somebody to be added.
pub struct Named {
    /// In lower case.
    pub email: String,
    /// The role's name.
    pub role: String,
    pub first_name: String,
    pub last_name: String,
}

/// Adds somebody.
pub async fn create(ground: &Ground, named: &Named, password: &SecretString) -> anyhow::Result<&'static str> {
    let db = ground.database().await?;
    let hash = hash_password(password).await?;
    let Named { email, role, first_name, last_name } = named;
    db.get()
        .await?
        .transaction::<_, anyhow::Error, _>(async |connection| {
            roles::add_system_roles(connection).await?;
            let found = roles::by_name(connection, role).await?.with_context(|| {
                format!("there is no role {role:?}; the first ones are {}", SystemRole::NAMES.join(", "))
            })?;
            let user = NewUser { email, password_hash: &hash, first_name, last_name, role: found, branch: None };
            let id = match users::create(connection, &user).await {
                Err(error) if error.unique_violation().is_some() => {
                    let other = format!("renewals user reset-password {email}");
                    anyhow::bail!("{email} is taken; to give them another password: {other}")
                }
                other => other?,
            };
            record(connection, id, "user.created", json!({"role": role, "status": "active"})).await
        })
        .await?;
    Ok("added")
}

/// Gives somebody another password: whoever knew the one before is out.
pub async fn reset(ground: &Ground, email: &str, password: &SecretString) -> anyhow::Result<&'static str> {
    let db = ground.database().await?;
    let hash = hash_password(password).await?;
    let now = Clock::default().now();
    db.get()
        .await?
        .transaction::<_, anyhow::Error, _>(async |connection| {
            let row = find(connection, email).await?;
            let id = row.user();
            let present = users::credentials(connection, email).await?.and_then(|found| found.password_hash);
            passwords::change(connection, id, present.as_deref(), &hash, now).await?;
            devices::forget_all(connection, id).await?;
            if row.status()? == UserStatus::Invited {
                accounts::set_status(connection, id, UserStatus::Active, now).await?;
            }
            accounts::unlock(connection, id).await?;
            let ended = sessions::end_all(connection, id, None, SessionEnd::PasswordChanged, now).await?;
            tell(connection, id, SecurityEventKind::PasswordChanged, now).await?;
            record(connection, id, "user.password_reset", json!({"sessionsEnded": ended})).await
        })
        .await?;
    let_try(ground, email).await?;
    Ok("has another password and is signed out everywhere")
}
