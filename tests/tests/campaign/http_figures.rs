//! A campaign's figures, its recipients and those left out, over HTTP.

use crate::{
    audience::{build, target},
    book::{self, Entry},
    http_create::{Ground, instant},
};
use chrono::{DateTime, Utc};
use domain::permissions::SystemRole;
use schema::campaigns;
use serde_json::{Value, json};

/// A campaign whose messages got to different places.
async fn campaign(ground: &Ground) -> (String, i64) {
    let id = ground.create(&ground.request()).await;
    let number: i64 = id.trim_start_matches("campaign-").parse().unwrap();
    let target = target(Some(ground.upload), &json!("all"));
    build(&ground.api.base, &ground.client, number, &target).await.unwrap();
    let mut connection = ground.api.connection().await;
    campaigns::start(&mut connection, number, ground.api.state.services.clock.now()).await.unwrap();
    ground
        .client
        .batch_execute(
            "UPDATE messages SET status = 'read', sent_at = now(), delivered_at = now(), opened_at = now(), \
                provider_message_id = 'wamid.1' WHERE id = (SELECT min(id) FROM messages); \
             UPDATE messages SET status = 'delivered', sent_at = now(), delivered_at = now() \
                WHERE id = (SELECT min(id) + 1 FROM messages); \
             UPDATE messages SET status = 'failed', error_code = '131026', failed_at = now() \
                WHERE id = (SELECT min(id) + 2 FROM messages)",
        )
        .await
        .unwrap();
    (id, number)
}

