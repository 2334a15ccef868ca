//! Sending a mail to the holder of an account.
//!
//! A link is made anew by each attempt, and replaces the one before: an attempt that broke off may have been received,
//! and a later mail must not be taken for the same one. Who must not get the mail any more is left out. What a mail
//! server refuses for good ends the job; everything else is tried again.

use super::letter::{self, Facts, Letter};
use crate::{
    Decision, JobContext, JobError, kinds::send_account_mail::SendAccountMail, security::secret_token::SecretToken,
};
use chrono::TimeDelta;
use domain::{
    messaging::{FailureClass, SendFailure},
    sign_in::{AccountMail, AccountTokenPurpose},
};
use providers::email::{EmailMessage, domain_of};
use schema::{
    AsyncConnection, DbError,
    people::{account_tokens, holders, holders::Holder, security_events},
};
use secrecy::ExposeSecret;
use serde_json::json;

/// What links' tokens begin with.
const PREFIX: &str = "rna_";

/// Where a link leads, and how long it counts.
struct Door {
    purpose: AccountTokenPurpose,
    page: &'static str,
    lifetime: TimeDelta,
}

fn door(purpose: AccountMail) -> Option<Door> {
    match purpose {
        AccountMail::Invitation => Some(Door {
            purpose: AccountTokenPurpose::Invitation,
            page: "accept-invitation",
            lifetime: TimeDelta::days(7),
        }),
        AccountMail::PasswordReset => Some(Door {
            purpose: AccountTokenPurpose::PasswordReset,
            page: "reset-password",
            lifetime: TimeDelta::minutes(30),
        }),
        _ => None,
    }
}

/// Sends it.
pub async fn send(this: SendAccountMail, context: &JobContext) -> Result<Decision, JobError> {
    let services = &context.services;
    let mut connection = services.db.get().await?;
    let holder = holders::by_id(&mut connection, this.user_id).await?;
    let Some(holder) = holder.filter(|holder| is_due(this.purpose, holder)) else {
        return Ok(Decision::done_with(&json!({"sent": false})));
    };
    let mut facts = Facts { site: services.public_url.clone(), ..Facts::default() };
    if let Some(event) = this.event_id {
        let event = security_events::find(&mut connection, event).await?;
        if let Some(event) = event.filter(|event| event.user_id == Some(this.user_id.0)) {
            facts.when = Some(event.at);
            facts.address = event.ip_address.map(|network| network.ip());
            // whoever comes in has shown the password; whoever does not, may write anything into their program's name
            let device = event.details.get("device").and_then(|device| device.as_str()).map(str::to_owned);
            facts.device = device.filter(|_| this.purpose == AccountMail::NewDevice);
        }
    }
    if let Some(door) = door(this.purpose) {
        let (token, now) = (SecretToken::new(PREFIX), context.now());
        connection
            .transaction::<_, DbError, _>(async |connection| {
                let expires_at = now + door.lifetime;
                account_tokens::replace(connection, this.user_id, door.purpose, &token.hash, now, expires_at).await
            })
            .await?;
        // behind #, so that no server and no other page reads it
        facts.link = Some(format!("{}/{}#token={}", services.public_url, door.page, token.text.expose_secret()));
    }
    drop(connection);
    let Letter { subject, text, html } = letter::write(this.purpose, &facts).map_err(JobError::discard)?;
    let from = services.email.sender().to_owned();
    let id = format!("{}.{}@{}", context.id, context.attempt, domain_of(&from));
    let message = EmailMessage::new(id, from, holder.email, subject, (text, html), context.now());
    let message = EmailMessage { automatic: true, ..message };
    match services.email.send(&message).await {
        Ok(_) => Ok(Decision::done_with(&json!({"sent": true, "messageId": message.id}))),
        Err(failure) => Err(failed(failure)),
    }
}

/// Whether they are still to be told.
fn is_due(purpose: AccountMail, holder: &Holder) -> bool {
    match purpose {
        AccountMail::Invitation => holder.is_invited(),
        AccountMail::PasswordReset => holder.is_active(),
        AccountMail::AddressTaken => holder.is_active() || holder.is_invited(),
        AccountMail::PasswordChanged
        | AccountMail::NewDevice
        | AccountMail::TokenReused
        | AccountMail::Locked
        | AccountMail::MfaEnabled
        | AccountMail::MfaDisabled => !holder.is_invited(),
    }
}

/// A second copy of such a mail does no harm, so what may have been taken is sent again.
fn failed(failure: SendFailure) -> JobError {
    match failure.class {
        FailureClass::Recipient | FailureClass::Request | FailureClass::Template => JobError::discard(failure),
        FailureClass::Account => {
            tracing::error!(%failure, "the mail server does not take our mail: check SMTP_HOST, EMAIL_USER, EMAIL_PASS");
            JobError::retry(failure)
        }
        FailureClass::Retry { .. }
        | FailureClass::RateLimited { .. }
        | FailureClass::PairLimited { .. }
        | FailureClass::DelayDay => match failure.class.wait() {
            Some(after) => JobError::retry_after(failure, after),
            None => JobError::retry(failure),
        },
        FailureClass::Unknown => JobError::retry(failure),
    }
}
