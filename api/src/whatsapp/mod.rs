//! What a WhatsApp business account has besides numbers: `/api/whatsapp/templates` and `/api/whatsapp/flows`.

mod flows;
mod templates;

use crate::{
    envelope::{Accepted, accepted},
    error::{ApiError, ApiResult},
    state::SharedState,
};
use jobs::{Job, NewJob, queue::dispatch::Enqueued, queue::ledger};
use poem_openapi::{Object, OpenApi};
use schema::AsyncPgConnection;
use uuid::Uuid;

/// Both resources.
pub fn api() -> impl OpenApi + 'static {
    (templates::WhatsappTemplatesApi, flows::WhatsappFlowsApi)
}

/// Work that was asked for.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct WhatsappJob {
    /// `GET /api/jobs/{jobId}` tells how it ends.
    job_id: Uuid,
}

/// Enqueues a job in the caller's name and transaction. One that is under way already is told instead.
async fn enqueue<J: Job>(
    connection: &mut AsyncPgConnection,
    state: &SharedState,
    job: &J,
    by: i64,
) -> ApiResult<(Uuid, Vec<Enqueued>)> {
    let new = NewJob::of(job).map_err(ApiError::internal)?.created_by(Some(by));
    let id = new.id;
    let enqueued = ledger::enqueue(connection, state.services.clock.now(), &[new]).await?;
    let told = enqueued.first().map_or(id, |enqueued| enqueued.id);
    Ok((told, enqueued))
}

/// Says so of work whose job is committed, and wakes a worker.
async fn begun(state: &SharedState, job_id: Uuid, enqueued: &[Enqueued]) -> ApiResult<Accepted<WhatsappJob>> {
    state.services.dispatcher.push(enqueued).await;
    accepted(WhatsappJob { job_id })
}

/// Refuses what would never reach the provider: messages go there, but nobody said to which account templates belong.
fn demand_account(state: &SharedState) -> ApiResult<()> {
    let accounts = &state.config.services.channels.whatsapp;
    if !accounts.is_empty() && state.services.whatsapp_manager.is_none() {
        let message = "the business account is not known here: WHATSAPP_BUSINESS_ACCOUNT_ID is not set";
        return Err(ApiError::conflict("business_account_missing", message));
    }
    Ok(())
}
