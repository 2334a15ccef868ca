//! `renewals user`: accounts for people, looked after by whoever runs the machine: also when nobody can sign in any more.
//!
//! What is done here has no actor in the audit log: who may run commands on the machine is not known to it.

mod account;
mod list;
mod password;

use crate::{ground::Ground, output::Form};
use account::Change;
use clap::{Args, Subcommand};
use domain::{contact::Email, password::Person, people::UserStatus, permissions::SystemRole};
use list::Which;
use password::{Named, Password};
use secrecy::ExposeSecret;
use serde_json::json;
use std::path::Path;

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
    /// Give a user another password, sign them out everywhere and let them try again at once.
    ResetPassword {
        /// Their address.
        email: Email,
        #[command(flatten)]
        password: Password,
    },
    /// Take a user's second factor away, for whoever has lost it.
    DisableMfa {
        /// Their address.
        email: Email,
    },
    /// Sign a user out everywhere and keep them out.
    Suspend {
        /// Their address.
        email: Email,
    },
    /// Let a user try again who has been locked out after too many wrong passwords.
    Unlock {
        /// Their address.
        email: Email,
    },
    /// List users, newest first.
    List {
        /// Holders of this role only.
        #[arg(long)]
        role: Option<String>,
        /// Only those who are: active, inactive, suspended or invited.
        #[arg(long)]
        status: Option<UserStatus>,
        /// How many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
}

pub async fn run(arguments: Arguments, data: &Path, form: Form) -> anyhow::Result<()> {
    let change = match arguments.action {
        Action::Create { email, role, first_name, last_name, password } => {
            let named = Named { email: kept_as(&email), role, first_name, last_name };
            return give(data, form, &password, Some(named), &email).await;
        }
        Action::ResetPassword { email, password } => return give(data, form, &password, None, &email).await,
        Action::List { role, status, limit } => {
            let ground = Ground::shared(data).await?;
            let rows = list::rows(&ground, &Which { role, status, limit }).await;
            ground.stop().await?;
            return list::print(form, &rows?);
        }
        Action::DisableMfa { email } => (email, Change::DisableMfa),
        Action::Suspend { email } => (email, Change::Suspend),
        Action::Unlock { email } => (email, Change::Unlock),
    };
    let (email, change) = (kept_as(&change.0), change.1);
    let ground = Ground::shared(data).await?;
    let outcome = account::change(&ground, &email, change).await;
    ground.stop().await?;
    let done = outcome?;
    form.print(&json!({"email": email, "done": done}), |_| format!("{email} {done}"))
}

/// A new account, or another password for one that is there.
async fn give(data: &Path, form: Form, password: &Password, new: Option<Named>, email: &Email) -> anyhow::Result<()> {
    // before anything is started, so that a person is not kept waiting to type
    let email = kept_as(email);
    let person = new.as_ref().map_or_else(
        || Person { email: &email, ..Person::default() },
        |named| Person { email: &email, first_name: &named.first_name, last_name: &named.last_name },
    );
    let (password, made_up) = password.choose(&person)?;
    let ground = Ground::shared(data).await?;
    let outcome = match &new {
        Some(named) => password::create(&ground, named, &password).await,
        None => password::reset(&ground, &email, &password).await,
    };
    ground.stop().await?;
    let done = outcome?;
    let shown = made_up.then(|| password.expose_secret());
    form.print(&json!({"email": email, "password": shown}), |_| match shown {
        Some(password) => format!("{email} {done}; password: {password} (shown only this once)"),
        None => format!("{email} {done}"),
    })
}

/// Addresses are kept in lower case, so that nobody has two accounts.
fn kept_as(email: &Email) -> String {
    email.as_str().to_lowercase()
}
