//! Saved mappings, and uploads that name one.

use crate::http_ground::{book, file, manager, number, text, upload};
use serde_json::json;
use tests::http::TestApi;

#[tokio::test]
async fn a_mapping_is_saved_used_replaced_and_forgotten() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    let save = |mapping| {
        let body = json!({"name": " Broker A ", "mapping": mapping});
        api.post("/api/upload/mappings/").by(&user).json(&body).send()
    };
    save(json!({"Ref": "policyNumber"})).await.data(201);
    let saved = save(json!({"Ref.": "policyNumber", "Amt": "premium"})).await.data(201);
    assert_eq!(saved["name"], "Broker A");
    let listed = api.get("/api/upload/mappings").by(&user).send().await.data(200);
    assert_eq!(listed["pagination"]["total"], 1);
    assert_eq!(listed["mappings"][0]["mapping"], json!({"Ref.": "policyNumber", "Amt": "premium"}));

    let metadata = json!({"options": {"mappingName": "Broker A", "sheet": "Book"}}).to_string();
    upload(&api, "", &user, vec![text("metadata", metadata), file("a.csv", book(1))]).send().await.data(202);
    let kept = "SELECT count(*) FROM file_uploads WHERE options = '{\"sheet\": \"Book\", \"mappingName\": \"Broker A\", \
        \"mapping\": {\"Ref.\": \"policyNumber\", \"Amt\": \"premium\"}}'";
    assert_eq!(number(&api, kept).await, 1);

    let forget = || api.delete("/api/upload/mappings?name=Broker%20A").by(&user);
    assert_eq!(forget().send().await.data(200)["name"], "Broker A");
    forget().send().await.error(404, "not_found");
}

#[tokio::test]
async fn a_mapping_without_sense_is_refused() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    for (body, field) in [
        (json!({"name": " ", "mapping": {"Ref": "policyNumber"}}), "name"),
        (json!({"name": "m", "mapping": {}}), "mapping"),
        (json!({"name": "m", "mapping": {"Ref": "policy"}}), "mapping.Ref"),
        (json!({"name": "m", "mapping": {" ": "policyNumber"}}), "mapping. "),
        (json!({"mapping": {"Ref": "policyNumber"}}), "name"),
    ] {
        let refused = api.post("/api/upload/mappings").by(&user).json(&body).send().await;
        let refused = refused.error(400, "validation_failed");
        assert_eq!(refused["details"]["fields"][0]["field"], field, "{refused}");
    }
    let unnamed = api.delete("/api/upload/mappings").by(&user).send().await.error(400, "validation_failed");
    assert_eq!(unnamed["details"]["fields"][0]["field"], "name");
}
