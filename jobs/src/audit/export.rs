//! Writes entries of the audit log into a workbook, and keeps it in storage for a week.
//!
//! Entries are read in pages and written as they come, in bounded memory. Run again it writes the same file over the
//! first. Faults of storage, database and disk are tried again.

use crate::{
    Decision, JobContext, JobError, NewJob,
    kinds::{drop_export::DropExport, export_audit::ExportAudit},
    sheets::plain::PlainBook,
};
use chrono::{SecondsFormat, TimeDelta};
use rust_xlsxwriter::XlsxError;
use schema::audit::{self, AuditRow, Names};
use serde_json::{Value, json};
use std::path::PathBuf;
use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;

/// Entries read at once.
const PAGE: i64 = 1_000;
/// Pages that wait to be written.
const AHEAD: usize = 2;
/// No file is longer.
const LONGEST: u64 = 4 << 30;
/// How long a file is kept.
const KEPT: TimeDelta = TimeDelta::days(7);

const HEADINGS: &[(&str, f64)] = &[
    ("Entry", 14.0),
    ("Time (UTC)", 26.0),
    ("Person", 24.0),
    ("Person's id", 12.0),
    ("Key", 20.0),
    ("Action", 24.0),
    ("Kind", 14.0),
    ("Id", 38.0),
    ("Before", 40.0),
    ("After", 40.0),
    ("Address", 18.0),
    ("Program", 30.0),
    ("Request", 38.0),
];

/// Where the file of an export lies.
pub fn key(job: Uuid) -> String {
    format!("exports/audit-{job}.xlsx")
}

/// Writes the file.
pub async fn run(this: ExportAudit, context: &JobContext) -> Result<Decision, JobError> {
    let folder = tempfile::Builder::new().prefix("audit-").tempdir().map_err(JobError::retry)?;
    let target = folder.path().join("audit.xlsx");
    let (pages, writing) = writer(target.clone());
    let (mut after, mut written) = (None, 0);
    let reach = this.reach();
    loop {
        let (rows, names) = {
            let mut connection = context.services.db.get().await?;
            let rows = audit::newest_first(&mut connection, &this.filter, reach, after, PAGE).await?;
            let names = audit::names(&mut connection, &rows).await?;
            (rows, names)
        };
        let Some(last) = rows.last() else { break };
        after = Some(last.place());
        written += i64::try_from(rows.len()).unwrap_or(i64::MAX);
        context.report(written, None, None);
        let cells = rows.into_iter().map(|row| cells(row, &names)).collect();
        // a writer that has gone tells why below
        if pages.send(cells).await.is_err() || context.stopping.is_cancelled() {
            break;
        }
    }
    drop(pages);
    let rows = writing.await.map_err(JobError::retry)?.map_err(JobError::retry)?;
    if context.stopping.is_cancelled() {
        return Ok(Decision::Cancelled);
    }
    let key = key(context.id);
    context.services.storage.put_file(&key, &target, LONGEST).await.map_err(JobError::retry)?;
    let dropping = NewJob::of(&DropExport { export: context.id }).map_err(JobError::discard)?;
    context.then(dropping.at(context.now() + KEPT));
    Ok(Decision::done_with(&json!({"rows": rows})))
}

type Pages = mpsc::Sender<Vec<Vec<String>>>;

/// Writes pages as they come, on a thread that may block.
fn writer(target: PathBuf) -> (Pages, JoinHandle<Result<u64, XlsxError>>) {
    let (pages, mut coming) = mpsc::channel::<Vec<Vec<String>>>(AHEAD);
    let writing = tokio::task::spawn_blocking(move || {
        let mut book = PlainBook::new("Audit log", HEADINGS, &target)?;
        while let Some(page) = coming.blocking_recv() {
            page.iter().try_for_each(|row| book.row(row))?;
        }
        book.save(&target)
    });
    (pages, writing)
}

fn cells(row: AuditRow, names: &Names) -> Vec<String> {
    let json = |value: Option<Value>| value.map(|value| value.to_string()).unwrap_or_default();
    let name = |of: &std::collections::HashMap<i64, String>, id: Option<i64>| {
        id.and_then(|id| of.get(&id).cloned()).unwrap_or_default()
    };
    vec![
        format!("audit-{}", row.id),
        row.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        name(&names.users, row.actor_id),
        row.actor_id.map(|id| format!("user-{id}")).unwrap_or_default(),
        name(&names.keys, row.api_key_id),
        row.action,
        row.entity_type.clone(),
        row.entity_key.or_else(|| row.entity_id.map(|id| format!("{}-{id}", row.entity_type))).unwrap_or_default(),
        json(row.before),
        json(row.after),
        row.ip_address.map(|address| address.ip().to_string()).unwrap_or_default(),
        row.user_agent.unwrap_or_default(),
        row.request_id.unwrap_or_default(),
    ]
}
