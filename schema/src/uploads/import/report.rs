//! What the uploader gets to read: faults of rows, and what a dry run would have done.

use super::{
    ImportRun,
    copy::{Copy, Rows},
};
use crate::DbError;
use deadpool_postgres::Transaction;
use domain::book::Preview;
use domain::upload::RowFault;
use serde_json::{Map, Value, json};

/// Rows whose faults are recorded; further ones are only counted.
pub const RECORDED_ROWS: i32 = 10_000;

/// Records the faults, given by row, of as many rows as there is room for.
pub(super) async fn faults(
    transaction: &Transaction<'_>,
    run: &ImportRun<'_>,
    faults: &[&RowFault],
    room: i32,
) -> Result<(), DbError> {
    if faults.is_empty() || room <= 0 {
        return Ok(());
    }
    let target = "upload_row_errors (upload_id, row_number, column_name, value, code, message)";
    let mut copy = Copy::into(transaction, target, 6).await?;
    let (mut rows, mut last) = (0, None);
    for fault in faults {
        if last != Some(fault.row) {
            last = Some(fault.row);
            rows += 1;
            if rows > room {
                break;
            }
        }
        let row = copy.row().await?;
        row.bigint(run.upload);
        row.int(i32::try_from(fault.row).unwrap_or(i32::MAX));
        row.some(fault.header.as_deref(), Rows::text);
        row.some(fault.value.as_deref(), Rows::text);
        row.text(fault.code.as_str());
        row.text(&fault.message);
    }
    copy.finish().await.map(drop)
}

/// Records what each row would do.
pub(super) async fn previews(
    transaction: &Transaction<'_>,
    run: &ImportRun<'_>,
    previews: &[Preview],
) -> Result<(), DbError> {
    if previews.is_empty() {
        return Ok(());
    }
    let target = "upload_previews (upload_id, row_number, policy_number, action, changes)";
    let mut copy = Copy::into(transaction, target, 5).await?;
    for preview in previews {
        let changes: Map<String, Value> = preview
            .changes
            .iter()
            .map(|change| (change.field.to_owned(), json!({"from": change.from, "to": change.to})))
            .collect();
        let row = copy.row().await?;
        row.bigint(run.upload);
        row.int(preview.row);
        row.text(&preview.number);
        row.text(preview.action.as_str());
        row.json(Value::Object(changes).to_string().as_bytes());
    }
    copy.finish().await.map(drop)
}
