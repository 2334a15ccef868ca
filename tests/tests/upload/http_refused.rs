//! What is no upload: refused with what would be right, and nothing left behind.

use crate::http_ground::{FORM, book, file, form, manager, number, stored_become, text, upload};
use domain::permissions::SystemRole;
use serde_json::{Value, json};
use tests::http::TestApi;

async fn nothing_is_left(api: &TestApi) {
    stored_become(api, 0).await;
    assert_eq!(number(api, "SELECT count(*) FROM file_uploads").await, 0);
}

#[tokio::test]
async fn files_of_other_kinds() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let zip_of_word = [b"PK\x03\x04....word/document.xml".as_slice(), &[0; 100]].concat();
    let cases: [(&str, Vec<u8>, &str); 5] = [
        ("policies.xlsx", b"MZ\x90\0\x03\0\0\0program".to_vec(), "a Windows program"),
        ("policies.csv", b"%PDF-1.7\n".to_vec(), "a PDF document"),
        ("policies.xlsx", b"<html><table></table></html>".to_vec(), "a web page with a workbook's name"),
        ("policies.xlsx", zip_of_word, "a Word document"),
        ("policies.csv", vec![1, 0, 2, 0, 0, 0, 255], "a binary file"),
    ];
    for (name, content, what) in cases {
        let refused = upload(&api, "", &user, vec![file(name, content)]).send().await;
        let message = refused.error(415, "unsupported_file_type")["message"].to_string();
        assert!(message.contains(what), "{message}");
    }
    upload(&api, "", &user, vec![file("policies.csv", "")]).send().await.error(400, "empty_file");
    nothing_is_left(&api).await;
}

#[tokio::test]
async fn forms_without_a_file_or_with_two() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let field = |error: Value| error["details"]["fields"][0]["field"].clone();
    let none = upload(&api, "", &user, vec![text("metadata", "{}")]).send().await;
    assert_eq!(field(none.error(400, "validation_failed")), "file");
    let two = upload(&api, "", &user, vec![file("a.csv", book(1)), file("b.csv", book(2))]).send().await;
    assert_eq!(field(two.error(400, "validation_failed")), "file");
    let post = || api.post("/api/upload/file").by(&user);
    post().json(&json!({})).send().await.error(415, "unsupported_media_type");
    post().send().await.error(415, "unsupported_media_type");
    post().body("multipart/form-data", form(vec![])).send().await.error(400, "malformed_form");
    post().body(FORM, "no form at all").send().await.error(400, "malformed_form");
    let endless = format!("--XX\r\nContent-Disposition: form-data; name=\"{}", "x".repeat(1 << 20));
    let pieces = endless.as_bytes().chunks(8192).map(|piece| Ok::<_, std::io::Error>(piece.to_vec()));
    let body = poem::Body::from_bytes_stream(futures_util::stream::iter(pieces.collect::<Vec<_>>()));
    post().body(FORM, body).send().await.error(400, "malformed_form");
    nothing_is_left(&api).await;
}

#[tokio::test]
async fn files_that_are_too_long() {
    let api = TestApi::with(&[("MAX_UPLOAD_BYTES", "100KiB")]).await;
    let user = manager(&api).await;
    let long = |length: usize| upload(&api, "", &user, vec![file("a.csv", "a,b,c,d\n".repeat(length / 8))]);
    let refused = long((100 << 10) + 8).send().await.error(413, "body_too_large");
    assert_eq!(refused["message"], "the body is longer than 102400 bytes");
    long(10 << 20).send().await.error(413, "body_too_large");
    nothing_is_left(&api).await;
    long(100 << 10).send().await.data(202);
}

#[tokio::test]
async fn what_is_said_about_a_file() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    for (metadata, field) in [
        (json!({"description": "x".repeat(2001)}), "description"),
        (json!({"options": {"headerRow": 0}}), "options.headerRow"),
        (json!({"options": {"dateOrder": "yearFirst"}}), "options.dateOrder"),
        (json!({"options": {"mapping": {"Ref": "policy"}}}), "options.mapping.Ref"),
        (json!({"options": {"mappingName": "none such"}}), "options.mappingName"),
        (json!({"options": {"mappingName": "x", "mapping": {"Ref": "policyNumber"}}}), "options.mappingName"),
        (json!({"options": {"defaultCountry": "XX"}}), "options.defaultCountry"),
        (json!({"options": {"defaultCurrency": "XXX"}}), "options.defaultCurrency"),
    ] {
        let parts = vec![file("a.csv", book(1)), text("metadata", metadata.to_string())];
        let refused = upload(&api, "", &user, parts).send().await.error(400, "validation_failed");
        assert_eq!(refused["details"]["fields"][0]["field"], field, "{refused}");
    }
    let unknown = json!({"options": {"headersRow": 1}}).to_string();
    let parts = vec![text("metadata", unknown), file("a.csv", book(1))];
    upload(&api, "", &user, parts).send().await.error(400, "validation_failed");
    let parts = vec![text("metadata", "{"), file("a.csv", book(1))];
    upload(&api, "", &user, parts).send().await.error(400, "malformed_json");
    let parts = vec![text("metadata", " ".repeat(200 << 10)), file("a.csv", book(1))];
    upload(&api, "", &user, parts).send().await.error(400, "validation_failed");
    nothing_is_left(&api).await;
}

#[tokio::test]
async fn people_without_the_permission() {
    let api = TestApi::new().await;
    let (looker, handler) = (api.user(SystemRole::ReadOnly).await, api.user(SystemRole::ClaimsHandler).await);
    let campaigner = api.user(SystemRole::CampaignManager).await;
    let announced = json!({"filename": "a.csv", "size": 10});
    let mapping = json!({"name": "m", "mapping": {"Ref": "policyNumber"}});
    let denied = [
        (upload(&api, "", &looker, vec![file("a.csv", book(1))]), "uploads.create"),
        (api.post("/api/upload/chunked").by(&looker).json(&announced), "uploads.create"),
        (api.get("/api/upload/chunked/upload-1").by(&looker), "uploads.create"),
        (api.put("/api/upload/chunked/upload-1").by(&looker), "uploads.create"),
        (api.post("/api/upload/chunked/upload-1/complete").by(&looker), "uploads.create"),
        (api.delete("/api/upload/chunked/upload-1").by(&looker), "uploads.create"),
        (api.post("/api/upload/mappings").by(&looker).json(&mapping), "uploads.create"),
        (api.delete("/api/upload/mappings?name=m").by(&looker), "uploads.create"),
        (api.post("/api/upload/undo/upload-1").by(&campaigner), "uploads.undo"),
        (api.get("/api/upload/history").by(&handler), "uploads.view"),
        (api.get("/api/upload/status/upload-1").by(&handler), "uploads.view"),
        (api.get("/api/upload/download/upload-1").by(&handler), "uploads.view"),
        (api.get("/api/upload/errors/upload-1").by(&handler), "uploads.view"),
        (api.get("/api/upload/template").by(&handler), "uploads.view"),
        (api.get("/api/upload/mappings").by(&handler), "uploads.view"),
    ];
    for (call, permission) in denied {
        let refused = call.send().await.error(403, "permission_denied");
        assert_eq!(refused["details"]["permission"], permission);
    }
    nothing_is_left(&api).await;
}
