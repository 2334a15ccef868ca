//! Asking for an undo.

use crate::http_ground::{book, execute, file, manager, number, number_of, upload, uploaded};
use serde_json::json;
use tests::http::TestApi;

#[tokio::test]
async fn an_upload_is_undone_by_a_job_while_nobody_has_acted_on_it() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let id = number_of(&uploaded(&api, &user, 1).await["uploadId"]);
    let undo = || api.post(&format!("/api/upload/undo/upload-{id}")).by(&user);
    let early = undo().send().await.error(409, "upload_not_undoable");
    assert!(early["message"].as_str().unwrap().contains("is being read"), "{early}");
    let ended = "UPDATE file_uploads SET upload_status = 'completed', processing_started_at = now()";
    execute(&api, ended, &[]).await;
    execute(&api, "UPDATE upload_batches SET status = 'completed'", &[]).await;
    execute(&api, "UPDATE jobs SET state = 'succeeded', finished_at = now()", &[]).await;
    let campaign = "INSERT INTO campaigns (name, campaign_type, upload_id, group_id) \
        VALUES ('May', 'whatsapp', $1, gen_random_uuid())";
    execute(&api, campaign, &[&id]).await;
    let acted = undo().send().await.error(409, "upload_acted_on");
    assert_eq!(acted["details"]["obstacles"], json!([{"what": "campaigns over it", "count": 1}]));
    execute(&api, "DELETE FROM campaigns", &[]).await;

    let accepted = undo().send().await.data(202);
    assert_eq!((&accepted["status"], number_of(&accepted["uploadId"])), (&json!("undoing"), id));
    let job = api.get(&format!("/api/jobs/{}", accepted["jobId"].as_str().unwrap())).by(&user).send().await.data(200);
    assert_eq!((&job["kind"], &job["payload"]), (&json!("undo_upload"), &json!({"upload": id})));
    undo().send().await.error(409, "upload_not_undoable");
    assert_eq!(number(&api, "SELECT count(*) FROM jobs WHERE kind = 'undo_upload'").await, 1);
    execute(&api, "UPDATE file_uploads SET upload_status = 'undone'", &[]).await;
    undo().send().await.error(409, "upload_not_undoable");
    uploaded(&api, &user, 1).await;
}

#[tokio::test]
async fn what_wrote_nothing_is_not_undone() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let tried = upload(&api, "?dryRun=true", &user, vec![file("a.csv", book(1))]).send().await.data(202);
    execute(&api, "UPDATE file_uploads SET upload_status = 'completed'", &[]).await;
    let path = format!("/api/upload/undo/{}", tried["uploadId"].as_str().unwrap());
    api.post(&path).by(&user).send().await.error(409, "upload_not_undoable");
    api.post("/api/upload/undo/upload-999").by(&user).send().await.error(404, "not_found");
}
