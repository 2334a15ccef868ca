//! A file in pieces: announced, sent, interrupted, resumed, completed.

use crate::http_ground::{book, breaking_off, manager, number, stored, stored_become, uploaded};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::http::{Call, TestApi, TestUser};

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

async fn announce(api: &TestApi, by: &TestUser, query: &str, body: &Value) -> Value {
    api.post(&format!("/api/upload/chunked{query}")).by(by).json(body).send().await.data(201)
}

fn piece(api: &TestApi, by: &TestUser, id: &str, offset: usize, content: &[u8]) -> Call {
    let call = api.put(&format!("/api/upload/chunked/{id}")).by(by).header("upload-offset", &offset.to_string());
    call.body("application/offset+octet-stream", content.to_vec())
}

fn complete(api: &TestApi, by: &TestUser, id: &str, query: &str) -> Call {
    api.post(&format!("/api/upload/chunked/{id}/complete{query}")).by(by)
}

#[tokio::test]
async fn an_interrupted_file_goes_on_where_it_stopped() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let content = book(1);
    let announced = json!({"filename": "May.csv", "size": content.len(), "sha256": hash(&content).to_uppercase()});
    let begun = announce(&api, &user, "/", &announced).await;
    assert_eq!((&begun["status"], &begun["offset"]), (&json!("receiving"), &json!(0)));
    let id = begun["uploadId"].as_str().unwrap();

    let first = piece(&api, &user, id, 0, &content[..40]).send().await;
    assert_eq!(first.data(200)["offset"], 40);
    assert_eq!(first.header("upload-offset"), "40");
    let path = format!("/api/upload/chunked/{id}");
    let cut = api.put(&path).by(&user).header("upload-offset", "40");
    let cut = cut.body("application/octet-stream", breaking_off(vec![content[40..60].to_vec()]));
    cut.send().await.error(400, "body_unreadable");

    let asked = api.call(poem::http::Method::HEAD, &path).by(&user).send().await;
    assert_eq!((asked.status.as_u16(), asked.header("upload-offset").as_str()), (200, "40"));
    let wrong = piece(&api, &user, id, 60, &content[60..]).send().await;
    assert_eq!(wrong.header("upload-offset"), "40");
    assert_eq!(wrong.error(409, "wrong_offset")["details"]["offset"], 40);
    let early = complete(&api, &user, id, "").send().await;
    assert_eq!(early.error(409, "upload_incomplete")["details"]["offset"], 40);
    piece(&api, &user, id, 0, &content[..40]).send().await.error(409, "wrong_offset");

    let last = content.len() - 1;
    let range = format!("bytes 40-{last}/{}", content.len());
    // without a content type, as programs that send files do
    let rest = api.put(&path).by(&user).header("content-range", &range);
    let rest = rest.body("application/octet-stream", content[40..].to_vec()).send().await;
    assert_eq!(rest.data(200)["offset"], content.len());
    assert_eq!(stored(&api).len(), 2);

    let accepted = complete(&api, &user, id, "/").send().await.data(202);
    assert_eq!((&accepted["uploadId"], &accepted["status"]), (&json!(id), &json!("processing")));
    assert_eq!(complete(&api, &user, id, "").send().await.data(202)["jobId"], accepted["jobId"]);
    assert_eq!(stored(&api).len(), 1);
    assert_eq!(std::fs::read(&stored(&api)[0]).unwrap(), content);
    assert_eq!(number(&api, "SELECT count(*) FROM jobs WHERE kind = 'parse_upload'").await, 1);
    assert_eq!(number(&api, "SELECT count(*) FROM upload_chunks").await, 0);
    assert_eq!(number(&api, "SELECT count(*) FROM upload_batches").await, 1);
    piece(&api, &user, id, 0, b"x").send().await.error(409, "upload_not_receiving");
    let whole = api.get(&path).by(&user).send().await.data(200);
    assert_eq!(whole["offset"], content.len());
    let status = api.get(&format!("/api/upload/status/{id}")).by(&user).send().await.data(200);
    assert_eq!((&status["fileType"], &status["filename"]), (&json!("csv"), &json!("May.csv")));
}

#[tokio::test]
async fn two_connections_that_send_the_same_piece_settle_on_one() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let content = book(1);
    let begun = announce(&api, &user, "", &json!({"filename": "a.csv", "size": content.len()})).await;
    let id = begun["uploadId"].as_str().unwrap();
    let answers =
        futures_util::future::join_all((0..4).map(|_| piece(&api, &user, id, 0, &content[..50]).send())).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refused.error(409, "wrong_offset")["details"]["offset"], 50);
    }
    stored_become(&api, 1).await;
    piece(&api, &user, id, 50, &content[50..]).send().await.data(200);
    let answers = futures_util::future::join_all((0..3).map(|_| complete(&api, &user, id, "").send())).await;
    let jobs: Vec<_> = answers.iter().map(|answer| answer.data(202)["jobId"].clone()).collect();
    assert!(jobs.iter().all(|job| *job == jobs[0]), "{jobs:?}");
    stored_become(&api, 1).await;
}

