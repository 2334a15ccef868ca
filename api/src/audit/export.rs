//! `POST /api/audit/export`: the log as a workbook, written by a job, kept for a week.

use super::filter::Wanted;
use crate::{
    auth::{Confirmed, Guard, permit},
    envelope::{Accepted, accepted},
    error::{ApiError, ApiResult},
    request::JsonBody,
    state::SharedState,
    tags::Tag,
    uploads::{content, file_reply::FileReply},
};
use jobs::{
    Job, NewJob,
    audit::export,
    kinds::export_audit::ExportAudit,
    queue::{
        admin::{self, JobState},
        ledger,
    },
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use schema::{
    AsyncConnection, DbError,
    audit::{self, Entity},
};
use uuid::Uuid;

/// Exports of the audit log.
pub struct AuditExportApi;

/// A workbook that is being written.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct AuditExport {
    /// Writes it.
    job_id: Uuid,
    /// Where it is to be had when the job is done, by whoever asked for it.
    download_url: String,
}

#[OpenApi(prefix_path = "/api/audit", tag = "Tag::Audit")]
impl AuditExportApi {
    /// Export what was done
    ///
    /// What was done until now, as a workbook. Takes a recent proof of presence.
    #[oai(path = "/export", method = "post")]
    async fn export(
        &self,
        state: Data<&SharedState>,
        caller: Confirmed<permit::AuditExport>,
        body: JsonBody<Wanted>,
    ) -> ApiResult<Accepted<AuditExport>> {
        let mut filter = body.0.checked()?;
        let now = state.services.clock.now();
        // pages of a list that still grows would not end
        filter.to = Some(filter.to.map_or(now, |to| to.min(now)));
        let after = serde_json::to_value(&filter).map_err(ApiError::internal)?;
        let job = NewJob::of(&ExportAudit::new(filter, caller.reach)).map_err(ApiError::internal)?;
        let job = job.created_by(Some(caller.user_id.0));
        let id = job.id;
        let mut connection = state.services.db.get().await?;
        let enqueued = connection
            .transaction::<_, DbError, _>(async |connection| {
                let enqueued = ledger::enqueue(connection, now, &[job]).await?;
                audit::record(connection, &[caller.entry("audit.exported", Entity::job(id)).after(after)]).await?;
                Ok(enqueued)
            })
            .await?;
        drop(connection);
        state.services.dispatcher.push(&enqueued).await;
        accepted(AuditExport { job_id: id, download_url: format!("/api/audit/exports/{id}/file") })
    }

    /// Download an export
    ///
    /// By whoever asked for it. 409 `export_not_ready` while it is being written, 404 `file_missing` after a week.
    #[oai(path = "/exports/:id/file", method = "get")]
    async fn file(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::AuditExport>,
        id: Path<Uuid>,
    ) -> ApiResult<FileReply> {
        let job = admin::get(&state.services, id.0).await?;
        let own = job.filter(|job| job.kind == ExportAudit::KIND && job.created_by == Some(caller.user_id.0));
        let job = own.ok_or_else(|| ApiError::not_found("export"))?;
        match job.state {
            JobState::Succeeded => {
                let name = format!("audit-log-{}.xlsx", job.created_at.format("%Y-%m-%d"));
                FileReply::stored(&state, &export::key(id.0), &name, content::XLSX).await
            }
            JobState::Discarded | JobState::Cancelled => {
                Err(ApiError::conflict("export_failed", "the export was given up; ask for it anew"))
            }
            _ => {
                Err(ApiError::conflict("export_not_ready", "the export is being written; its job tells how far it is"))
            }
        }
    }
}
