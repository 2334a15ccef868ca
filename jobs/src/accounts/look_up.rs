//! Who asked for another password: only somebody who may come in gets a link, and few an hour.
//!
//! Run again it does the same; the mail is enqueued with the end of the run.

use crate::{
    Decision, JobContext, JobError,
    kinds::{look_up_password_reset::LookUpPasswordReset, send_account_mail::SendAccountMail},
};
use chrono::TimeDelta;
use domain::sign_in::{AccountMail, AccountTokenPurpose, SecurityEventKind};
use schema::people::{
    account_tokens, holders, joining,
    security_events::{self, NewEvent},
};
use serde_json::json;

/// Links an hour that one account is sent, whoever asks.
const MOST_AN_HOUR: i64 = 3;

/// Looks it up.
pub async fn look_up(this: LookUpPasswordReset, context: &JobContext) -> Result<Decision, JobError> {
    let now = context.now();
    let mut connection = context.services.db.get().await?;
    let Some((email, address)) = joining::reset_request(&mut connection, this.request_id).await? else {
        return Ok(Decision::done());
    };
    let holder = holders::by_email(&mut connection, &email).await?.filter(|holder| holder.is_active());
    let Some(user) = holder.map(|holder| holder.user()) else {
        return Ok(Decision::done());
    };
    let purpose = AccountTokenPurpose::PasswordReset;
    let sent = account_tokens::count_since(&mut connection, user, purpose, now - TimeDelta::hours(1)).await?;
    let kind = SecurityEventKind::PasswordResetAsked;
    let details = json!({"mailed": sent < MOST_AN_HOUR});
    let event = NewEvent { at: now, user: Some(user), kind, address, user_agent: None, details };
    security_events::record(&mut connection, &event).await?;
    if sent < MOST_AN_HOUR {
        let mail = SendAccountMail { user_id: user, purpose: AccountMail::PasswordReset, event_id: None };
        context.then(super::job(&mail)?);
    }
    Ok(Decision::done())
}
