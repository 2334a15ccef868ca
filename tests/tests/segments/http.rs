//! Segments over HTTP: made, shared, changed, taken away; counted, sampled and explained.

use crate::write::insert;
use chrono::Days;
use domain::campaigns::Holdout;
use domain::campaigns::audience::Day;
use domain::ids::CustomerId;
use domain::permissions::{Permission, Scope, SystemRole};
use serde_json::{Value, json};
use tests::{
    diesel_schema::connect,
    http::{TestApi, TestUser},
    people,
};
use tokio_postgres::Client;

/// An API over a small book: customers 1 to 6, each with a policy that runs out `10 * n` days from now.
pub struct Ground {
    pub api: TestApi,
    pub client: Client,
    pub manager: TestUser,
}

impl Ground {
    pub async fn new() -> Self {
        let api = TestApi::new().await;
        let client = connect(api.base.database.url()).await;
        let today = Day::of(api.state.services.clock.now(), chrono_tz::Asia::Kolkata).today;
        for id in 1..=6_u32 {
            let city = if id % 2 == 0 { "Pune" } else { "Mumbai" };
            let customer = json!({
                "id": id, "customer_code": format!("C{id}"), "first_name": "Asha", "last_name": format!("Rao{id}"),
                "phone": format!("+9198000000{id:02}"), "address": {"city": city}, "kyc_status": "verified",
                "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
            });
            insert(&client, "customers", &customer).await;
            let end = today + Days::new(u64::from(id) * 10);
            let policy = json!({
                "id": id, "policy_number": format!("P{id}"), "customer_id": id, "policy_type": "motor",
                "premium_amount": 1000 * id, "currency": "INR", "start_date": end - Days::new(365), "end_date": end,
                "status": "active", "grace_period_days": 30, "created_at": "2026-01-01T00:00:00Z",
                "updated_at": "2026-01-01T00:00:00Z",
            });
            insert(&client, "policies", &policy).await;
        }
        let manager = api.user(SystemRole::CampaignManager).await;
        Self { api, client, manager }
    }

