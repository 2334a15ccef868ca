//! `renewals user`: accounts for people, made by whoever runs the machine.

use crate::{ground::Ground, output::Form};
use anyhow::Context;
use clap::{Args, Subcommand};
use domain::{contact::Email, permissions::SystemRole};
use jobs::security::password::{self, hash_password};
use schema::{
    Db,
    people::{
        roles,
        users::{self, NewUser},
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::{io::Read, path::Path};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a user.
    Create {
        /// Their address, which they sign in with.
        email: Email,
        /// What they may do: administrator, operations_manager, campaign_manager, agent, claims_handler, analyst,
        /// auditor, read_only, or another role of yours.
        #[arg(long, default_value = SystemRole::ReadOnly.as_str())]
        role: String,
        #[arg(long, default_value = "New")]
        first_name: String,
        #[arg(long, default_value = "User")]
        last_name: String,
        #[command(flatten)]
        password: Password,
    },
    /// Give a user another password.
    ResetPassword {
        /// Their address.
        email: Email,
        #[command(flatten)]
        password: Password,
    },
}

#[derive(Debug, Args)]
struct Password {
    /// Read the password from standard input instead of making one up.
    #[arg(long)]
    password_stdin: bool,
}

/// The shortest password a person may choose.
const SHORTEST: usize = 12;

impl Password {
    /// The password, and whether it was made up here.
    fn choose(&self) -> anyhow::Result<(SecretString, bool)> {
        if !self.password_stdin {
            return Ok((password::random(), true));
        }
        let mut text = String::new();
        std::io::stdin().take(4096).read_to_string(&mut text).context("reading the password")?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.chars().count() < SHORTEST {
            anyhow::bail!("a password has at least {SHORTEST} characters");
        }
        Ok((text.into(), false))
    }
}

pub async fn run(arguments: Arguments, data: &Path, form: Form) -> anyhow::Result<()> {
    let (Action::Create { password, .. } | Action::ResetPassword { password, .. }) = &arguments.action;
    // before anything is started, so that a person is not kept waiting to type
    let (password, made_up) = password.choose()?;
    let ground = Ground::shared(data).await?;
    let outcome = act(&ground, &arguments.action, &password).await;
    ground.stop().await?;
    let (email, done) = outcome?;
    let shown = made_up.then(|| password.expose_secret());
    form.print(&json!({"email": email, "password": shown}), |_| match shown {
        Some(password) => format!("{email} {done}; password: {password} (shown only this once)"),
        None => format!("{email} {done}"),
    })
}

async fn act(ground: &Ground, action: &Action, password: &SecretString) -> anyhow::Result<(String, &'static str)> {
    let db = ground.database().await?;
    let hash = hash_password(password).await?;
    match action {
        Action::Create { email, role, first_name, last_name, .. } => {
            let email = kept_as(email);
            create(&db, &email, role, first_name, last_name, &hash).await?;
            Ok((email, "added"))
        }
        Action::ResetPassword { email, .. } => {
            let email = kept_as(email);
            let changed = users::set_password(&mut *db.get().await?, &email, &hash).await?;
            anyhow::ensure!(changed, "there is no user {email}");
            Ok((email, "has another password"))
        }
    }
}

/// Addresses are kept in lower case, so that nobody has two accounts.
fn kept_as(email: &Email) -> String {
    email.as_str().to_lowercase()
}

async fn create(
    db: &Db,
    email: &str,
    role: &str,
    first_name: &str,
    last_name: &str,
    password_hash: &str,
) -> anyhow::Result<()> {
    let mut connection = db.get().await?;
    roles::add_system_roles(&mut connection).await?;
    let role = roles::by_name(&mut connection, role)
        .await?
        .with_context(|| format!("there is no role {role:?}; the first ones are {}", SystemRole::NAMES.join(", ")))?;
    let user = NewUser { email, password_hash, first_name, last_name, role, branch: None };
    match users::create(&mut connection, &user).await {
        Err(error) if error.unique_violation().is_some() => {
            anyhow::bail!("{email} is taken; to give them another password: renewals user reset-password {email}")
        }
        other => other.map(drop).map_err(Into::into),
    }
}
