//! Which API the demo talks to, and as whom.

use super::Arguments;
use crate::{commands::up::address::Note, ground::Ground};
use anyhow::Context;
use domain::permissions::SystemRole;
use jobs::{
    process::config::load,
    security::password::{self, hash_password},
};
use providers::whatsapp_cloud::WhatsappConfig;
use schema::{
    Db,
    people::{
        roles,
        users::{self, NewUser},
    },
};
use secrecy::SecretString;
use std::path::Path;

/// The demo's own user.
const EMAIL: &str = "demo@example.com";

/// The URL, the address and the password.
pub async fn prepare(arguments: &Arguments, data: &Path) -> anyhow::Result<(String, String, SecretString)> {
    if let (Some(url), Some(email), Some(password)) = (&arguments.url, &arguments.email, &arguments.password) {
        return Ok((url.clone(), email.clone(), password.clone()));
    }
    let url = Note::read(data).context("nothing runs here: start `renewals up` first, or give --url")?;
    if let (Some(email), Some(password)) = (&arguments.email, &arguments.password) {
        return Ok((url, email.clone(), password.clone()));
    }
    let ground = Ground::shared(data).await?;
    let made = match refuse_real_channel(&ground) {
        Ok(()) => demo_user(&ground).await,
        Err(error) => Err(error),
    };
    ground.stop().await?;
    Ok((url, EMAIL.to_owned(), made?))
}

/// The demo's recipients are made up, and their numbers may be somebody's.
fn refuse_real_channel(ground: &Ground) -> anyhow::Result<()> {
    let account = load(&ground.environment.lookup(), |reader| reader.provider(WhatsappConfig::from_env))?;
    anyhow::ensure!(account.is_none(), "a WhatsApp account is configured, and the demo would write to strangers");
    Ok(())
}

/// Makes the user, or gives the one of an earlier demo another password.
async fn demo_user(ground: &Ground) -> anyhow::Result<SecretString> {
    let db: Db = ground.database().await?;
    let password = password::random();
    let hash = hash_password(&password).await?;
    let mut connection = db.get().await?;
    if !users::set_password(&mut connection, EMAIL, &hash).await? {
        let role = SystemRole::CampaignManager.as_str();
        let role = roles::by_name(&mut connection, role).await?.with_context(|| format!("there is no role {role}"))?;
        let (first_name, last_name) = ("Demo", "User");
        let user = NewUser { email: EMAIL, password_hash: &hash, first_name, last_name, role, branch: None };
        users::create(&mut connection, &user).await?;
    }
    Ok(password)
}