    pub async fn made(&self, body: &Value) -> String {
        let made = self.api.post("/api/segments").by(&self.manager).json(body).send().await.data(201);
        made["id"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.api.get(path).by(&self.manager).send().await.data(200)
    }
}

pub fn expiring(min: i32, max: i32) -> Value {
    json!({"field": "policy.endDate", "operator": "in_days", "value": {"min": min, "max": max}})
}

fn codes(sample: &Value) -> Vec<String> {
    let customers = sample["sample"].as_array().unwrap();
    customers.iter().map(|customer| customer["customerCode"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_segment_is_made_counted_sampled_and_explained() {
    let ground = Ground::new().await;
    let pune = json!({"field": "customer.city", "operator": "is", "value": "pune"});
    let filter = json!({"and": [expiring(15, 45), {"not": pune}]});
    let body = json!({"name": "Soon, not Pune", "filter": filter, "shared": true, "holdoutPercent": 100});
    let id = ground.made(&body).await;

    let count = ground.get(&format!("/api/segments/{id}/count")).await;
    assert_eq!(count, json!({"customers": 1, "exact": true, "low": 1, "high": 1}));
    assert_eq!(codes(&ground.get(&format!("/api/segments/{id}/sample?limit=5")).await), ["C3"]);

    let in_it = ground.get(&format!("/api/segments/{id}/explain?customerId=customer-3")).await;
    assert_eq!((&in_it["in"], &in_it["heldOut"]), (&json!(true), &json!(true)));
    let out = ground.get(&format!("/api/segments/{id}/explain?customerId=customer-4")).await;
    assert_eq!(out["in"], json!(false));
    let policy = &out["policies"][0];
    assert_eq!((&policy["policyNumber"], &policy["in"]), (&json!("P4"), &json!(false)));
    assert_eq!(
        policy["conditions"],
        json!([
            {"path": "filter.and[0]", "condition": expiring(15, 45), "holds": true, "negated": false},
            {"path": "filter.and[1].not", "condition": pune, "holds": true, "negated": true},
        ])
    );
    let nobody = format!("/api/segments/{id}/explain?customerId=customer-99");
    ground.api.get(&nobody).by(&ground.manager).send().await.error(404, "not_found");

    let preview = json!({"targetAudience": {"filter": pune, "segments": {"minus": [id, id]}}});
    let seen = ground.api.post("/api/segments/preview").by(&ground.manager).json(&preview).send().await.data(200);
    assert_eq!(seen["count"]["customers"], json!(0));
    let preview = json!({"targetAudience": {"recipients": ["customer-1", "policy-2"]}});
    let seen = ground.api.post("/api/segments/preview").by(&ground.manager).json(&preview).send().await.data(200);
    assert_eq!(codes(&seen), ["C1", "C2"]);
}

#[tokio::test]
async fn a_segment_is_its_owners_and_others_see_it_when_it_is_shared() {
    let ground = Ground::new().await;
    let other = ground.api.user(SystemRole::CampaignManager).await;
    let id = ground.made(&json!({"name": "Mine", "filter": expiring(0, 30)})).await;
    let path = format!("/api/segments/{id}");
    ground.api.get(&path).by(&other).send().await.error(404, "not_found");
    let own = json!({"targetAudience": {"segmentId": id}});
    let refused = ground.api.post("/api/segments/preview").by(&other).json(&own).send().await;
    assert!(refused.error(400, "validation_failed").to_string().contains(&id));
    assert_eq!(ground.api.get("/api/segments").by(&other).send().await.data(200)["segments"], json!([]));

    let shared = json!({"name": "Ours", "filter": expiring(0, 30), "shared": true});
    ground.api.put(&path).by(&ground.manager).json(&shared).send().await.data(200);
    let seen = ground.api.get(&path).by(&other).send().await.data(200);
    assert_eq!((&seen["name"], &seen["own"]), (&json!("Ours"), &json!(false)));
    ground.api.put(&path).by(&other).json(&shared).send().await.error(403, "not_owner");
    ground.api.delete(&path).by(&other).send().await.error(403, "not_owner");
    let taken = ground.api.post("/api/segments").by(&ground.manager).json(&shared).send().await;
    taken.error(409, "name_taken");

    // what refers to it keeps its meaning when it is gone
    let inside = json!({"name": "Inside", "filter": {"field": "segment", "operator": "in", "value": [id]}});
    let inside = ground.made(&inside).await;
    ground.api.delete(&path).by(&ground.manager).send().await.data(200);
    ground.api.get(&path).by(&ground.manager).send().await.error(404, "not_found");
    assert_eq!(ground.get(&format!("/api/segments/{inside}/count")).await["customers"], json!(3));
    let again = json!({"name": "Again", "filter": {"field": "segment", "operator": "in", "value": [id]}});
    let refused = ground.api.post("/api/segments").by(&ground.manager).json(&again).send().await;
    refused.error(400, "validation_failed");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_by_its_place() {
    let ground = Ground::new().await;
    let id = ground.made(&json!({"name": "First", "filter": expiring(0, 30)})).await;
    let to_itself = json!({"name": "First", "filter": {"field": "segment", "operator": "in", "value": id}});
    let list = ground.made(&json!({"name": "List"})).await;
    for (path, body, part) in [
        (
            String::new(),
            json!({"name": "x", "filter": {"or": [{"field": "shoe", "operator": "is"}]}}),
            "filter.or[0].field",
        ),
        (String::new(), json!({"name": " "}), "name"),
        (String::new(), json!({"name": "x", "holdoutPercent": 101}), "holdoutPercent"),
        (format!("/{id}"), to_itself, "leads back"),
        (format!("/{id}"), json!({"name": "First"}), "is dynamic"),
        (format!("/{list}"), json!({"name": "List", "filter": expiring(0, 1)}), "is a list"),
    ] {
        let path = format!("/api/segments{path}");
        let call = if path == "/api/segments" { ground.api.post(&path) } else { ground.api.put(&path) };
        let told = call.by(&ground.manager).json(&body).send().await.error(400, "validation_failed").to_string();
        assert!(told.contains(part), "{body}: {told}");
    }
}

#[tokio::test]
async fn a_reader_counts_and_sees_whom_they_reach() {
    let ground = Ground::new().await;
    let branch = people::branch(&ground.api, "north").await;
    ground.client.execute("UPDATE policies SET branch_id = $1 WHERE id IN (2, 3)", &[&branch.0]).await.unwrap();
    people::role(&ground.api, "north", &[Permission::CampaignsView], Scope::Branch).await;
    let reader = people::holder(&ground.api, "north", Some(branch)).await;
    let shared = |name: &str, filter: Value| json!({"name": name, "filter": filter, "shared": true});
    let by_policy = ground.made(&shared("By policy", expiring(0, 60))).await;
    let kyc = json!({"field": "customer.kycStatus", "operator": "is", "value": "verified"});
    let by_customer = ground.made(&shared("By customer", kyc)).await;
    for id in [by_policy, by_customer] {
        assert_eq!(ground.get(&format!("/api/segments/{id}/count")).await["customers"], json!(6));
        let get = async |path: String| ground.api.get(&path).by(&reader).send().await;
        let count = get(format!("/api/segments/{id}/count")).await.data(200);
        assert_eq!(count["customers"], json!(2), "{id}");
        assert_eq!(codes(&get(format!("/api/segments/{id}/sample")).await.data(200)), ["C2", "C3"]);
        get(format!("/api/segments/{id}/explain?customerId=customer-1")).await.error(404, "not_found");
    }
}

#[tokio::test]
async fn a_group_drawn_here_is_the_one_drawn_in_the_database() {
    let ground = Ground::new().await;
    let holdout = Holdout { salt: "segment-7".to_owned(), basis_points: 2_500 };
    let query = "SELECT n, ('x' || encode(substr(sha256(convert_to('segment-7:' || n, 'UTF8')), 1, 4), 'hex'))::BIT(32) \
                 ::BIGINT % 10000 < 2500 FROM generate_series(1::BIGINT, 2000) n";
    let rows = ground.client.query(query, &[]).await.unwrap();
    assert_eq!(rows.len(), 2_000);
    for row in rows {
        assert_eq!(holdout.holds(CustomerId(row.get(0))), row.get::<_, bool>(1));
    }
}
