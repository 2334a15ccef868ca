//! A whole file in one request.

use crate::http_ground::{
    FORM, book, breaking_off, file, form, manager, number, stored, stored_become, text, upload, uploaded,
};
use serde_json::json;
use tests::http::TestApi;

#[tokio::test]
async fn a_file_becomes_a_row_a_job_and_an_object() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let metadata = json!({"description": " May ", "options": {"headerRow": 1, "dateOrder": "dayFirst"}}).to_string();
    let parts = vec![text("metadata", metadata), file("../May \u{202e}renewals.csv", book(1))];
    let accepted = upload(&api, "/", &user, parts).send().await.data(202);
    assert_eq!(accepted["filename"], "May renewals.csv");
    assert_eq!(accepted["status"], "processing");
    assert_eq!(accepted["estimatedProcessingTime"], "under a minute");
    assert_eq!(accepted["dryRun"], false);
    assert_eq!(accepted["fileSize"], book(1).len());
    let id = accepted["uploadId"].as_str().unwrap();
    let job = api.get(&format!("/api/jobs/{}", accepted["jobId"].as_str().unwrap())).by(&user).send().await.data(200);
    assert_eq!((&job["kind"], &job["state"]), (&json!("parse_upload"), &json!("available")));
    assert_eq!(format!("upload-{}", job["payload"]["upload"]), id);
    let status = api.get(&format!("/api/upload/status/{id}/")).by(&user).send().await.data(200);
    assert_eq!(status["description"], "May");
    assert_eq!(status["fileType"], "csv");
    assert_eq!(status["jobId"], accepted["jobId"]);
    assert_eq!(status["uploadedBy"], json!(user.id));
    assert_eq!(stored(&api).len(), 1);
    assert_eq!(std::fs::read(&stored(&api)[0]).unwrap(), book(1));
    let kept = "SELECT count(*) FROM file_uploads WHERE options = '{\"headerRow\": 1, \"dateOrder\": \"dayFirst\"}'";
    assert_eq!(number(&api, kept).await, 1);
}

#[tokio::test]
async fn what_is_said_may_come_after_the_file() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let parts = vec![file("a.csv", book(1)), text("button", "Send"), text("metadata", "{\"description\": \"x\"}")];
    let accepted = upload(&api, "", &user, parts).send().await.data(202);
    let id = accepted["uploadId"].as_str().unwrap();
    assert_eq!(api.get(&format!("/api/upload/status/{id}")).by(&user).send().await.data(200)["description"], "x");
}

#[tokio::test]
async fn the_same_file_twice_is_recognised() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let first = uploaded(&api, &user, 1).await;
    let again = || vec![file("other name.csv", book(1))];
    let refused = upload(&api, "", &user, again()).send().await.error(409, "duplicate_upload");
    assert_eq!(refused["details"]["uploadId"], first["uploadId"]);
    assert!(refused["message"].as_str().unwrap().contains(first["uploadId"].as_str().unwrap()));
    stored_become(&api, 1).await;
    let tried = upload(&api, "?dryRun=true", &user, again()).send().await.data(202);
    assert_eq!(tried["dryRun"], true);
    upload(&api, "?again=true", &user, again()).send().await.data(202);
    uploaded(&api, &user, 2).await;
    assert_eq!(stored(&api).len(), 4);
    assert_eq!(number(&api, "SELECT count(*) FROM jobs WHERE kind = 'parse_upload'").await, 4);
}

#[tokio::test]
async fn two_uploads_of_one_file_at_once_are_one() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let send = || upload(&api, "", &user, vec![file("a.csv", book(1))]).send();
    let answers = futures_util::future::join_all((0..6).map(|_| send())).await;
    let taken = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(taken, 1, "{answers:?}");
    for refused in answers.iter().filter(|answer| answer.status != 202) {
        refused.error(409, "duplicate_upload");
    }
    stored_become(&api, 1).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing_behind() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    // long enough for parts to be on their way to the store already
    let head = form(vec![file("a.csv", book(1))]);
    let head = head[..head.len() - 20].to_vec();
    let pieces = [vec![head], vec![b"x,y,z\r\n".repeat(150_000); 20]].concat();
    let call = api.post("/api/upload/file").by(&user).body(FORM, breaking_off(pieces));
    call.send().await.error(400, "body_unreadable");
    stored_become(&api, 0).await;
    let short = form(vec![file("a.csv", book(1))]);
    let cut = api.post("/api/upload/file").by(&user).body(FORM, short[..short.len() / 2].to_vec());
    cut.send().await.error(400, "body_unreadable");
    stored_become(&api, 0).await;
    assert_eq!(number(&api, "SELECT count(*) FROM file_uploads").await, 0);
    assert_eq!(number(&api, "SELECT count(*) FROM jobs").await, 0);
}

#[tokio::test]
async fn a_row_that_cannot_be_written_leaves_no_object() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    crate::http_ground::execute(&api, "ALTER TABLE upload_batches RENAME TO hidden", &[]).await;
    let failed = upload(&api, "", &user, vec![file("a.csv", book(1))]).send().await;
    failed.error(500, "internal_error");
    stored_become(&api, 0).await;
    assert_eq!(number(&api, "SELECT count(*) FROM jobs").await, 0);
}

#[tokio::test]
async fn a_repeated_request_with_a_key_is_one_upload() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let send = || {
        let body = form(vec![file("a.csv", book(1))]);
        let call = api.post("/api/upload/file").by(&user).header("idempotency-key", "k");
        call.header("content-length", &body.len().to_string()).body(FORM, body).send()
    };
    let (first, again) = (send().await, send().await);
    assert_eq!(first.data(202), again.data(202));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(stored(&api).len(), 1);
}
