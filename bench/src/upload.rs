//! An upload over HTTP, from the first byte to the last case: a worker and an API as processes of their own, against a
//! raw COPY of the same rows into the same tables, and how much memory the processes took.

use crate::book;
use crate::copy;
use crate::ground::Ground;
use crate::report::{Report, per_second, percent, thousands};
use anyhow::ensure;
use chrono::NaiveDate;
use std::path::Path;
use std::time::{Duration, Instant};
use tests::fleet::{Fleet, Plan, Program};
use tests::meta::Behaviour;
use tests::wait::until_some;

const MIB: f64 = 1024.0 * 1024.0;

/// Measures both kinds of files.
pub async fn run(csv_rows: usize, xlsx_rows: usize, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let today = jobs::Clock::default().now().date_naive();
    let csv = folder.path().join("book.csv");
    book::write_csv(&csv, csv_rows, today)?;
    measure(&csv, "CSV", csv_rows, today, report).await?;
    let xlsx = folder.path().join("book.xlsx");
    book::write_xlsx(&xlsx, xlsx_rows, today)?;
    measure(&xlsx, "xlsx", xlsx_rows, today, report).await
}

async fn measure(path: &Path, kind: &str, rows: usize, today: NaiveDate, report: &mut Report) -> anyhow::Result<()> {
    let raw = {
        let ground = Ground::new().await?;
        copy::raw(&ground.connect().await?, rows, today).await?
    };
    let plan = Plan {
        servers: local::Options::for_run(),
        behaviour: Behaviour::default(),
        workers: 1,
        queues: &["uploads=1"],
        rate: 80,
        more: Vec::new(),
    };
    let fleet = Fleet::with(plan).await;
    let begun = Instant::now();
    let upload = fleet.upload(path).await["uploadId"].as_str().unwrap_or_default().to_owned();
    let received = begun.elapsed();
    let status = until_some("the upload ends", Duration::from_secs(1_200), || async {
        let status = fleet.get(&format!("/api/upload/status/{upload}")).await?;
        ["completed", "failed", "cancelled"].contains(&status["status"].as_str()?).then_some(status)
    })
    .await;
    let taken = begun.elapsed();
    ensure!(status["successfulRecords"] == rows, "not every row went in: {status}");
    let memory = |program| fleet.peak_memory(program).map_or(0.0, |bytes| bytes as f64 / MIB);
    let (ours, limit) = (per_second(rows, taken.as_secs_f64()), per_second(rows, raw.as_secs_f64()));
    report.add(
        format!("upload of {} {kind} rows, over HTTP to the last case", thousands(rows as f64)),
        format!("{} rows/s", thousands(ours)),
        format!("{} of a raw COPY ({} rows/s)", percent(ours, limit), thousands(limit)),
    );
    report.add(
        format!("the same: memory at its peak, worker and API ({:.1} s to receive)", received.as_secs_f64()),
        format!("{:.0} MiB and {:.0} MiB", memory(Program::Worker(0)), memory(Program::Api)),
        "target: up to 200 MB",
    );
    Ok(())
}
