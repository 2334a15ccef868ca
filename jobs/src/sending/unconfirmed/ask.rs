//! Asking providers what became of attempts, page by page, at the pace at which the account may send.
//!
//! No connection is held while a provider is asked. An account that is paused, rests or fails is left for the next run;
//! how often one attempt is asked about falls with every time.

use super::settle;
use crate::{
    JobContext, JobError,
    sending::{accounts, line::Line},
};
use chrono::TimeDelta;
use domain::{
    ids::MessageId,
    messaging::{Correlation, FailureClass, SendFailure},
};
use futures_util::future::join_all;
use providers::{
    messaging::{Sightings, Unsettled},
    rate_limit::RateLimitError,
};
use schema::{
    DbError,
    messages::{self, UnsettledRow},
    sending_accounts,
};
use std::time::Duration;

/// Attempts looked at together.
const PAGE: i64 = 64;
/// Pages of one account and run; the rest is the next run's.
const PAGES: usize = 20;
/// Calls under way at once.
const AT_ONCE: usize = 8;
/// Providers' lists show an attempt by then, and most webhooks have come.
const FIRST_LOOK: TimeDelta = TimeDelta::minutes(11);
/// The longest wait for the account's rate.
const RATE_WAIT: Duration = Duration::from_secs(2);
/// So many calls in a row that came to nothing: the account is left for the next run.
const FAILURES: usize = 3;
/// How long an account that was too fast rests when the provider does not say.
const REST: Duration = Duration::from_secs(1);

/// What was found out.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Asked {
    /// The provider has them.
    pub found: usize,
    /// The provider never had them.
    pub never_taken: usize,
    /// To be asked about again.
    pub later: usize,
}

/// An attempt, with what the provider shows; `None`: it did not say.
pub(super) type Seen = (UnsettledRow, Option<Sightings>);

/// Asks over every account that can be asked.
pub(super) async fn all(context: &JobContext) -> Result<Asked, JobError> {
    let mut asked = Asked::default();
    for line in context.services.lines.all().iter().filter(|line| line.account().looks_up()) {
        for _ in 0..PAGES {
            let page = due(context, line).await?;
            if page.is_empty() || context.stopping.is_cancelled() {
                break;
            }
            let (seen, goes_on) = over(context, line, page).await?;
            settle::write(context, line, seen, &mut asked).await?;
            if !goes_on {
                break;
            }
        }
    }
    Ok(asked)
}

/// What is due over an account that does not wait for a person.
async fn due(context: &JobContext, line: &Line) -> Result<Vec<UnsettledRow>, DbError> {
    let (account, now) = (line.account().account(), context.now());
    let mut connection = context.services.db.get().await?;
    let known = sending_accounts::known(&mut connection, &[account]).await?;
    if known.iter().any(|row| row.paused_at.is_some()) {
        return Ok(Vec::new());
    }
    messages::unsettled(&mut connection, account, now - FIRST_LOOK, now, PAGE).await
}

/// Asks about a page; what was answered, and whether the account can be asked more.
async fn over(context: &JobContext, line: &Line, page: Vec<UnsettledRow>) -> Result<(Vec<Seen>, bool), JobError> {
    let mut waiting = page.into_iter();
    let (mut seen, mut failures): (Vec<Seen>, usize) = (Vec::new(), 0);
    while waiting.len() > 0 && !context.stopping.is_cancelled() {
        let granted = match granted(context, line, waiting.len().min(AT_ONCE)).await {
            Ok(0) => return Ok((seen, false)),
            Ok(granted) => granted,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "nobody is asked");
                return Ok((seen, false));
            }
        };
        let calls = waiting.by_ref().take(granted).map(async |row: UnsettledRow| {
            let correlation = Correlation { message: MessageId(row.id), attempt: row.attempts.into() };
            let attempt = Unsettled { correlation, to: row.address.clone(), since: row.since };
            let answer = line.account().look_up(&attempt).await;
            (row, answer)
        });
        for (row, answer) in join_all(calls).await {
            match answer {
                Ok(sightings) => {
                    failures = 0;
                    seen.push((row, Some(sightings)));
                }
                Err(failure) => {
                    failures += 1;
                    if heed(context, line, &failure).await? {
                        failures = FAILURES;
                    }
                    seen.push((row, None));
                }
            }
        }
        if failures >= FAILURES {
            return Ok((seen, false));
        }
    }
    Ok((seen, true))
}

/// How many calls the account's rate allows, after a short wait if need be. None while it is paused or rests.
async fn granted(context: &JobContext, line: &Line, wanted: usize) -> Result<usize, RateLimitError> {
    let (limiter, account) = (&context.services.rate_limiter, line.account());
    let wanted = u32::try_from(wanted).unwrap_or(1);
    for _ in 0..2 {
        let grant = limiter.acquire(account.account(), wanted, account.rate()).await?;
        // a breaker that is half open is for messages to close
        if grant.granted > 0 && !grant.probed {
            return Ok(usize::try_from(grant.granted).unwrap_or(1));
        }
        if grant.probed || grant.paused.is_some() || grant.retry_after > RATE_WAIT {
            break;
        }
        tokio::time::sleep(grant.retry_after).await;
    }
    Ok(0)
}

/// What a failed call means for the account; whether nothing more is to be asked over it.
async fn heed(context: &JobContext, line: &Line, failure: &SendFailure) -> Result<bool, JobError> {
    let (services, account) = (&context.services, line.account().account());
    match failure.class {
        FailureClass::Account => {
            accounts::pause(services, line, &failure.to_string(), context.now()).await?;
            Ok(true)
        }
        FailureClass::RateLimited { after } => {
            let rest = after.unwrap_or(REST).max(REST);
            let told = async {
                services.rate_limiter.slow_down(account).await?;
                services.rate_limiter.pause_account(account, rest, "the provider asked for less at a time").await
            };
            if let Err(error) = told.await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the account's limits could not be changed");
            }
            Ok(true)
        }
        _ => {
            tracing::warn!(account, %failure, "the provider could not be asked");
            Ok(false)
        }
    }
}
