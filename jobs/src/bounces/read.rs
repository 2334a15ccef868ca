//! Reading the mailbox, a page of mails at a time.

use super::events::{claimed, events};
use crate::{Decision, JobContext, JobError, campaigns::request, provider_events};
use providers::{
    bounce_mail::{self, BounceMail, MAIL_LIMIT},
    imap::{Fetched, ImapError, Mailbox, Session},
};
use schema::{
    AsyncConnection, DbError,
    bounce_mailboxes::{self, Cursor},
};
use serde_json::json;
use std::time::Duration;

/// Mails of one transaction: they are in memory together.
const PAGE: usize = 50;
/// Pages of one run; the rest waits for the next.
const PAGES: usize = 200;
/// An account that is refused stays so until somebody sees to it: asking more often may lock it.
const REFUSED: Duration = Duration::from_secs(30 * 60);

/// Mails under the name of the provider that sends by mail servers.
const PROVIDER: &str = "smtp";

/// Reads what is new. Without a mailbox there is nothing to do.
pub async fn run(context: &JobContext) -> Result<Decision, JobError> {
    let Some(mailbox) = context.services.bounce_mailbox.clone() else { return Ok(Decision::done()) };
    let mut session = mailbox.open().await.map_err(failed)?;
    let read = pages(context, &mailbox, &mut session).await;
    session.close().await;
    let (mails, kept) = read?;
    Ok(Decision::done_with(&json!({"mails": mails, "events": kept})))
}

async fn pages(context: &JobContext, mailbox: &Mailbox, session: &mut Session) -> Result<(usize, usize), JobError> {
    let limit = u32::try_from(MAIL_LIMIT).unwrap_or(u32::MAX);
    let (mut mails, mut kept) = (0, 0);
    let mut last = begin(context, mailbox, session).await?;
    for _ in 0..PAGES {
        if context.stopping.is_cancelled() {
            break;
        }
        let page = session.after(last, PAGE, limit).await.map_err(failed)?;
        let Some(newest) = page.iter().map(|mail| mail.uid).max() else { break };
        mails += page.len();
        // taking mails apart holds the thread up
        let taken_apart = tokio::task::spawn_blocking(move || taken_apart(&page)).await.map_err(JobError::retry)?;
        kept += keep(context, mailbox, session.uid_validity, newest, &taken_apart).await?;
        last = newest;
        context.report(i64::try_from(mails).unwrap_or(i64::MAX), None, None);
    }
    Ok((mails, kept))
}

fn taken_apart(page: &[Fetched]) -> Vec<BounceMail> {
    page.iter().map(|mail| bounce_mail::read(&mail.raw)).collect()
}

/// From where to read. A mailbox made anew counts anew and is read from its beginning: what was read before has the ids
/// it had.
async fn begin(context: &JobContext, mailbox: &Mailbox, session: &Session) -> Result<u32, JobError> {
    let mut connection = context.services.db.get().await?;
    let cursor = bounce_mailboxes::find(&mut connection, mailbox.account()).await?;
    let same = cursor.filter(|cursor| cursor.uid_validity == i64::from(session.uid_validity));
    Ok(same.and_then(|cursor| u32::try_from(cursor.last_uid).ok()).unwrap_or(0))
}

/// Keeps a page's events together with how far was read.
async fn keep(
    context: &JobContext,
    mailbox: &Mailbox,
    uid_validity: u32,
    newest: u32,
    mails: &[BounceMail],
) -> Result<usize, JobError> {
    let now = context.now();
    let to = Cursor { uid_validity: uid_validity.into(), last_uid: newest.into() };
    let mut connection = context.services.db.get().await?;
    let (kept, enqueued) = connection
        .transaction::<_, DbError, _>(async |connection| {
            let written = bounce_mailboxes::written(connection, &claimed(mails)).await?;
            let events = events(mails, written, now);
            let kept = provider_events::keep(connection, PROVIDER, &events, now).await?;
            bounce_mailboxes::advance(connection, mailbox.account(), to, now).await?;
            let enqueued = if kept > 0 { request::events_arrived(connection, now).await? } else { Vec::new() };
            Ok((kept, enqueued))
        })
        .await?;
    drop(connection);
    context.services.dispatcher.push(&enqueued).await;
    Ok(kept)
}

fn failed(error: ImapError) -> JobError {
    match error {
        error if error.is_worth_a_retry() => JobError::retry(error),
        error @ ImapError::SignIn(_) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the bounce mailbox cannot be read");
            JobError::retry_after(error, REFUSED)
        }
        error => JobError::discard(error),
    }
}
