//! Listing campaigns, pausing, resuming and stopping them.

use crate::{book::Entry, http_create::Ground};
use domain::permissions::SystemRole;
use serde_json::{Value, json};
use tests::http::Answer;

async fn put(ground: &Ground, id: &str, status: &str) -> Answer {
    let call = ground.api.put(&format!("/api/campaigns/{id}/status")).by(&ground.manager);
    call.header("x-request-id", "req-7").json(&json!({"status": status})).send().await
}

async fn set(ground: &Ground, assignments: &str) {
    ground.client.batch_execute(&format!("UPDATE campaigns SET {assignments}")).await.unwrap();
}

#[tokio::test]
async fn a_campaign_is_paused_resumed_and_stopped_and_the_log_says_by_whom() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let id = ground.create(&ground.request()).await;
    set(&ground, "status = 'active', audience_ready = TRUE, target_count = 1").await;
    for (asked, status) in
        [("paused", "paused"), ("active", "active"), ("pause", "paused"), ("resume", "active"), ("stop", "cancelled")]
    {
        let changed = put(&ground, &id, asked).await.data(200);
        assert_eq!((&changed["campaignId"], &changed["status"]), (&json!(id), &json!(status)), "{asked}");
        let read = ground.get(&format!("/api/campaigns/{id}")).await;
        assert_eq!((&read["status"], &read["updatedAt"]), (&json!(status), &changed["updatedAt"]), "{asked}");
    }
    let rows = ground
        .client
        .query(
            "SELECT action, actor_id, request_id, before ->> 'status', after ->> 'status', entity_id::BIGINT \
             FROM audit_log WHERE entity_type = 'campaign' AND action <> 'campaign.created' ORDER BY id",
            &[],
        )
        .await
        .unwrap();
    let log: Vec<(String, String, String)> = rows.iter().map(|row| (row.get(0), row.get(3), row.get(4))).collect();
    let line = |action: &str, from: &str, to: &str| (format!("campaign.{action}"), from.to_owned(), to.to_owned());
    assert_eq!(
        log,
        [
            line("paused", "active", "paused"),
            line("resumed", "paused", "active"),
            line("paused", "active", "paused"),
            line("resumed", "paused", "active"),
            line("stopped", "active", "cancelled")
        ]
    );
    assert!(rows.iter().all(|row| row.get::<_, i64>(1) == ground.manager.id.0 && row.get::<_, String>(2) == "req-7"));
    let kinds = crate::book::texts(&ground.client, "SELECT DISTINCT kind::TEXT FROM jobs ORDER BY 1").await;
    assert_eq!(
        kinds,
        ["build_audience", "compute_analytics", "send_batch", "stop_campaign"],
        "each change brings its work"
    );
}

#[tokio::test]
async fn what_does_not_fit_names_what_would_and_changes_nothing() {
    let ground = Ground::new(&[]).await;
    let id = ground.create(&ground.request()).await;
    for (status, asked, allowed) in [
        ("completed", "paused", json!([])),
        ("cancelled", "active", json!(["cancelled"])),
        ("failed", "resume", json!([])),
        ("missed", "paused", json!(["active", "cancelled", "draft"])),
    ] {
        set(&ground, &format!("status = '{status}'")).await;
        let refused = put(&ground, &id, asked).await.error(409, "illegal_transition");
        assert_eq!((&refused["details"]["from"], &refused["details"]["allowed"]), (&json!(status), &allowed));
        assert_eq!(ground.get(&format!("/api/campaigns/{id}")).await["status"], status);
    }
    set(&ground, "status = 'scheduled', scheduled_at = now()").await;
    let refused = put(&ground, &id, "paused").await.error(409, "illegal_transition");
    assert_eq!(refused["message"], "a scheduled campaign cannot become paused; it can become cancelled or draft");
    let unknown = put(&ground, &id, "completed").await.error(400, "validation_failed");
    assert_eq!(unknown["details"]["fields"][0]["field"], "status");
    assert_eq!(
        crate::book::number(&ground.client, "SELECT count(*) FROM audit_log WHERE action <> 'campaign.created'").await,
        0
    );
}

