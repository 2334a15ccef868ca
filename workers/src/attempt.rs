//! One attempt: run the job, and record what came of it.
//!
//! A panic is a failed attempt, and so is a run that takes longer than its policy allows. A run that is told to stop has
//! a few seconds to do so by itself before it is dropped.

use crate::engine::{Engine, GRACE};
use crate::outcome::{self, Ending};
use crate::running::{Reason, Run};
use futures_util::FutureExt;
use jobs::queue::context::Successors;
use jobs::queue::ledger;
use jobs::{Decision, JobContext, JobError};
use schema::ledger::claim::Claimed;
use schema::ledger::finish::Finish;
use schema::ledger::heartbeat::Progress;
use std::panic::AssertUnwindSafe;
use tracing::Instrument;

/// Runs and records a leased job.
pub async fn run(engine: &Engine, claimed: Claimed) {
    let run = Run::new(claimed.id, claimed.lease_token);
    let _entered = engine.running.enter(run.clone());
    let span = tracing::info_span!("job", id = %claimed.id, kind = claimed.kind, attempt = claimed.attempt);
    let successors = Successors::default();
    let ending = attempt(engine, &claimed, &run, &successors).instrument(span.clone()).await;
    let reason = run.reason();
    if reason == Some(Reason::LeaseLost) {
        span.in_scope(|| tracing::warn!("the lease was lost: what the run did is not recorded"));
        return;
    }
    let policy = engine.registry.find(&claimed.kind).map(|kind| kind.policy).unwrap_or_default();
    let outcome = outcome::of(ending, reason, &claimed, &policy, engine.services.clock.now());
    span.in_scope(|| outcome::log(&outcome));
    let progress = run.progress.take().map(|progress| Progress {
        done: progress.done,
        total: progress.total,
        note: progress.note.map(|note| note.chars().take(200).collect()),
    });
    engine
        .finisher
        .finish(Finish {
            id: claimed.id,
            attempt: claimed.attempt,
            lease_token: claimed.lease_token,
            parent_id: claimed.parent_id,
            outcome,
            progress,
            next: ledger::rows(engine.services.clock.now(), &successors.take()),
        })
        .await;
}

async fn attempt(engine: &Engine, claimed: &Claimed, run: &Run, successors: &Successors) -> Ending {
    let Some(kind) = engine.registry.find(&claimed.kind) else { return Ending::UnknownKind };
    let context = JobContext {
        services: engine.services.clone(),
        id: claimed.id,
        attempt: claimed.attempt,
        max_attempts: claimed.max_attempts,
        created_by: claimed.created_by,
        stopping: run.stopping.clone(),
        progress: run.progress.clone(),
        successors: successors.clone(),
    };
    let payload = claimed.payload.clone();
    // the call itself is inside too: a job may panic before its first await
    let work = AssertUnwindSafe(async move { kind.run(payload, context).await }).catch_unwind();
    tokio::pin!(work);
    tokio::select! {
        ended = &mut work => ended_as(ended),
        () = run.stopping.cancelled() => match tokio::time::timeout(GRACE, &mut work).await {
            Ok(ended) => ended_as(ended),
            Err(_) => Ending::Dropped,
        },
        () = tokio::time::sleep(kind.policy.timeout) => Ending::TimedOut,
    }
}

fn ended_as(ended: Result<Result<Decision, JobError>, Box<dyn std::any::Any + Send>>) -> Ending {
    match ended {
        Ok(Ok(decision)) => Ending::Decided(decision),
        Ok(Err(error)) => Ending::Failed(error),
        Err(panic) => {
            let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            Ending::Panicked(message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default())
        }
    }
}
