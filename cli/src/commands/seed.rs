//! `renewals seed`: the initial data, loaded where it is missing.

use crate::{ground::Ground, output::Form};
use clap::Args;
use domain::contact::Email;
use jobs::initial;
use secrecy::ExposeSecret;
use serde_json::json;
use std::path::Path;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The administrator's address, used if there is no user yet.
    #[arg(long, default_value = initial::ADMINISTRATOR)]
    admin_email: Email,
}

pub async fn run(arguments: Arguments, data: &Path, form: Form) -> anyhow::Result<()> {
    let ground = Ground::shared(data).await?;
    let outcome = load(&ground, arguments.admin_email.as_str(), form).await;
    ground.stop().await?;
    outcome
}

async fn load(ground: &Ground, email: &str, form: Form) -> anyhow::Result<()> {
    let loaded = initial::load(&ground.database().await?, email).await?;
    let login = loaded.administrator.as_ref().map(|login| (login.email.as_str(), login.password.expose_secret()));
    let value = json!({
        "templates": loaded.templates,
        "schedules": loaded.schedules,
        "administrator": login.map(|(email, password)| json!({"email": email, "password": password})),
    });
    form.print(&value, |_| match login {
        Some((email, password)) => format!("loaded; sign in as {email} with {password} (shown only this once)"),
        None => "loaded; there are users already, so none was added".to_owned(),
    })
}
