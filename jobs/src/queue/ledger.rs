//! Enqueueing as the rest of the platform does it: typed jobs, on the caller's connection, in the caller's transaction.

use super::dispatch::{Enqueued, FAST_PATH};
use super::job::{Priority, Queue};
use super::new_job::NewJob;
use chrono::{DateTime, Utc};
use schema::DbError;
use schema::ledger::JobState;
use schema::ledger::enqueue::{InsertJob, Inserted, insert};
use schema::ledger::waiting;
use std::collections::HashMap;

/// Writes jobs to the ledger and answers in their order. Commit, then hand the answer to
/// [`Dispatcher::push`](super::dispatch::Dispatcher::push).
///
/// A job whose unique key is alive is not written; the answer is the living job, which runs at once, or
/// once more when it is running, if this one [wakes](NewJob::waking) it. Of more than [`FAST_PATH`] jobs for
/// one queue, the rest is left to the relay, which feeds workers as they have room. A continuation
/// ([`NewJob::after_children_of`]) ignores `run_at`. A parent must be enqueued before its children, or with them.
pub async fn enqueue(
    connection: &mut schema::AsyncPgConnection,
    now: DateTime<Utc>,
    jobs: &[NewJob],
) -> Result<Vec<Enqueued>, DbError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let rows = rows(now, jobs);
    let inserted = insert(connection, &rows).await?;
    let answers = jobs.iter().zip(&rows).zip(inserted).map(|((job, row), inserted)| match inserted {
        Inserted::New => Enqueued {
            id: job.id,
            queue: job.queue,
            priority: job.priority,
            due: row.state == JobState::Available,
            existed: false,
        },
        Inserted::Exists { id, queue, priority, woken } => Enqueued {
            id,
            queue: Queue::from_name(&queue).unwrap_or(job.queue),
            priority: Priority::from_level(priority),
            due: woken,
            existed: true,
        },
    });
    Ok(answers.collect())
}

/// The jobs as rows to be.
pub fn rows(now: DateTime<Utc>, jobs: &[NewJob]) -> Vec<InsertJob> {
    let mut pushed: HashMap<Queue, usize> = HashMap::new();
    jobs.iter().map(|job| row(job, now, &mut pushed)).collect()
}

fn row(job: &NewJob, now: DateTime<Utc>, pushed: &mut HashMap<Queue, usize>) -> InsertJob {
    let run_at = match job.waits_for {
        Some(_) => waiting(),
        None => job.run_at.unwrap_or(now),
    };
    let mut state = JobState::Scheduled;
    if run_at <= now {
        let count = pushed.entry(job.queue).or_default();
        *count += 1;
        // a scheduled job that is due is the relay's at once; an available one is given time for its push
        if *count <= FAST_PATH {
            state = JobState::Available;
        }
    }
    InsertJob {
        id: job.id,
        kind: job.kind.to_owned(),
        queue: job.queue.name().to_owned(),
        priority: job.priority.level(),
        payload: job.payload.clone(),
        state,
        run_at,
        max_attempts: job.max_attempts,
        unique_key: job.unique_key.clone(),
        parent_id: job.parent,
        waits_for: job.waits_for,
        created_by: job.created_by,
        wakes: job.wakes,
    }
}
