//! Lists of customers, and tags.

use crate::http::{Ground, expiring};
use domain::permissions::SystemRole;
use serde_json::json;

#[tokio::test]
async fn customers_are_listed_by_id_by_code_and_from_a_file() {
    let ground = Ground::new().await;
    let id = ground.made(&json!({"name": "List"})).await;
    let path = format!("/api/segments/{id}/members");
    let given = json!({"customerIds": ["customer-1", "customer-99"], "customerCodes": ["C2", " C2 ", "Z"]});
    let added = ground.api.post(&path).by(&ground.manager).json(&given).send().await.data(200);
    assert_eq!(added, json!({"added": 2, "known": 0, "unknown": 2, "examples": ["customer-99", "Z"]}));
    let file = "\u{feff}customer_code,name\nC2,x\nC3,y\n\nQ,z\n";
    let import = format!("{path}/import");
    let added = ground.api.post(&import).by(&ground.manager).body("text/csv", file).send().await.data(200);
    assert_eq!(added, json!({"added": 1, "known": 1, "unknown": 1, "examples": ["Q"]}));
    let added = ground.api.post(&import).by(&ground.manager).body("text/csv", "customer_id\ncustomer-4\n").send().await;
    assert_eq!(added.data(200)["added"], json!(1));
    for file in ["name\nx\n", "customer_id\nC4\n"] {
        ground
            .api
            .post(&import)
            .by(&ground.manager)
            .body("text/csv", file)
            .send()
            .await
            .error(400, "validation_failed");
    }
    let gone = json!({"customerIds": ["customer-4", "customer-5"]});
    let gone = ground.api.post(&format!("{path}/remove")).by(&ground.manager).json(&gone).send().await.data(200);
    assert_eq!(gone, json!({"removed": 1}));

    let listed = ground.get(&path).await;
    let codes: Vec<_> = listed["members"].as_array().unwrap().iter().map(|member| &member["customerCode"]).collect();
    assert_eq!(codes, ["C1", "C2", "C3"]);
    assert_eq!(listed["pagination"]["total"], json!(3));
    assert_eq!(ground.get(&format!("/api/segments/{id}/count")).await["customers"], json!(3));
    let explained = ground.get(&format!("/api/segments/{id}/explain?customerId=customer-3")).await;
    assert_eq!((&explained["in"], &explained["heldOut"]), (&json!(true), &json!(false)));

    let dynamic = ground.made(&json!({"name": "Soon", "filter": expiring(0, 9)})).await;
    let path = format!("/api/segments/{dynamic}/members");
    let given = json!({"customerIds": ["customer-1"]});
    ground.api.post(&path).by(&ground.manager).json(&given).send().await.error(409, "segment_is_dynamic");
}

#[tokio::test]
async fn tags_are_set_on_one_and_on_many() {
    let ground = Ground::new().await;
    let administrator = ground.api.user(SystemRole::Administrator).await;
    let one = json!({"tags": [" VIP ", "vip", "Fleet"]});
    let set = ground.api.put("/api/customers/customer-1/tags").by(&administrator).json(&one).send().await.data(200);
    assert_eq!(set["tags"], json!(["fleet", "vip"]));
    let many =
        json!({"customerIds": ["customer-1", "customer-2", "customer-99"], "add": ["new", "VIP"], "remove": ["fleet"]});
    let changed = ground.api.post("/api/customers/tags").by(&administrator).json(&many).send().await.data(200);
    assert_eq!(changed, json!({"added": 3, "removed": 1}));
    let tags = ground.api.get("/api/customers/customer-1/tags").by(&administrator).send().await.data(200);
    assert_eq!(tags["tags"], json!(["new", "vip"]));
    let vip = json!({"field": "tag", "operator": "all", "value": ["vip", "new"]});
    let preview = json!({"targetAudience": {"filter": vip}});
    let seen = ground.api.post("/api/segments/preview").by(&ground.manager).json(&preview).send().await.data(200);
    assert_eq!(seen["count"]["customers"], json!(2));
    for bad in [json!({"tags": [""]}), json!({"tags": ["x".repeat(51)]}), json!({"tags": vec!["x"; 51]})] {
        let refused = ground.api.put("/api/customers/customer-1/tags").by(&administrator).json(&bad).send().await;
        refused.error(400, "validation_failed");
    }
    ground.api.get("/api/customers/customer-99/tags").by(&administrator).send().await.error(404, "not_found");
}
