//! Personal data is masked wherever it shows; revealing it is done for one customer, and remembered.

use crate::ground::{FILE, Ground, HEAD};
use domain::permissions::SystemRole;
use serde_json::{Value, json};

#[tokio::test]
async fn nobody_sees_personal_data_without_asking_for_it() {
    let ground = Ground::new().await;
    let administrator = ground.person(SystemRole::Administrator.as_str(), ground.here).await;
    let world = ground.world(administrator.id, ground.here).await;
    let get = async |path: &str| ground.api.get(path).by(&administrator).send().await.data(200);
    let customer = get(&format!("/api/customers/customer-{}", world.customer)).await;
    assert_eq!(customer["email"], "m***@example.com");
    assert_eq!(customer["phone"], format!("+91******{}", &world.phone[world.phone.len() - 4..]));
    assert_eq!(customer["dateOfBirth"], "**/**/1980");
    assert_eq!(customer["address"], json!({"city": "Pune"}));
    assert_eq!(customer["kycDocuments"][0]["type"], "pan");
    assert_eq!(customer["kycDocuments"][0]["number"], format!("******{}", &world.mark[6..]).as_str());
    let list = get("/api/customers").await;
    assert_eq!(list["customers"][0], customer);
    let recipients = get(&format!("/api/campaigns/campaign-{}/recipients", world.campaign)).await;
    assert_eq!(recipients["recipients"][0]["address"], customer["phone"]);
}

#[tokio::test]
async fn revealing_is_remembered_without_what_was_seen() {
    let ground = Ground::new().await;
    let agent = ground.person("agent", ground.here).await;
    let world = ground.world(agent.id, ground.here).await;
    let path = format!("/api/customers/customer-{}/reveal", world.customer);
    // an answer in clear is not kept to be given again
    let reveal = || ground.api.post(&path).by(&agent).header("idempotency-key", "k1").send();
    let seen = reveal().await.data(200);
    assert_eq!(seen["phone"], world.phone);
    assert_eq!(seen["email"], format!("{}@example.com", world.mark));
    assert_eq!((&seen["dateOfBirth"], &seen["address"]["city"]), (&json!("1980-05-17"), &json!("Pune")));
    assert_eq!(seen["kycDocuments"][0]["number"], world.mark);
    reveal().await.data(200);
    let entries = ground
        .client
        .query("SELECT actor_id, entity_id, before, after FROM audit_log WHERE action = 'customer.revealed'", &[])
        .await
        .unwrap();
    assert_eq!(entries.len(), 2);
    let fields = json!({"fields": ["email", "phone", "dateOfBirth", "address", "kycDocuments"]});
    for entry in entries {
        assert_eq!((entry.get::<_, i64>(0), entry.get::<_, i64>(1)), (agent.id.0, world.customer));
        assert_eq!((entry.get::<_, Option<Value>>(2), entry.get::<_, Value>(3)), (None, fields.clone()));
    }
    assert_eq!(ground.number("SELECT count(*) FROM idempotency_keys").await, 0);
}

#[tokio::test]
async fn what_may_not_be_revealed_leaves_no_trace() {
    let ground = Ground::new().await;
    let (agent, looker) = (ground.person("agent", ground.here).await, ground.person("read_only", ground.here).await);
    let other = ground.world_there().await;
    let path = format!("/api/customers/customer-{}/reveal", other.customer);
    ground.api.post(&path).by(&agent).send().await.error(404, "not_found");
    ground.api.post(&path).by(&looker).send().await.error(403, "permission_denied");
    let entries = "SELECT count(*) FROM audit_log WHERE action = 'customer.revealed'";
    assert_eq!(ground.number(entries).await, 0);
}

#[tokio::test]
async fn a_file_of_personal_data_is_for_its_uploader_and_those_who_may_see_it() {
    let ground = Ground::new().await;
    let uploader = ground.person(HEAD, ground.here).await;
    let world = ground.world(uploader.id, ground.here).await;
    let looker = ground.person("read_only", ground.here).await;
    for path in ["download", "errors"].map(|what| format!("/api/upload/{what}/upload-{}", world.upload)) {
        ground.api.get(&path).by(&looker).send().await.error(403, "permission_denied");
        let file = ground.api.get(&path).by(&uploader).send().await;
        assert_eq!((file.status.as_u16(), &file.body[..]), (200, FILE.as_bytes()));
    }
    let noted = "SELECT count(*) FROM audit_log WHERE action IN ('upload.downloaded', 'upload.errors_downloaded')";
    assert_eq!(ground.number(noted).await, 2);
    let path = format!("/api/upload/status/upload-{}", world.upload);
    let value = async |by| ground.api.get(&path).by(by).send().await.data(200)["errors"][0]["value"].take();
    assert_eq!((value(&uploader).await, value(&looker).await), (json!(world.mark), Value::Null));
}
