//! An upload can be taken back while nobody has acted on it.

use super::jobs_ground::{Ask, Ground, Line, csv};
use domain::ids::UploadId;
use jobs::NewJob;
use jobs::kinds::undo_upload::UndoUpload;
use jobs::queue::admin::JobState;
use jobs::queue::ledger;
use schema::ledger::list::JobRow;
use schema::uploads::undo;
use schema::{AsyncConnection, DbError};
use serde_json::Value;

/// Everything but when it was last touched.
const BOOK: &str = "SELECT to_jsonb(p) - 'updated_at' AS policy, to_jsonb(c) - 'updated_at' AS customer, \
    (SELECT jsonb_agg(to_jsonb(k) - 'updated_at' ORDER BY k.id) FROM renewal_cases k WHERE k.policy_id = p.id) AS cases \
    FROM policies p JOIN customers c ON c.id = p.customer_id ORDER BY p.id";

/// Asks for an undo and waits for its job.
async fn take_back(ground: &Ground, upload: i64) -> JobRow {
    let job = NewJob::of(&UndoUpload { upload }).unwrap();
    let (id, now) = (job.id, ground.services.clock.now());
    let mut connection = ground.services.db.get().await.unwrap();
    let jobs = connection
        .transaction::<_, DbError, _>(async |connection| {
            assert!(undo::request(connection, UploadId(upload), id).await?);
            ledger::enqueue(connection, now, std::slice::from_ref(&job)).await
        })
        .await
        .unwrap();
    drop(connection);
    ground.services.dispatcher.push(&jobs).await;
    ground.settle().await;
    ground.job(id).await
}

/// A book, and an upload over it that creates, changes and renews.
async fn two_uploads(ground: &Ground) -> (Vec<Value>, i64) {
    let first: Vec<Line> = (0..30).map(|n| Line::new(n, ground.in_days(20))).collect();
    ground.process("first.csv", &csv(&first), Ask::default()).await;
    let before = ground.rows(BOOK).await;
    let mut second: Vec<Line> = (20..40).map(|n| Line::new(n, ground.in_days(20)).premium("999")).collect();
    second[0] = second[0].clone().renewed();
    second[1].product = "Health".to_owned();
    let upload = ground.process("second.csv", &csv(&second), Ask::default()).await;
    assert_eq!((upload.created_records, upload.updated_records), (10, 10));
    assert_ne!(ground.rows(BOOK).await, before);
    (before, upload.id)
}

#[tokio::test]
async fn an_undo_puts_the_book_back() {
    let ground = Ground::new().await;
    let (before, upload) = two_uploads(&ground).await;
    let job = take_back(&ground, upload).await;
    let result = job.result.expect("a result");
    assert_eq!(
        (job.state, &result["policiesDeleted"], &result["policiesRestored"]),
        (JobState::Succeeded, &10.into(), &10.into())
    );
    assert_eq!(ground.rows(BOOK).await, before);
    assert_eq!(ground.book().await, (30, 30, 30));
    assert_eq!(ground.upload(UploadId(upload)).await.status, "undone");
}

#[tokio::test]
async fn what_somebody_has_worked_on_is_not_undone() {
    let ground = Ground::new().await;
    let (_, upload) = two_uploads(&ground).await;
    let touch = "UPDATE renewal_cases SET status = 'contacted', updated_at = now() \
        WHERE id = (SELECT max(id) FROM renewal_cases)";
    ground.sql.execute(touch, &[]).await.unwrap();
    let after = ground.rows(BOOK).await;
    let job = take_back(&ground, upload).await;
    assert_eq!(job.state, JobState::Discarded);
    let upload = ground.upload(UploadId(upload)).await;
    let reason = upload.error_details.expect("a reason")["undo"].as_str().unwrap().to_owned();
    assert_eq!(upload.status, "completed");
    assert_eq!(reason, "the upload can no longer be undone: there are 1 cases that were worked on");
    assert_eq!(ground.rows(BOOK).await, after);
}