fn entries() -> Vec<Entry> {
    let opted_out = Entry { preferences: Some(r#"{"whatsapp": false}"#), ..Entry::new(8) };
    let mut entries: Vec<_> = (1..=5).map(Entry::new).collect();
    entries.extend([6, 7].map(|number| Entry { phone: None, ..Entry::new(number) }));
    entries.push(opted_out);
    entries
}

#[tokio::test]
async fn figures_are_as_of_now_and_a_measurement_is_kept_beside_the_campaign() {
    let ground = Ground::new(&entries()).await;
    let (id, number) = campaign(&ground).await;
    let path = format!("/api/campaigns/{id}/analytics");
    let fresh = ground.get(&path).await;
    assert_eq!((&fresh["campaignId"], &fresh["status"]), (&json!(id), &json!("active")));
    assert_eq!(fresh["campaigns"], json!([id]));
    assert_eq!(
        fresh["metrics"],
        json!({
            "total": 5, "pending": 2, "sending": 0, "suppressed": 0, "unconfirmed": 0, "failed": 1, "sent": 2,
            "delivered": 2, "opened": 1, "clicked": 0, "replied": 0, "converted": 0, "unsubscribed": 0, "complained": 0,
            "openRate": 50.0, "clickRate": 0.0, "conversionRate": 0.0, "deliveryRate": 100.0
        })
    );
    assert_eq!(fresh["exclusions"], json!([{"reason": "no_phone", "count": 2}, {"reason": "opted_out", "count": 1}]));
    assert_eq!(fresh["failures"], json!([{"status": "failed", "code": "131026", "count": 1}]));
    let sum = |name: &str| -> i64 {
        fresh["timeline"].as_array().unwrap().iter().map(|span| span[name].as_i64().unwrap()).sum()
    };
    assert_eq!((sum("sent"), sum("delivered"), sum("opened"), sum("failed")), (2, 2, 1, 1));
    assert_eq!(fresh["timelineSeconds"], 60);
    let content = &fresh["topPerformingContent"][0];
    assert_eq!(
        (&content["name"], &content["sent"], &content["openRate"]),
        (&json!("Reminder"), &json!(2), &json!(50.0))
    );
    assert_eq!(content["templateId"], json!(format!("template-{}", ground.template)));

    let at: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().unwrap();
    let mut connection = ground.api.connection().await;
    let measured = campaigns::measure(&mut connection, &[number], None).await.unwrap();
    let report = serde_json::to_value(measured.report(None, Some(5))).unwrap();
    assert!(campaigns::store(&mut connection, number, &measured, &report, at).await.unwrap());
    let read = ground.get(&format!("/api/campaigns/{id}")).await;
    assert_eq!(
        (&read["sentCount"], &read["excludedCount"], &read["estimatedCount"]),
        (&json!(2), &json!(3), &json!(5))
    );
    ground.client.batch_execute("UPDATE messages SET status = 'suppressed' WHERE status = 'pending'").await.unwrap();
    let now = ground.get(&path).await;
    assert_eq!((&now["metrics"]["suppressed"], &now["metrics"]["pending"]), (&json!(2), &json!(0)));
    assert!(instant(&now["measuredAt"]) > at);
}

#[tokio::test]
async fn recipients_are_walked_page_by_page() {
    let ground = Ground::new(&entries()).await;
    let (id, _) = campaign(&ground).await;
    let mut seen: Vec<String> = Vec::new();
    let mut after = String::new();
    loop {
        let page = ground.get(&format!("/api/campaigns/{id}/recipients?limit=2{after}")).await;
        let rows = page["recipients"].as_array().unwrap();
        assert!(!rows.is_empty() && rows.len() <= 2);
        seen.extend(rows.iter().map(|row| row["policyNumber"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["P1", "P2", "P3", "P4", "P5"]);
    let failed = ground.get(&format!("/api/campaigns/{id}/recipients?status=failed,read")).await;
    let rows = failed["recipients"].as_array().unwrap();
    let told: Vec<(&Value, &Value)> = rows.iter().map(|row| (&row["status"], &row["errorCode"])).collect();
    assert_eq!(told, [(&json!("read"), &Value::Null), (&json!("failed"), &json!("131026"))]);
    assert_eq!(rows[0]["customerName"], "First1 Last1");
    assert_eq!((&rows[0]["providerMessageId"], failed["next"].is_null()), (&json!("wamid.1"), true));
    for (query, field) in [("status=lost", "status"), ("after=case-1", "after"), ("limit=0", "limit")] {
        let path = format!("/api/campaigns/{id}/recipients?{query}");
        let refused = ground.api.get(&path).by(&ground.manager).send().await.error(400, "validation_failed");
        assert_eq!(refused["details"]["fields"][0]["field"], field);
    }
}

#[tokio::test]
async fn addresses_are_masked_for_everybody() {
    let ground = Ground::new(&entries()).await;
    let (id, _) = campaign(&ground).await;
    let path = format!("/api/campaigns/{id}/recipients?limit=1");
    for (role, address) in [(SystemRole::Administrator, "+91******0001"), (SystemRole::ReadOnly, "+91******0001")] {
        let user = ground.api.user(role).await;
        let page = ground.api.get(&path).by(&user).send().await.data(200);
        assert_eq!(page["recipients"][0]["address"], address, "{role}");
    }
}

#[tokio::test]
async fn those_left_out_are_listed_by_reason() {
    let ground = Ground::new(&entries()).await;
    let (id, _) = campaign(&ground).await;
    let path = format!("/api/campaigns/{id}/exclusions");
    let first = ground.get(&format!("{path}?limit=2")).await;
    let row = |number: i64, reason: &str| (json!(format!("P{number}")), json!(reason));
    let told = |page: &Value| -> Vec<(Value, Value)> {
        let rows = page["exclusions"].as_array().unwrap();
        rows.iter().map(|row| (row["policyNumber"].clone(), row["reason"].clone())).collect()
    };
    assert_eq!(told(&first), [row(6, "no_phone"), row(7, "no_phone")]);
    let rest = ground.get(&format!("{path}?limit=2&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!((told(&rest), rest["next"].is_null()), (vec![row(8, "opted_out")], true));
    assert_eq!(told(&ground.get(&format!("{path}?reason=opted_out")).await), [row(8, "opted_out")]);
    for (query, field) in [("reason=bored", "reason"), ("after=nowhere", "after")] {
        let refused = ground.api.get(&format!("{path}?{query}")).by(&ground.manager).send().await;
        assert_eq!(refused.error(400, "validation_failed")["details"]["fields"][0]["field"], field);
    }
    assert_eq!(book::number(&ground.client, "SELECT count(*) FROM campaign_exclusions").await, 3);
}
