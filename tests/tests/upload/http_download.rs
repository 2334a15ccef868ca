//! Files to save: the original, the template, the refused rows.

use crate::http_ground::{book, execute, file, manager, number, number_of, stored, upload, uploaded};
use serde_json::json;
use tests::http::TestApi;

#[tokio::test]
async fn the_original_comes_back_as_it_went_in() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let accepted = upload(&api, "", &user, vec![file("मई; renewals.csv", book(1))]).send().await.data(202);
    let id = accepted["uploadId"].as_str().unwrap();
    let status = api.get(&format!("/api/upload/status/{id}")).by(&user).send().await.data(200);
    let path = format!("/api/upload/download/{id}");
    assert_eq!(status["downloadUrl"], path);
    let answer = api.get(&path).by(&user).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, book(1));
    assert_eq!(answer.header("content-type"), "text/csv");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("content-length"), book(1).len().to_string());
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"__; renewals.csv\"; filename*=UTF-8''%E0%A4%AE%E0%A4%88%3B%20renewals.csv"
    );
    std::fs::remove_file(&stored(&api)[0]).unwrap();
    api.get(&path).by(&user).send().await.error(404, "file_missing");
    api.get("/api/upload/download/upload-999").by(&user).send().await.error(404, "not_found");
}

#[tokio::test]
async fn the_template_is_a_workbook() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    for path in ["/api/upload/template", "/api/upload/template/"] {
        let answer = api.get(path).by(&user).send().await;
        assert_eq!(answer.header("content-type"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"policy_upload_template.xlsx\"");
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(answer.body.to_vec())).unwrap();
        assert!(zip.by_name("xl/workbook.xml").is_ok());
    }
}

#[tokio::test]
async fn the_refused_rows_are_there_once_they_are_made() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let accepted = uploaded(&api, &user, 1).await;
    let id = number_of(&accepted["uploadId"]);
    let path = format!("/api/upload/errors/upload-{id}");
    let waiting = api.get(&path).by(&user).send().await.data(202);
    assert_eq!((&waiting["state"], &waiting["jobId"]), (&json!("processing"), &accepted["jobId"]));

    execute(&api, "UPDATE file_uploads SET upload_status = 'completed' WHERE id = $1", &[&id]).await;
    api.get(&path).by(&user).send().await.error(404, "no_errors");
    execute(&api, "UPDATE upload_batches SET failed_records = 2 WHERE upload_id = $1", &[&id]).await;
    let building = api.get(&path).by(&user).send().await.data(202);
    assert_eq!(building["state"], "building");
    assert_eq!(api.get(&path).by(&user).send().await.data(202)["jobId"], building["jobId"], "one job, not two");
    assert_eq!(number(&api, "SELECT count(*) FROM jobs WHERE kind = 'build_error_report'").await, 1);

    std::fs::write(api.storage.path().join("report"), b"a workbook").unwrap();
    execute(&api, "UPDATE file_uploads SET error_report_path = 'report' WHERE id = $1", &[&id]).await;
    let answer = api.get(&path).by(&user).send().await;
    assert_eq!((answer.status.as_u16(), answer.body.as_ref()), (200, b"a workbook".as_slice()));
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"policies_errors.xlsx\"");
    let status = api.get(&format!("/api/upload/status/upload-{id}")).by(&user).send().await.data(200);
    assert_eq!(status["errorsUrl"], path);
}
