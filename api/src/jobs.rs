//! Jobs: `/api/jobs`. Whoever may not manage queues sees, cancels and retries only the jobs they asked for.
//!
//! The ledger decides what may be cancelled or retried; what it refuses is answered 409.

use crate::{
    auth::{Guard, Principal, permit},
    edge::limits::{LONGEST_WAIT, for_waiting},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, Name, Page, Pagination, named_set},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Datelike, Utc};
use domain::{ids::UserId, permissions::Permission};
use jobs::{
    Priority, Queue,
    process::config::parse_duration,
    queue::admin::{self, Cancelled, JobFilter, JobRow, JobState, Retried},
};
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
};
use std::time::Duration;
use uuid::Uuid;

named_set!(Queue: ALL, name);
named_set!(JobState: ALL, name);
named_set!(Priority: ALL, name);

/// Jobs.
pub struct JobsApi;

/// How far a job has come.
#[derive(Object)]
struct Progress {
    /// Units done.
    done: i64,
    /// Units in all, once known.
    total: Option<i64>,
    /// What it is busy with, or why it was put off.
    note: Option<String>,
}

/// A piece of work.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Job {
    /// Its id.
    id: Uuid,
    /// What it does.
    kind: String,
    /// Which workers do it.
    queue: String,
    /// How urgent it is.
    priority: Name<Priority>,
    /// Where it stands.
    state: Name<JobState>,
    /// Not before; absent when it waits for another job.
    run_at: Option<DateTime<Utc>>,
    /// Attempts begun.
    attempt: i32,
    /// Attempts before it is given up.
    max_attempts: i32,
    /// How often it was put off.
    snoozes: i32,
    /// How far it has come.
    progress: Progress,
    /// What it is about.
    payload: serde_json::Value,
    /// What it achieved.
    result: Option<serde_json::Value>,
    /// What last went wrong.
    error: Option<String>,
    /// Whether it is to be stopped.
    cancel_requested: bool,
    /// Whose child it is.
    parent_id: Option<Uuid>,
    /// Which job's children it waits for, or waited.
    waits_for: Option<Uuid>,
    /// Children not yet done.
    children_left: i32,
    /// Who asked for it.
    created_by: Option<Id<UserId>>,
    /// Who does it, or last did.
    worker: Option<String>,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// When its last attempt began.
    started_at: Option<DateTime<Utc>>,
    /// When it ended.
    finished_at: Option<DateTime<Utc>>,
}

/// The year in which the ledger has continuations run until their parent is done.
const NEVER: i32 = 9999;

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            queue: row.queue,
            priority: Name(Priority::from_level(row.priority)),
            state: Name(row.state),
            run_at: Some(row.run_at).filter(|at| at.year() < NEVER),
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            snoozes: row.snoozes,
            progress: Progress { done: row.progress_done, total: row.progress_total, note: row.progress_note },
            payload: row.payload,
            result: row.result,
            error: row.error,
            cancel_requested: row.cancel_requested,
            parent_id: row.parent_id,
            waits_for: row.waits_for,
            children_left: row.children_left,
            created_by: row.created_by.map(|user| Id(UserId(user))),
            worker: row.worker,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        }
    }
}

/// A part of the list.
#[derive(Object)]
struct JobList {
    /// Newest first.
    jobs: Vec<Job>,
    /// Where in the list this is.
    pagination: Pagination,
}

#[OpenApi(prefix_path = "/api/jobs", tag = "Tag::Jobs")]
impl JobsApi {
    /// List jobs
    ///
    /// Pages past the 10,000th job are empty: filter, or go on with `before`.
    #[oai(path = "/", method = "get")]
    #[expect(clippy::too_many_arguments, reason = "one a filter")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::JobsView>,
        /// Of this kind only.
        #[oai(validator(max_length = 64))]
        kind: Query<Option<String>>,
        /// In this queue only.
        queue: Query<Option<Name<Queue>>>,
        /// In this state only.
        #[oai(name = "state")]
        in_state: Query<Option<Name<JobState>>>,
        /// Children of this job only.
        parent: Query<Option<Uuid>>,
        /// Asked for by this user only.
        #[oai(name = "createdBy")]
        created_by: Query<Option<Id<UserId>>>,
        /// Older than this job: the last of the page before.
        before: Query<Option<Uuid>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<JobList>> {
        let page = Page::read(page.0, limit.0)?;
        let created_by = whose(&caller, created_by.0.map(|user| user.0))?;
        let filter = JobFilter {
            kind: kind.0,
            queue: queue.0.map(|queue| queue.0.name().to_owned()),
            state: in_state.0.map(|state| state.0),
            parent: parent.0,
            created_by: created_by.map(|user| user.0),
            before: before.0,
        };
        let found = admin::page(&state.services, &filter, page.number(), page.size()).await?;
        let jobs = found.jobs.into_iter().map(Job::from).collect();
        ok(JobList { jobs, pagination: page.counted(found.total.count, found.total.at_least) })
    }

