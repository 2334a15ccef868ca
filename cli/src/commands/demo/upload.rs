//! The upload: the file over HTTP, the job that reads it, and what was wrong with it.

use super::{
    api::{Api, field},
    say,
};
use crate::output::{self, Form};
use anyhow::{Context, bail};
use reqwest::multipart;
use serde_json::{Value, json};
use std::path::Path;

/// Row errors shown.
const SAMPLE: usize = 8;

/// An upload that has been read.
pub struct Uploaded {
    /// Such as `upload-1`.
    pub id: String,
    /// What the API says of it.
    pub report: Value,
}

pub async fn run(api: &Api, path: &Path, form: Form) -> anyhow::Result<Uploaded> {
    let name = path.file_name().map_or_else(|| "policies.xlsx".to_owned(), |name| name.to_string_lossy().into_owned());
    let content = tokio::fs::read(path).await.with_context(|| format!("reading {}", path.display()))?;
    let file = multipart::Part::bytes(content)
        .file_name(name)
        .mime_str("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")?;
    let metadata = json!({"description": "Demo"}).to_string();
    let accepted = api
        .post_form("/api/upload/file", multipart::Form::new().text("metadata", metadata).part("file", file))
        .await
        .context("uploading")?;
    let (id, job): (String, String) = (field(&accepted, "uploadId")?, field(&accepted, "jobId")?);
    say(form, &format!("Uploaded as {id}; job {job} is reading it."));
    wait(api, &job, form).await?;
    let report = api.get(&format!("/api/upload/status/{id}")).await?;
    print(&report, form);
    Ok(Uploaded { id, report })
}

/// Waits for a job's end, and tells how far it is.
async fn wait(api: &Api, job: &str, form: Form) -> anyhow::Result<()> {
    loop {
        let found = api.get(&format!("/api/jobs/{job}?wait=2s")).await?;
        let state: String = field(&found, "state")?;
        match state.as_str() {
            "succeeded" => return Ok(()),
            "discarded" | "cancelled" => {
                bail!("the job is {state}: {}", found["error"].as_str().unwrap_or("no reason"))
            }
            _ => {
                let progress = &found["progress"];
                if let (Some(done), Some(total)) = (progress["done"].as_i64(), progress["total"].as_i64()) {
                    say(form, &format!("  {done} of {total} rows"));
                }
            }
        }
    }
}

fn print(report: &Value, form: Form) {
    let number = |name: &str| report[name].as_i64().unwrap_or_default();
    say(
        form,
        &format!(
            "Read {} rows: {} good ones became customers, policies and cases, {} were refused.",
            number("totalRecords"),
            number("successfulRecords"),
            number("failedRecords")
        ),
    );
    let errors = report["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows: Vec<_> = errors
        .iter()
        .take(SAMPLE)
        .map(|error| [text(&error["row"]), text(&error["column"]), text(&error["value"]), text(&error["message"])])
        .collect();
    if !rows.is_empty() {
        say(form, &format!("\n{}\n", output::table(["ROW", "COLUMN", "VALUE", "WHAT IS WRONG"], &rows)));
    }
}