#[tokio::test]
async fn asking_for_what_is_changes_nothing_and_a_missed_one_is_confirmed() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let mut request = ground.request();
    request["scheduledAt"] = json!(ground.ahead(60));
    request["scheduleType"] = json!("scheduled");
    let id = ground.create(&request).await;
    set(&ground, "status = 'missed'").await;
    let confirmed = put(&ground, &id, "active").await.data(200);
    assert_eq!(confirmed["status"], "preparing");
    let again = put(&ground, &id, "active").await.data(200);
    assert_eq!(again, confirmed);
    assert_eq!(
        crate::book::texts(&ground.client, "SELECT kind::TEXT FROM jobs ORDER BY kind").await,
        ["build_audience", "compute_analytics"]
    );
    assert_eq!(
        crate::book::number(&ground.client, "SELECT count(*) FROM audit_log WHERE action <> 'campaign.created'").await,
        1
    );
}

#[tokio::test]
async fn of_several_at_once_each_is_judged_by_where_the_campaign_stands() {
    let ground = Ground::new(&[]).await;
    let id = ground.create(&ground.request()).await;
    set(&ground, "status = 'active', audience_ready = TRUE").await;
    let asked = ["paused", "active", "paused", "active", "cancelled", "paused"];
    let answers = futures_util::future::join_all(asked.map(|status| put(&ground, &id, status))).await;
    for answer in &answers {
        match answer.status.as_u16() {
            200 => assert_eq!(answer.data(200)["campaignId"], json!(id)),
            _ => assert_eq!(answer.error(409, "illegal_transition")["details"]["from"], "cancelled"),
        }
    }
    assert_eq!(ground.get(&format!("/api/campaigns/{id}")).await["status"], "cancelled");
    // the log is a chain: each change begins where the one before ended
    let log = "SELECT before ->> 'status' || ' ' || (after ->> 'status') FROM audit_log \
               WHERE action <> 'campaign.created' ORDER BY id";
    let log = crate::book::texts(&ground.client, log).await;
    let steps: Vec<(&str, &str)> = log.iter().map(|step| step.split_once(' ').unwrap()).collect();
    assert!(steps.windows(2).all(|pair| pair[0].1 == pair[1].0), "{log:?}");
}

#[tokio::test]
async fn changing_needs_the_permission_and_a_campaign() {
    let ground = Ground::new(&[]).await;
    let id = ground.create(&ground.request()).await;
    let reader = ground.api.user(SystemRole::ReadOnly).await;
    let call = ground.api.put(&format!("/api/campaigns/{id}/status")).by(&reader).json(&json!({"status": "paused"}));
    assert_eq!(call.send().await.error(403, "permission_denied")["details"]["permission"], "campaigns.send");
    ground.api.get(&format!("/api/campaigns/{id}")).by(&reader).send().await.data(200);
    for unknown in ["campaign-999", "upload-1", "1"] {
        put(&ground, unknown, "paused").await.error(404, "not_found");
        for path in ["", "/analytics", "/recipients", "/exclusions"] {
            let path = format!("/api/campaigns/{unknown}{path}");
            ground.api.get(&path).by(&reader).send().await.error(404, "not_found");
        }
    }
}

#[tokio::test]
async fn the_list_is_filtered_and_paged() {
    let ground = Ground::new(&[]).await;
    for number in 1..=5 {
        let mut request = ground.request();
        request["name"] = json!(format!("Campaign {number}_100%"));
        if number > 3 {
            request["uploadId"] = Value::Null;
        }
        ground.create(&request).await;
    }
    set(&ground, "status = 'paused' WHERE name LIKE 'Campaign 2%'").await;
    let list = async |query: &str| ground.get(&format!("/api/campaigns?{query}")).await;
    let page = list("limit=2&page=2").await;
    assert_eq!(page["pagination"], json!({"page": 2, "limit": 2, "total": 5, "totalPages": 3, "atLeast": false}));
    assert_eq!(page["campaigns"][0]["name"], "Campaign 3_100%");
    let upload = format!("uploadId=upload-{}", ground.upload);
    for (query, total) in [
        ("status=paused", 1),
        ("status=paused,preparing", 5),
        ("status=completed", 0),
        ("type=whatsapp", 5),
        ("type=email,sms", 0),
        (upload.as_str(), 3),
        ("search=campaign%202", 1),
        ("search=_100%25", 5),
        ("search=2_0", 0),
        ("search=%25%25", 0),
    ] {
        assert_eq!(list(query).await["pagination"]["total"], total, "{query}");
    }
    for (query, field) in
        [("status=gone", "status"), ("type=fax", "type"), ("uploadId=x", "uploadId"), ("page=0", "page")]
    {
        let refused = ground.api.get(&format!("/api/campaigns?{query}")).by(&ground.manager).send().await;
        assert_eq!(refused.error(400, "validation_failed")["details"]["fields"][0]["field"], field, "{query}");
    }
}