    /// Get a job
    #[oai(path = "/:id", method = "get", transform = "for_waiting")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::JobsView>,
        id: Path<Uuid>,
        /// Answer when the job has ended, or after this long: `20s`, up to `60s`.
        wait: Query<Option<String>>,
    ) -> ApiResult<Reply<Job>> {
        let wait = wait.0.as_deref().map(read_wait).transpose()?;
        let job = find(&state, &caller, id.0).await?;
        let Some(wait) = wait.filter(|_| !job.state.is_terminal()) else { return ok(job.into()) };
        let ended = tokio::select! {
            ended = admin::wait(&state.services, id.0, wait) => ended?,
            // the process stops; the caller asks again, and another answers
            () = state.stopping.cancelled() => None,
        };
        ok(ended.unwrap_or(job).into())
    }

    /// Cancel a job
    ///
    /// One that waits is cancelled at once; one that runs is asked to stop, which it does within seconds. 409
    /// `job_already_ended` if it has ended.
    #[oai(path = "/:id/cancel", method = "post")]
    async fn cancel(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::JobsView>,
        id: Path<Uuid>,
    ) -> ApiResult<Reply<Job>> {
        find(&state, &caller, id.0).await?;
        match admin::cancel(&state.services, id.0, &caller.actor()).await? {
            Cancelled::Now { .. } | Cancelled::Requested => ok(find(&state, &caller, id.0).await?.into()),
            Cancelled::TooLate(ended) => {
                Err(ApiError::conflict("job_already_ended", format!("the job has {} already", ended.name())))
            }
            Cancelled::Unknown => Err(unknown()),
        }
    }

    /// Retry a job
    ///
    /// One that was discarded or cancelled starts anew, with all its attempts. 409 `job_not_ended` if it lives or has
    /// succeeded, `job_replaced` if another does its work by now.
    #[oai(path = "/:id/retry", method = "post")]
    async fn retry(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::JobsView>,
        id: Path<Uuid>,
    ) -> ApiResult<Reply<Job>> {
        find(&state, &caller, id.0).await?;
        match admin::retry(&state.services, id.0, &caller.actor()).await? {
            Retried::Ready(_) | Retried::Waiting => ok(find(&state, &caller, id.0).await?.into()),
            Retried::NotEnded(current) => {
                let message =
                    format!("the job is {}; only discarded and cancelled ones can be retried", current.name());
                Err(ApiError::conflict("job_not_ended", message))
            }
            Retried::Replaced => Err(ApiError::conflict("job_replaced", "another job does the same work by now")),
            Retried::Unknown => Err(unknown()),
        }
    }
}

/// Whose jobs to list: everybody's for those who manage queues, one's own for others.
fn whose(caller: &Principal, asked: Option<UserId>) -> ApiResult<Option<UserId>> {
    let own = caller.user_id;
    match asked {
        _ if caller.may(Permission::QueuesManage) => Ok(asked),
        Some(other) if other != own => {
            Err(ApiError::forbidden("permission_denied", "only your own jobs can be listed without queues.manage"))
        }
        _ => Ok(Some(own)),
    }
}

/// A job this person may know of.
async fn find(state: &SharedState, caller: &Principal, id: Uuid) -> ApiResult<JobRow> {
    let job = admin::get(&state.services, id).await?.ok_or_else(unknown)?;
    let is_own = job.created_by == Some(caller.user_id.0);
    if is_own || caller.may(Permission::QueuesManage) { Ok(job) } else { Err(unknown()) }
}

fn unknown() -> ApiError {
    ApiError::not_found("job")
}

fn read_wait(text: &str) -> ApiResult<Duration> {
    let expected = || ApiError::invalid("wait", format!("expected a duration up to {}s", LONGEST_WAIT.as_secs()));
    parse_duration(text).filter(|wait| *wait <= LONGEST_WAIT).ok_or_else(expected)
}
