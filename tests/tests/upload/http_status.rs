//! How uploads stand, one by one and all of them.

use crate::http_ground::{book, execute, file, manager, number_of, upload, uploaded};
use serde_json::json;
use tests::http::TestApi;

#[tokio::test]
async fn an_upload_tells_its_figures_and_faults() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let id = number_of(&uploaded(&api, &user, 1).await["uploadId"]);
    let path = format!("/api/upload/status/upload-{id}");
    let status = api.get(&path).by(&user).send().await.data(200);
    assert_eq!((&status["status"], &status["totalRecords"]), (&json!("processing"), &json!(null)));
    assert_eq!(status["progress"], json!({"done": 0, "total": null}));
    assert_eq!(status["errors"], json!([]));

    let figures = "UPDATE upload_batches SET total_records = 150, processed_records = 150, successful_records = 142, \
        failed_records = 8, created_records = 100, updated_records = 42, status = 'completed' WHERE upload_id = $1";
    execute(&api, figures, &[&id]).await;
    let ended = "UPDATE file_uploads SET upload_status = 'completed', total_records = 150, \
        processing_started_at = '2026-05-01T10:00:00Z', processing_completed_at = '2026-05-01T10:02:15Z' WHERE id = $1";
    execute(&api, ended, &[&id]).await;
    let faults = "INSERT INTO upload_row_errors (upload_id, row_number, column_name, value, code, message) \
        SELECT $1, i + 1, 'Premium (₹)', 'x', 'bad_amount', 'no amount' FROM generate_series(1, 8) i";
    execute(&api, faults, &[&id]).await;
    let status = api.get(&format!("{path}?limit=3&page=2")).by(&user).send().await.data(200);
    assert_eq!((&status["status"], &status["processingTime"]), (&json!("completed"), &json!("2m 15s")));
    let figures = ["totalRecords", "successfulRecords", "failedRecords", "createdRecords", "updatedRecords"];
    assert_eq!(figures.map(|name| status[name].as_i64().unwrap()), [150, 142, 8, 100, 42]);
    assert_eq!(status["progress"], json!({"done": 150, "total": 150}));
    assert_eq!(status["downloadUrl"], format!("/api/upload/download/upload-{id}"));
    assert_eq!(status["errors"].as_array().unwrap().len(), 3);
    let expected =
        json!({"row": 5, "column": "Premium (₹)", "value": "x", "code": "bad_amount", "message": "no amount"});
    assert_eq!(status["errors"][0], expected);
    assert_eq!(status["errorsPagination"]["total"], 8);
    assert_eq!(status["dryRunReport"], json!(null));
    api.get("/api/upload/status/upload-999").by(&user).send().await.error(404, "not_found");
}

#[tokio::test]
async fn an_upload_that_failed_says_why() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let id = number_of(&uploaded(&api, &user, 1).await["uploadId"]);
    let status = async || api.get(&format!("/api/upload/status/upload-{id}")).by(&user).send().await.data(200);
    execute(&api, "UPDATE jobs SET state = 'discarded', error = 'a secret path', finished_at = now()", &[]).await;
    let given_up = status().await;
    assert_eq!((&given_up["status"], &given_up["error"]["code"]), (&json!("failed"), &json!("processing_failed")));
    assert!(!given_up.to_string().contains("secret"));
    let failed = "UPDATE file_uploads SET upload_status = 'failed', \
        error_details = '{\"code\": \"no_header\", \"message\": \"no row looks like a header\"}'";
    execute(&api, failed, &[]).await;
    assert_eq!(status().await["error"], json!({"code": "no_header", "message": "no row looks like a header"}));
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let accepted = upload(&api, "?dryRun=true", &user, vec![file("a.csv", book(1))]).send().await.data(202);
    let id = number_of(&accepted["uploadId"]);
    let rows = "INSERT INTO upload_previews (upload_id, row_number, policy_number, action, changes) VALUES \
        ($1, 2, 'P-1', 'create', '{}'), ($1, 3, 'P-2', 'update', '{\"currency\": {\"from\": \"INR\", \"to\": \"USD\"}}'), \
        ($1, 4, 'P-3', 'create', '{}'), ($1, 5, 'P-4', 'renew', '{}'), ($1, 6, 'P-5', 'unchanged', '{}')";
    execute(&api, rows, &[&id]).await;
    execute(&api, "UPDATE upload_batches SET failed_records = 3 WHERE upload_id = $1", &[&id]).await;
    let status = api.get(&format!("/api/upload/status/upload-{id}?limit=2")).by(&user).send().await.data(200);
    let report = &status["dryRunReport"];
    let counts = ["create", "update", "renew", "unchanged", "refused"];
    assert_eq!(counts.map(|name| report[name].as_i64().unwrap()), [2, 1, 1, 1, 3]);
    assert_eq!(report["pagination"]["total"], 5);
    assert_eq!(report["rows"].as_array().unwrap().len(), 2);
    assert_eq!(report["rows"][1]["changes"], json!({"currency": {"from": "INR", "to": "USD"}}));
}

#[tokio::test]
async fn the_history_is_paged_and_filtered() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    for number in 1..=5 {
        uploaded(&api, &user, number).await;
    }
    execute(&api, "UPDATE file_uploads SET upload_status = 'completed' WHERE id <= 2", &[]).await;
    let list = async |query: &str| api.get(&format!("/api/upload/history/{query}")).by(&user).send().await.data(200);
    let page = list("?limit=2&page=2").await;
    let ids = |page: &serde_json::Value| -> Vec<i64> {
        page["uploads"].as_array().unwrap().iter().map(|upload| number_of(&upload["uploadId"])).collect()
    };
    assert_eq!(ids(&page), [3, 2]);
    let expected = json!({"page": 2, "limit": 2, "total": 5, "totalPages": 3, "atLeast": false});
    assert_eq!(page["pagination"], expected);
    assert_eq!(ids(&list("?status=completed").await), [2, 1]);
    assert_eq!(list("").await["uploads"][0]["status"], "processing");
    let refused = api.get("/api/upload/history?status=lost").by(&user).send().await.error(400, "validation_failed");
    assert_eq!(refused["details"]["fields"][0]["field"], "status");
}
