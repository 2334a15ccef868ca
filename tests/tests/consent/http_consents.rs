//! `/api/customers/{id}/consents`.

use crate::ground::{client, customer, value};
use domain::{
    messaging::{Channel, Purpose, restraint::ConsentSource},
    permissions::SystemRole,
};
use schema::consent::consents::{self, NewConsent};
use serde_json::json;
use tests::http::TestApi;

#[tokio::test]
async fn an_employee_records_what_a_person_said() {
    let api = TestApi::new().await;
    let plain = client(api.base.database.url()).await;
    let asha = customer(&plain, "C1", "+919876543210").await;
    let staff = api.user(SystemRole::Administrator).await;
    let path = format!("/api/customers/{asha}/consents");
    let body = json!({"consents": [
        {"channel": "email", "purpose": "marketing", "granted": true, "proof": "on the phone"},
        {"channel": "sms", "purpose": "service", "granted": false},
    ]});
    let put = api.put(&path).by(&staff).json(&body).send().await.data(200);
    let got = api.get(&path).by(&staff).send().await.data(200);
    assert_eq!(put, got);
    assert_eq!(got["consents"].as_array().unwrap().len(), 2);
    assert_eq!(got["consents"][0]["channel"], "email");
    assert_eq!(got["consents"][0]["ownChoice"], false);
    assert_eq!(got["consents"][0]["proof"]["note"], "on the phone");
    assert_eq!(got["log"].as_array().unwrap().len(), 2);

    // the person's own word stands
    let now = api.state.services.clock.now();
    let own = NewConsent {
        customer: asha,
        channel: Channel::Email,
        purpose: Purpose::Marketing,
        granted: false,
        source: ConsentSource::Unsubscribe,
        proof: None,
        given_at: now,
        recorded_by: None,
    };
    consents::record(&mut *api.connection().await, &[own], now).await.unwrap();
    let again = api.put(&path).by(&staff).json(&body).send().await.data(200);
    assert_eq!(again["consents"][0]["granted"], false);
    let word = &again["log"].as_array().unwrap().iter().find(|word| word["channel"] == "email").unwrap();
    assert_eq!(word["tookEffect"], false);
    let entries = "SELECT action, actor_id FROM audit_log WHERE action = 'customer.consents_recorded'";
    assert_eq!(value(&plain, entries).await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn faults_are_told_by_field_and_strangers_are_not_found() {
    let api = TestApi::new().await;
    let plain = client(api.base.database.url()).await;
    let asha = customer(&plain, "C1", "+919876543210").await;
    let staff = api.user(SystemRole::Administrator).await;
    let path = format!("/api/customers/{asha}/consents");
    let word = json!({"channel": "email", "purpose": "marketing", "granted": true});
    let ahead = json!({"channel": "sms", "purpose": "service", "granted": true, "givenAt": "2999-01-01T00:00:00Z"});
    for (body, field) in [
        (json!({"consents": []}), "consents"),
        (json!({"consents": [word, word]}), "consents[1].purpose"),
        (json!({"consents": [ahead]}), "consents[0].givenAt"),
        (json!({"consents": [{"channel": "fax", "purpose": "service", "granted": true}]}), "consents[0].channel"),
        (json!({"consents": [word], "refusedTopics": []}), "refusedTopics"),
    ] {
        let error = api.put(&path).by(&staff).json(&body).send().await.error(400, "validation_failed");
        assert_eq!(error["details"]["fields"][0]["field"], field, "{error}");
    }
    api.get("/api/customers/customer-999/consents").by(&staff).send().await.error(404, "not_found");
    // an agent who does not look after them
    let agent = api.user(SystemRole::ReadOnly).await;
    api.put(&path).by(&agent).json(&json!({"consents": [word]})).send().await.error(403, "permission_denied");
}
