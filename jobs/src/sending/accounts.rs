//! Accounts that cannot send: one whose credentials, payment or standing is at fault waits for a person, and so do its
//! messages. They do not fail, and no attempt is spent on them.
//!
//! The pause is a row, so it outlives Redis and every worker; administrators are told once.

use super::line::Line;
use crate::{
    Job,
    kinds::{send_batch::SendBatch, send_message::SendMessage},
    services::Services,
};
use chrono::{DateTime, Utc};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError, ledger,
    notifications::{self, NewNotification},
    people, sending_accounts,
};
use serde_json::json;
use std::collections::HashMap;

/// Has an account wait for a person.
pub async fn pause(services: &Services, line: &Line, why: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    let account = line.account();
    let named = (account.account(), line.channel(), account.name());
    let mut connection = services.db.get().await?;
    connection
        .transaction::<_, DbError, _>(async |connection| {
            if sending_accounts::pause(connection, named, why, now).await? {
                tracing::error!(account = named.0, why, "paused: its messages wait for a person");
                tell(connection, line, why).await?;
            }
            Ok(())
        })
        .await
}

/// Lets an account send again, and wakes what waits for it. False: it was not paused.
pub async fn resume(services: &Services, account: &str) -> Result<bool, DbError> {
    let now = services.clock.now();
    let mut connection = services.db.get().await?;
    let resumed = resume_in(&mut connection, account, now).await?;
    Ok(resumed)
}

/// The same in the caller's transaction.
pub async fn resume_in(connection: &mut AsyncPgConnection, account: &str, now: DateTime<Utc>) -> Result<bool, DbError> {
    if !sending_accounts::resume(connection, account, now).await? {
        return Ok(false);
    }
    ledger::wake(connection, &[SendBatch::KIND, SendMessage::KIND], now).await?;
    Ok(true)
}

async fn tell(connection: &mut AsyncPgConnection, line: &Line, why: &str) -> Result<(), DbError> {
    let account = line.account().account();
    let title = format!("{} cannot send", line.channel().label());
    let message =
        format!("The account {account} is paused, and its messages wait: {why}. Mend the cause, then resume it.");
    let told: Vec<NewNotification> = people::administrators::active(connection)
        .await?
        .into_iter()
        .map(|user| NewNotification {
            user: user.0,
            kind: "account_paused",
            title: title.clone(),
            message: message.clone(),
            data: json!({"account": account, "channel": line.channel()}),
            priority: "urgent",
        })
        .collect();
    notifications::insert(connection, &told).await?;
    Ok(())
}

/// Which of the lines wait for a person, and why.
pub async fn paused(connection: &mut AsyncPgConnection, lines: &[Line]) -> Result<HashMap<String, String>, DbError> {
    let names: Vec<&str> = lines.iter().map(|line| line.account().account()).collect();
    let known = sending_accounts::known(connection, &names).await?;
    let paused = known.into_iter().filter(|row| row.paused_at.is_some());
    Ok(paused.map(|row| (row.account, row.paused_reason.unwrap_or_default())).collect())
}
