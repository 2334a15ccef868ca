//! Trying failed messages again: a first piece while somebody waits, the rest by a job.
//!
//! A piece is one transaction with the jobs that send it. What one attempt of the job leaves, the next finds: what is
//! pending again is no longer failed.

use super::{analytics::after_change, job, lanes};
use crate::{
    Decision, JobContext, JobError,
    kinds::retry_failed::RetryFailed,
    queue::{dispatch::Enqueued, ledger},
};
use chrono::{DateTime, Utc};
use domain::{ids::CampaignId, permissions::Reach};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    audit::{self, Actor, Entity},
    campaigns::{self, Again, Campaign, Failed},
};
use serde_json::json;
use uuid::Uuid;

/// Messages tried again in one transaction.
const PIECE: i64 = 5_000;

/// What was begun.
#[derive(Debug)]
pub struct Begun {
    /// Messages that are tried again, by this piece and those that follow.
    pub messages: i64,
    /// The job that goes on.
    pub rest: Option<Uuid>,
    /// What was enqueued, to be handed to the dispatcher.
    pub enqueued: Vec<Enqueued>,
}

impl RetryFailed {
    fn which(&self) -> Failed<'_> {
        Failed { campaign: self.campaign, codes: &self.codes, by: self.asked_at, after: self.after }
    }
}

/// Tries the first of them again, and has a job go on with the rest.
pub async fn begin(
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
    mut this: RetryFailed,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<Begun, DbError> {
    let messages = campaigns::count_failed(connection, &this.which()).await?;
    let begun = connection.transaction::<_, DbError, _>(async |connection| {
        let (again, mut enqueued) = piece(connection, campaign, &this, now).await?;
        let Some(last) = again.last else { return Ok(Begun { messages: 0, rest: None, enqueued }) };
        log(connection, campaign.id, (actor, &this.codes), &again, messages).await?;
        let mut rest = None;
        if messages > again.messages {
            this.after = last;
            let following =
                ledger::enqueue(connection, now, &[job(&this)?.created_by(actor.user.map(|user| user.0))]).await?;
            rest = following.first().map(|job| job.id);
            enqueued.extend(following);
        }
        Ok(Begun { messages: messages.max(again.messages), rest, enqueued })
    });
    begun.await
}

/// Goes on until none is left, or the campaign is stopped.
pub async fn run(mut this: RetryFailed, context: &JobContext) -> Result<Decision, JobError> {
    let mut tried = 0;
    loop {
        let mut connection = context.services.db.get().await?;
        let Some(campaign) = campaigns::find(&mut connection, Reach::All, this.campaign).await? else {
            return Err(JobError::discard("there is no such campaign"));
        };
        let now = context.now();
        let (again, enqueued) = connection
            .transaction::<_, DbError, _>(async |connection| {
                let (again, enqueued) = piece(connection, &campaign, &this, now).await?;
                if again.was != again.status {
                    // the first were through before these were due
                    log(connection, campaign.id, (&Actor::default(), &this.codes), &again, again.messages).await?;
                }
                Ok((again, enqueued))
            })
            .await?;
        drop(connection);
        context.services.dispatcher.push(&enqueued).await;
        tried += again.messages;
        context.report(tried, None, None);
        match again.last {
            Some(last) => this.after = last,
            None => return Ok(Decision::done_with(&json!({"messages": tried}))),
        }
        if context.stopping.is_cancelled() {
            return Ok(Decision::Snooze { until: now, reason: "the worker stops".to_owned() });
        }
    }
}

async fn piece(
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
    this: &RetryFailed,
    now: DateTime<Utc>,
) -> Result<(Again, Vec<Enqueued>), DbError> {
    let again = campaigns::retry_failed(connection, &this.which(), PIECE, now).await?;
    if again.last.is_none() {
        return Ok((again, Vec::new()));
    }
    let mut jobs = lanes::jobs(connection, campaign).await?;
    jobs.push(after_change(campaign.id)?);
    let enqueued = ledger::enqueue(connection, now, &jobs).await?;
    Ok((again, enqueued))
}

async fn log(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    (actor, codes): (&Actor, &[String]),
    again: &Again,
    messages: i64,
) -> Result<(), DbError> {
    let entry = actor.entry("campaign.retried", Entity::of(CampaignId(campaign)));
    let after = json!({"status": again.status, "messages": messages, "codes": codes});
    audit::record(connection, &[entry.before(json!({"status": again.was})).after(after)]).await
}
