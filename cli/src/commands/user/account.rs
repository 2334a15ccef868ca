//! What is done about one account.

use crate::ground::Ground;
use anyhow::{Context, bail};
use api::auth::attempts::Attempts;
use chrono::{DateTime, Utc};
use domain::{
    ids::UserId,
    people::{Refusal, UserStatus},
    permissions::Reach,
    sign_in::{SecurityEventKind, SessionEnd},
};
use jobs::{
    Clock,
    process::config::{RedisConfig, load},
    queue::redis::Redis,
};
use schema::{
    AsyncConnection, AsyncPgConnection,
    audit::{self, Actor, Entity, Entry},
    people::{
        accounts::{self, AccountRow},
        administrators,
        security_events::{self, NewEvent},
        sessions,
    },
};
use serde_json::{Value, json};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    DisableMfa,
    Suspend,
    Unlock,
}

/// Does it, and says what was done.
pub async fn change(ground: &Ground, email: &str, change: Change) -> anyhow::Result<String> {
    let db = ground.database().await?;
    let now = Clock::default().now();
    let done = db
        .get()
        .await?
        .transaction::<_, anyhow::Error, _>(async |connection| match change {
            Change::DisableMfa => disable_mfa(connection, email, now).await,
            Change::Suspend => suspend(connection, email, now).await,
            Change::Unlock => unlock(connection, email, now).await,
        })
        .await?;
    if change == Change::Unlock {
        let_try(ground, email).await?;
    }
    Ok(done)
}

async fn disable_mfa(connection: &mut AsyncPgConnection, email: &str, now: DateTime<Utc>) -> anyhow::Result<String> {
    let row = find(connection, email).await?;
    if !row.mfa_enabled {
        bail!("{email} has no second factor");
    }
    accounts::clear_mfa(connection, row.user(), now).await?;
    tell(connection, row.user(), SecurityEventKind::MfaDisabled, now).await?;
    record(connection, row.user(), "user.mfa_disabled", json!({"mfaEnabled": false})).await?;
    Ok("has no second factor any more".to_owned())
}

async fn suspend(connection: &mut AsyncPgConnection, email: &str, now: DateTime<Utc>) -> anyhow::Result<String> {
    administrators::lock(connection).await?;
    let row = find(connection, email).await?;
    let id = row.user();
    if row.status()? == UserStatus::Suspended {
        bail!("{email} is suspended already");
    }
    if administrators::is_last(connection, id).await? {
        return Err(Refusal::LastAdministrator.into());
    }
    accounts::set_status(connection, id, UserStatus::Suspended, now).await?;
    let ended = sessions::end_all(connection, id, None, SessionEnd::Suspended, now).await?;
    tell(connection, id, SecurityEventKind::SessionsEnded, now).await?;
    let after = json!({"status": UserStatus::Suspended, "sessionsEnded": ended});
    record(connection, id, "user.suspended", after).await?;
    Ok(format!("is suspended, {ended} sessions ended"))
}

async fn unlock(connection: &mut AsyncPgConnection, email: &str, now: DateTime<Utc>) -> anyhow::Result<String> {
    let row = find(connection, email).await?;
    accounts::unlock(connection, row.user()).await?;
    tell(connection, row.user(), SecurityEventKind::Unlocked, now).await?;
    record(connection, row.user(), "user.unlocked", json!({})).await?;
    Ok("can try again".to_owned())
}

/// Forgets the failed attempts at an account, which Redis counts.
pub async fn let_try(ground: &Ground, email: &str) -> anyhow::Result<()> {
    let config = load(&ground.environment.lookup(), RedisConfig::read)?;
    Attempts::new(Redis::new(&config)?).unlock(email).await.context("forgetting the failed attempts")
}

/// The account of that address, locked until the transaction ends.
pub async fn find(connection: &mut AsyncPgConnection, email: &str) -> anyhow::Result<AccountRow> {
    let missing = || format!("there is no user {email}");
    let id = accounts::by_email(connection, email).await?.with_context(missing)?;
    accounts::lock(connection, id, Reach::All).await?.with_context(missing)
}

/// Writes down what was done, by nobody who is known.
pub async fn record(
    connection: &mut AsyncPgConnection,
    user: UserId,
    action: &'static str,
    after: Value,
) -> anyhow::Result<()> {
    let entry = Entry { actor: Actor::default(), action, entity: Entity::of(user), before: None, after: None };
    Ok(audit::record(connection, &[entry.after(after)]).await?)
}

/// Has the account's holder see what happened.
pub async fn tell(
    connection: &mut AsyncPgConnection,
    user: UserId,
    kind: SecurityEventKind,
    at: DateTime<Utc>,
) -> anyhow::Result<()> {
    let details = json!({"by": "command line"});
    let event = NewEvent { at, user: Some(user), kind, address: None, user_agent: None, details };
    security_events::record(connection, &event).await?;
    Ok(())
}