#[tokio::test]
async fn pieces_that_cannot_be_are_refused() {
    let api = TestApi::with(&[("MAX_UPLOAD_BYTES", "1MiB")]).await;
    let user = manager(&api).await;
    let begun = announce(&api, &user, "", &json!({"filename": "a.csv", "size": 1 << 20})).await;
    let id = begun["uploadId"].as_str().unwrap();
    let shortest = usize::try_from(begun["minPieceSize"].as_i64().unwrap()).unwrap();
    piece(&api, &user, id, 0, &vec![b'x'; shortest - 1]).send().await.error(400, "piece_too_short");
    piece(&api, &user, id, 0, b"").send().await.error(400, "piece_too_short");
    piece(&api, &user, id, 0, &vec![b'x'; (1 << 20) + 1]).send().await.error(413, "piece_too_long");
    let path = format!("/api/upload/chunked/{id}");
    let put = || api.put(&path).by(&user);
    put().body("text/csv", "x").send().await.error(400, "validation_failed");
    let longer = put().header("content-range", "bytes 0-999/1048576").body("text/csv", vec![b'x'; 500]);
    longer.send().await.error(400, "validation_failed");
    let shorter = put().header("content-range", "bytes 0-499/1048576").body("text/csv", vec![b'x'; 1000]);
    shorter.send().await.error(413, "piece_too_long");
    stored_become(&api, 0).await;
    let asked = api.get(&path).by(&user).send().await.data(200);
    assert_eq!(asked["offset"], 0);

    for (body, field) in [
        (json!({"filename": "a.csv", "size": 0}), "size"),
        (json!({"filename": "", "size": 1}), "filename"),
        (json!({"filename": "a.csv", "size": 1, "sha256": "abc"}), "sha256"),
        (json!({"filename": "a.csv", "size": 1, "options": {"headerRow": 0}}), "options.headerRow"),
    ] {
        let refused = api.post("/api/upload/chunked").by(&user).json(&body).send().await;
        assert_eq!(refused.error(400, "validation_failed")["details"]["fields"][0]["field"], field);
    }
    let long = json!({"filename": "a.csv", "size": (1 << 20) + 1});
    api.post("/api/upload/chunked").by(&user).json(&long).send().await.error(413, "body_too_large");
    for path in ["/api/upload/chunked/upload-999", "/api/upload/chunked/campaign-1"] {
        api.get(path).by(&user).send().await.error(404, "not_found");
    }
    let other = manager(&api).await;
    piece(&api, &other, id, 0, b"x").send().await.error(403, "not_your_upload");
}

async fn sent(api: &TestApi, by: &TestUser, content: &[u8], announced: &Value) -> String {
    let begun = announce(api, by, "", announced).await;
    let id = begun["uploadId"].as_str().unwrap().to_owned();
    let (one, other) = content.split_at(content.len() / 2);
    piece(api, by, &id, 0, one).send().await.data(200);
    piece(api, by, &id, one.len(), other).send().await.data(200);
    id
}

#[tokio::test]
async fn what_turns_out_to_be_something_else_ends_the_upload() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let program = b"MZ\x90\0 a program, not a book";
    let id = sent(&api, &user, program, &json!({"filename": "a.xlsx", "size": program.len()})).await;
    complete(&api, &user, &id, "").send().await.error(415, "unsupported_file_type");
    complete(&api, &user, &id, "").send().await.error(409, "upload_not_receiving");
    let content = book(1);
    let announced = json!({"filename": "a.csv", "size": content.len(), "sha256": hash(b"other")});
    let id = sent(&api, &user, &content, &announced).await;
    complete(&api, &user, &id, "").send().await.error(422, "checksum_mismatch");
    let status = api.get(&format!("/api/upload/status/{id}")).by(&user).send().await.data(200);
    assert_eq!((&status["status"], &status["error"]["code"]), (&json!("cancelled"), &json!("abandoned")));
    stored_become(&api, 0).await;
    assert_eq!(number(&api, "SELECT count(*) FROM upload_chunks").await, 0);
}

#[tokio::test]
async fn a_file_that_is_known_is_told_before_and_after_it_comes() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let first = uploaded(&api, &user, 1).await;
    let content = book(1);
    let known = json!({"filename": "a.csv", "size": content.len(), "sha256": hash(&content)});
    let refused = api.post("/api/upload/chunked").by(&user).json(&known).send().await;
    assert_eq!(refused.error(409, "duplicate_upload")["details"]["uploadId"], first["uploadId"]);
    let unknown = json!({"filename": "a.csv", "size": content.len()});
    let id = sent(&api, &user, &content, &unknown).await;
    let refused = complete(&api, &user, &id, "").send().await;
    assert_eq!(refused.error(409, "duplicate_upload")["details"]["uploadId"], first["uploadId"]);
    stored_become(&api, 3).await;
    complete(&api, &user, &id, "?again=true").send().await.data(202);
    stored_become(&api, 2).await;
    let tried = announce(&api, &user, "?dryRun=true", &known).await;
    assert_eq!(tried["dryRun"], true);
}

#[tokio::test]
async fn a_file_given_up_leaves_nothing() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let content = book(1);
    let id = sent(&api, &user, &content, &json!({"filename": "a.csv", "size": content.len()})).await;
    let path = format!("/api/upload/chunked/{id}");
    assert_eq!(api.delete(&path).by(&user).send().await.data(200)["status"], "cancelled");
    assert_eq!(stored(&api).len(), 0);
    api.delete(&path).by(&user).send().await.error(409, "upload_not_receiving");
    complete(&api, &user, &id, "").send().await.error(409, "upload_not_receiving");
}
