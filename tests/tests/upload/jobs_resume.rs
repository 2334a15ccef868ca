//! An import that is cut short goes on from its checkpoint, and no row is doubled.

use super::jobs_ground::{Ask, Ground, Line, SOON, csv};
use chrono::Utc;
use domain::ids::UploadId;
use domain::permissions::Reach;
use domain::upload::Layout;
use jobs::uploads::CHUNK_ROWS;
use schema::uploads::import::{Chunk, ImportError, ImportRun, write_chunk};
use schema::uploads::processing;
use std::time::Duration;
use tests::wait::until;
use workers::WorkerConfig;

/// Policies of two chunks; every hundredth row is refused.
fn long(ground: &Ground) -> (Vec<u8>, i64, i64) {
    let rows = u32::try_from(CHUNK_ROWS).unwrap() + 500;
    let line = |n: u32| match Line::new(n, ground.in_days(20)) {
        line if n.is_multiple_of(100) => line.premium("0"),
        line => line,
    };
    let lines: Vec<Line> = (0..rows).map(line).collect();
    let bad = i64::from(rows / 100);
    (csv(&lines), i64::from(rows) - bad, bad)
}

async fn assert_whole(ground: &Ground, upload: UploadId, good: i64, bad: i64) {
    let upload = ground.upload(upload).await;
    assert_eq!(upload.status, "completed", "{:?} {:?}", upload.error_details, upload.job_error);
    assert_eq!((i64::from(upload.successful_records), i64::from(upload.failed_records)), (good, bad));
    assert_eq!(i64::from(upload.created_records), good);
    assert_eq!(ground.book().await, (good, good, good));
    assert_eq!(ground.count("SELECT count(*) FROM upload_row_errors", &[]).await, bad);
}

async fn checkpoint(ground: &Ground) -> i64 {
    ground.count("SELECT coalesce(max(checkpoint_row), 0)::bigint FROM upload_batches", &[]).await
}

#[tokio::test]
async fn a_chunk_that_fails_is_tried_again_from_the_checkpoint() {
    let ground = Ground::new().await;
    let broken = "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS \
        $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$; \
        CREATE TRIGGER broken BEFORE UPDATE ON upload_batches FOR EACH ROW WHEN (NEW.checkpoint_row > 5001) \
        EXECUTE FUNCTION broken()";
    ground.sql.batch_execute(broken).await.unwrap();
    let (file, good, bad) = long(&ground);
    let upload = ground.submit("long.csv", &file, Ask::default()).await;
    let waiting = "SELECT count(*) FROM jobs WHERE state = 'scheduled' AND attempt = 1";
    until("the first attempt failed", SOON, || async { ground.count(waiting, &[]).await == 1 }).await;
    assert_eq!(checkpoint(&ground).await, i64::try_from(CHUNK_ROWS).unwrap() + 1);
    let first = i64::try_from(CHUNK_ROWS).unwrap() * 99 / 100;
    assert_eq!(ground.book().await, (first, first, first), "one chunk is in, the next is not");
    ground.sql.batch_execute("DROP TRIGGER broken ON upload_batches").await.unwrap();
    ground.settle().await;
    assert_whole(&ground, upload, good, bad).await;

    // whoever comes late writes nothing
    let headers = super::jobs_ground::HEADERS.map(str::to_owned);
    let layout = Layout::new(&headers, None).unwrap();
    let batch = ground.count("SELECT id FROM upload_batches", &[]).await;
    let run = ImportRun {
        upload: upload.0,
        batch,
        layout: &layout,
        started_at: chrono::DateTime::<Utc>::UNIX_EPOCH,
        today: ground.today(),
        default_branch: None,
        reach: Reach::All,
        dry_run: false,
    };
    let stale = Chunk { after: 0, last_row: 300, ..Chunk::default() };
    let refused = write_chunk(&ground.services.db, &run, &stale).await;
    assert!(matches!(refused, Err(ImportError::Superseded { expected: 0 })));
    let mut connection = ground.services.db.get().await.unwrap();
    assert!(!processing::complete(&mut connection, upload, 300, ground.services.clock.now()).await.unwrap());
}

#[tokio::test]
async fn workers_that_go_down_in_the_middle_are_followed_by_others() {
    let mut ground = Ground::without_workers().await;
    let gate = "CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS \
        $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END $$; \
        CREATE TRIGGER gate BEFORE UPDATE ON upload_batches FOR EACH ROW WHEN (NEW.checkpoint_row > 5001) \
        EXECUTE FUNCTION gate()";
    ground.sql.batch_execute(gate).await.unwrap();
    let keeper = ground.another_connection().await;
    keeper.execute("SELECT pg_advisory_lock(4711)", &[]).await.unwrap();
    ground.start_workers_with(WorkerConfig { drain_timeout: Duration::ZERO, ..WorkerConfig::all_queues() });
    let (file, good, bad) = long(&ground);
    let upload = ground.submit("long.csv", &file, Ask::default()).await;
    let stuck = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted";
    until("the second chunk is being written", SOON, || async { ground.count(stuck, &[]).await > 0 }).await;
    ground.stop_workers().await;
    assert_eq!(checkpoint(&ground).await, i64::try_from(CHUNK_ROWS).unwrap() + 1);
    ground.start_workers();
    keeper.execute("SELECT pg_advisory_unlock(4711)", &[]).await.unwrap();
    ground.settle().await;
    assert_whole(&ground, upload, good, bad).await;
}
