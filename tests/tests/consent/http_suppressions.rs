//! `/api/communication/suppressions`.

use crate::ground::{client, value};
use domain::permissions::SystemRole;
use serde_json::json;
use tests::http::TestApi;

const PATH: &str = "/api/communication/suppressions";

#[tokio::test]
async fn an_address_is_suppressed_listed_and_let_go() {
    let api = TestApi::new().await;
    let plain = client(api.base.database.url()).await;
    let staff = api.user(SystemRole::Administrator).await;
    let body = json!({"channel": "sms", "address": "98765 43210", "detail": "asked on the phone"});
    let made = api.post(PATH).by(&staff).json(&body).send().await.data(201);
    assert_eq!((made["reason"].as_str(), made["scope"].as_str()), (Some("manual"), Some("all")));
    assert!(!made["address"].as_str().unwrap().contains("98765"), "{made}");
    let email =
        json!({"channel": "email", "address": "Asha@Example.com", "scope": "marketing", "reason": "do_not_disturb"});
    api.post(PATH).by(&staff).json(&email).send().await.data(201);
    assert_eq!(
        value(&plain, "SELECT address FROM suppressions ORDER BY id").await,
        json!([{"address": "+919876543210"}, {"address": "asha@example.com"}])
    );
    for (query, count) in [
        ("", 2),
        ("?channel=sms", 1),
        ("?reason=do_not_disturb", 1),
        ("?address=asha@EXAMPLE.com", 1),
        ("?address=no", 0),
    ] {
        // both names of the path answer
        let path = format!("/api/communications/suppressions{query}");
        let listed = api.get(&path).by(&staff).send().await.data(200);
        assert_eq!(listed["pagination"]["total"], count, "{query}");
        assert_eq!(listed["suppressions"].as_array().unwrap().len(), count, "{query}");
    }
    let one = format!("{PATH}/{}", made["id"].as_str().unwrap());
    api.delete(&one).by(&staff).send().await.data(200);
    api.delete(&one).by(&staff).send().await.error(404, "not_found");
    let actions = "SELECT action, before, after FROM audit_log WHERE action LIKE 'suppression.%' ORDER BY id";
    let told = value(&plain, actions).await;
    assert_eq!(told.as_array().unwrap().len(), 3);
    assert!(!told.to_string().contains("9876543210"), "addresses are masked: {told}");
}

#[tokio::test]
async fn what_its_owner_chose_is_not_lifted_by_others() {
    let api = TestApi::new().await;
    let plain = client(api.base.database.url()).await;
    let staff = api.user(SystemRole::Administrator).await;
    let insert = "INSERT INTO suppressions (channel, address, reason, source, created_at) \
                  VALUES ('sms', '+919876543210', 'opted_out', 'reply', now()) RETURNING id";
    let id: i64 = plain.query_one(insert, &[]).await.unwrap().get(0);
    api.delete(&format!("{PATH}/suppression-{id}")).by(&staff).send().await.error(409, "own_choice");
    for (body, field) in [
        (json!({"channel": "sms", "address": "12"}), "address"),
        (json!({"channel": "email", "address": "nobody"}), "address"),
        (json!({"channel": "sms", "address": "+919876543210", "expiresAt": "2001-01-01T00:00:00Z"}), "expiresAt"),
        (json!({"channel": "sms", "address": "+919876543210", "reason": "mood"}), "reason"),
    ] {
        let error = api.post(PATH).by(&staff).json(&body).send().await.error(400, "validation_failed");
        assert_eq!(error["details"]["fields"][0]["field"], field, "{error}");
    }
}

#[tokio::test]
async fn a_list_comes_in_and_goes_out_as_a_file() {
    let api = TestApi::new().await;
    let plain = client(api.base.database.url()).await;
    let staff = api.user(SystemRole::Administrator).await;
    let import = |file: String| api.post(&format!("{PATH}/import")).by(&staff).body("text/csv", file);
    let rows: String = (0..2_500).map(|n| format!("sms,+9198{n:08},,,=1+1\n")).collect();
    let file = format!("channel,address,reason,scope,detail\n{rows}email,A@b.example,complaint,,\n");
    let done = import(file.clone()).send().await.data(200);
    assert_eq!(done, json!({"rows": 2501, "suppressed": 2501}));
    assert_eq!(import(file).send().await.data(200), json!({"rows": 2501, "suppressed": 0}), "again");
    let broken = import("channel,address\nsms,+919811111111\nsms,12\n".to_owned()).send().await;
    let error = broken.error(400, "validation_failed");
    assert_eq!(error["details"]["fields"][0]["field"], "row 2, address");
    let count = "SELECT count(*) FROM suppressions WHERE address = '+919811111111'";
    assert_eq!(value(&plain, count).await[0]["count"], 0, "nothing is half written");

    let answer = api.get(&format!("{PATH}/export")).by(&staff).send().await;
    assert_eq!(answer.status.as_u16(), 200);
    assert!(answer.header("content-disposition").starts_with("attachment; filename=\"suppressions-"));
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert_eq!(text.lines().count(), 2_502);
    assert!(text.starts_with("channel,address,reason,scope,source,detail,created_at,expires_at\n"));
    assert!(text.contains("sms,'+919800000001,do_not_disturb,marketing,import,'=1+1,"), "{}", &text[..300]);
    // what goes out comes in again
    plain.execute("DELETE FROM suppressions", &[]).await.unwrap();
    assert_eq!(import(text).send().await.data(200)["suppressed"], 2501);
    let too_long = import("x".repeat(9 << 20)).send().await;
    assert_eq!(too_long.status.as_u16(), 413);
    let other = api.post(&format!("{PATH}/import")).by(&staff).json(&json!({})).send().await;
    assert_eq!(other.status.as_u16(), 415, "{other:?}");
    // somebody who may do everything, with what is their own
    plain.execute("UPDATE roles SET scope = 'own' WHERE name = 'administrator'", &[]).await.unwrap();
    let narrow = api.user(SystemRole::Administrator).await;
    api.get(&format!("{PATH}/export")).by(&narrow).send().await.error(403, "reach_too_narrow");
}
