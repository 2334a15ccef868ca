//! Ladders: policies are put on, led up step by step, and taken off.
//!
//! What is due is in the database; [`wake`] finds it and has it done, so nothing depends on a job that was lost. Fails
//! as the database does; what one attempt leaves, the next finds.

pub mod advance;
pub mod enrol;
pub mod forecast;
pub mod request;
pub mod texts;

use crate::{
    NewJob,
    campaigns::job,
    kinds::{advance_sequence::AdvanceSequence, enrol_sequence::EnrolSequence},
    services::Services,
};
use chrono::TimeDelta;
use schema::{DbError, sequences};
use std::collections::BTreeSet;

/// Ladders woken in one go.
const LIMIT: i64 = 100;
/// How often a ladder is looked at for newcomers, and for those whose way is over.
const LOOK_AGAIN: TimeDelta = TimeDelta::days(1);

/// Enqueues what ladders are due for; how many jobs are new.
pub async fn wake(services: &Services) -> Result<usize, DbError> {
    let now = services.clock.now();
    let mut connection = services.db.get().await?;
    let mut jobs: Vec<NewJob> = Vec::new();
    let mut moving: BTreeSet<i64> = sequences::due(&mut connection, now, LIMIT).await?.into_iter().collect();
    moving.extend(sequences::told(&mut connection, LIMIT).await?);
    for campaign in moving {
        jobs.push(job(&AdvanceSequence { campaign })?);
    }
    for campaign in sequences::unlooked(&mut connection, now - LOOK_AGAIN, LIMIT).await? {
        jobs.push(job(&EnrolSequence { campaign })?);
    }
    drop(connection);
    if jobs.is_empty() {
        return Ok(0);
    }
    let enqueued = services.enqueue_now(&jobs).await?;
    Ok(enqueued.iter().filter(|job| !job.existed).count())
}
