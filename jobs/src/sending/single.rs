//! One message of no campaign: asked for, and sent by a job of its own.
//!
//! The row and its job are written in one transaction, so that neither is without the other.

use super::{
    flow::{End, Flow},
    work,
};
use crate::{
    Decision, JobContext, JobError, NewJob, Priority, Queue,
    campaigns::job,
    kinds::{apply_provider_events::ApplyProviderEvents, send_message::SendMessage},
    queue::{dispatch::Enqueued, ledger},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{ids::MessageId, local_day::local_day, messaging::MessageStatus};
use schema::{
    AsyncPgConnection, DbError,
    messages::{self, NewSingle},
    template_versions,
};

/// Simulated events begin about so long after a message was accepted.
const FIRST_EVENTS: TimeDelta = TimeDelta::milliseconds(500);
/// A message that could not be marked, though it is due, is somebody's for this moment.
const LOCKED: TimeDelta = TimeDelta::seconds(1);

/// Writes a message with the job that sends it, in the caller's transaction.
pub async fn ask(
    connection: &mut AsyncPgConnection,
    new: &NewSingle,
    now: DateTime<Utc>,
) -> Result<(MessageId, Enqueued), DbError> {
    let (ids, enqueued) = write(connection, std::slice::from_ref(new), now).await?;
    let both = ids.first().copied().zip(enqueued.into_iter().next());
    both.ok_or(DbError::Query(schema::QueryError::NotFound))
}

/// Writes messages with the jobs that send them, in the caller's transaction.
pub async fn ask_all(
    connection: &mut AsyncPgConnection,
    new: &[NewSingle],
    now: DateTime<Utc>,
) -> Result<Vec<Enqueued>, DbError> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    Ok(write(connection, new, now).await?.1)
}

async fn write(
    connection: &mut AsyncPgConnection,
    new: &[NewSingle],
    now: DateTime<Utc>,
) -> Result<(Vec<MessageId>, Vec<Enqueued>), DbError> {
    let ids: Vec<MessageId> =
        messages::insert_singles(connection, new, now).await?.into_iter().map(MessageId).collect();
    let jobs = ids.iter().zip(new).map(|(message, new)| {
        let job: NewJob = job(&SendMessage { message: *message })?.on(Queue::of(new.channel)).priority(Priority::High);
        let job = job.created_by(new.created_by);
        Ok(if new.due_at > now { job.at(new.due_at) } else { job })
    });
    let jobs: Vec<NewJob> = jobs.collect::<Result<_, DbError>>()?;
    let enqueued = ledger::enqueue(connection, now, &jobs).await?;
    Ok((ids, enqueued))
}

/// Sends it, if it still is to be sent.
pub async fn run(this: SendMessage, context: &JobContext) -> Result<Decision, JobError> {
    let (services, id) = (&context.services, this.message.0);
    let mut connection = services.db.get().await?;
    let Some(single) = messages::single(&mut connection, id, context.id, context.now()).await? else {
        return Err(JobError::discard("there is no such message"));
    };
    if single.status != MessageStatus::Pending {
        return Ok(Decision::done());
    }
    if single.due_at > context.now() {
        return Ok(Decision::Snooze { until: single.due_at, reason: "not before its time".to_owned() });
    }
    let versions = template_versions::of_message(&mut connection, id).await?;
    let day = (local_day(context.now(), None), context.now());
    let work = work::prepare(services, &mut connection, (single.channel, None), versions, day).await?;
    drop(connection);
    let (end, tally) = Flow::new(context, &work, vec![id]).run().await?;
    if tally.foretold > 0 {
        context.then(job(&ApplyProviderEvents {})?.at(context.now() + FIRST_EVENTS));
    }
    if let End::Wait(until, reason) = end {
        return Ok(Decision::Snooze { until, reason });
    }
    let mut connection = services.db.get().await?;
    match messages::single(&mut connection, id, context.id, context.now()).await? {
        // put off, or to be tried again: the row says when
        Some(single) if single.status == MessageStatus::Pending => {
            let until = single.due_at.max(context.now() + LOCKED);
            Ok(Decision::Snooze { until, reason: "it waits for its time".to_owned() })
        }
        _ => Ok(Decision::done_with(&tally)),
    }
}
