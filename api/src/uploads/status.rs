//! `GET /api/upload/status/{id}`: how far an upload is, and what was found in its file.

use super::{find, sees_in_clear, view::UploadSummary};
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::ApiResult,
    request::{Id, Page, Pagination},
    state::SharedState,
    tags::Tag,
};
use domain::{ids::UploadId, masking};
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
};
use schema::uploads::findings::{self, ActionCount, Fault, PreviewRow};
use serde_json::Value;

/// How an upload stands.
pub struct StatusApi;

/// How far reading has come.
#[derive(Object)]
struct UploadProgress {
    /// Rows done.
    done: i32,
    /// Rows in all, once they are counted.
    total: Option<i32>,
}

/// A fault of a row.
#[derive(Object)]
struct RowError {
    /// As the sheet shows it, from 1.
    row: i32,
    /// The header of the column at fault; absent if it is the row.
    column: Option<String>,
    /// What stands there; absent for those who may not see personal data in clear, unless the file is theirs.
    value: Option<String>,
    /// Stable, for programs.
    code: String,
    /// What is wrong and how to put it right.
    message: String,
}

impl RowError {
    fn new(fault: Fault, in_clear: bool) -> Self {
        let Fault { row_number, column_name, value, code, message } = fault;
        Self { row: row_number, column: column_name, value: value.filter(|_| in_clear), code, message }
    }
}

/// What a row would do.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct PlannedRow {
    /// As the sheet shows it, from 1.
    row: i32,
    /// Its policy.
    policy_number: String,
    /// `create`, `update`, `renew` or `unchanged`.
    action: String,
    /// Field by field: what it is, and what it would be; contact data masked.
    changes: Value,
}

impl From<PreviewRow> for PlannedRow {
    fn from(row: PreviewRow) -> Self {
        let PreviewRow { row_number, policy_number, action, changes } = row;
        Self { row: row_number, policy_number, action, changes: masked(changes) }
    }
}

/// What was known of a customer shows masked, and so does what would be.
fn masked(mut changes: Value) -> Value {
    for (field, change) in changes.as_object_mut().into_iter().flatten() {
        for value in change.as_object_mut().into_iter().flat_map(|change| change.values_mut()) {
            *value = masking::field(field, value);
        }
    }
    changes
}

/// What an upload that was only tried would do.
#[derive(Object)]
struct DryRunReport {
    /// Rows whose policy is new.
    create: i64,
    /// Rows that would change their policy.
    update: i64,
    /// Rows that would give their policy a new term.
    renew: i64,
    /// Rows that say what is known.
    unchanged: i64,
    /// Rows that would be refused.
    refused: i32,
    /// Row by row; a page of them.
    rows: Vec<PlannedRow>,
    /// Where in `rows` this is.
    pagination: Pagination,
}

/// An upload, its figures and its faults.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct UploadState {
    #[oai(flatten)]
    upload: UploadSummary,
    /// How far reading has come.
    progress: UploadProgress,
    /// Faults by row; a page of them.
    errors: Vec<RowError>,
    /// Where in `errors` this is.
    errors_pagination: Pagination,
    /// Of an upload that is only tried.
    dry_run_report: Option<DryRunReport>,
}

#[OpenApi(prefix_path = "/api/upload", tag = "Tag::Uploads")]
impl StatusApi {
    /// Get an upload
    ///
    /// `page` and `limit` choose among its faults and, for a dry run, its rows.
    #[oai(path = "/status/:id", method = "get")]
    async fn status(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UploadsView>,
        id: Path<Id<UploadId>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<UploadState>> {
        let page = Page::read(page.0, limit.0)?;
        let row = find(&state, caller.reach, id.0.0).await?;
        let upload = UploadSummary::new(&row, state.services.clock.now())?;
        let mut connection = state.services.db.get().await?;
        let (errors, counted) = findings::faults(&mut connection, &row, page.part()).await?;
        let dry_run_report = match row.dry_run {
            false => None,
            true => {
                let actions = findings::actions(&mut connection, &row).await?;
                let (rows, counted) = findings::previews(&mut connection, &row, None, page.part()).await?;
                Some(report(&actions, row.failed_records, rows, page.of(counted)))
            }
        };
        ok(UploadState {
            upload,
            progress: UploadProgress { done: row.processed_records, total: row.total_records },
            errors: errors.into_iter().map(|fault| RowError::new(fault, sees_in_clear(&caller, &row))).collect(),
            errors_pagination: page.of(counted),
            dry_run_report,
        })
    }
}

fn report(actions: &[ActionCount], refused: i32, rows: Vec<PreviewRow>, pagination: Pagination) -> DryRunReport {
    let count = |name: &str| actions.iter().find(|action| action.action == name).map_or(0, |action| action.count);
    DryRunReport {
        create: count("create"),
        update: count("update"),
        renew: count("renew"),
        unchanged: count("unchanged"),
        refused,
        rows: rows.into_iter().map(PlannedRow::from).collect(),
        pagination,
    }
}
