//! The whole of a campaign over the sandbox: nobody gets anything, and nothing of it counts for anybody.

use crate::{
    book::{self, Entry},
    ground::{Ground, number},
};
use serde_json::json;
use tests::meta::{Behaviour, MetaServer};

#[tokio::test]
async fn a_rehearsal_goes_to_everybody_and_nobody() {
    let meta = MetaServer::start(Behaviour::default()).await.unwrap();
    let environment = meta.environment();
    let variables: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ground =
        Ground::with(&[Entry::new(1), Entry::new(2), Entry { phone: None, ..Entry::new(3) }], &variables).await;
    let workers = ground.workers();
    let id = ground.create(&json!({"asDraft": true})).await;
    let rehearsal = ground.post(&format!("/api/campaigns/{id}/rehearsal"), &json!({})).await.data(202);
    let of = rehearsal["id"].as_str().unwrap();
    assert_eq!(rehearsal["name"], json!("May (rehearsal)"));
    ground.until_status(of, "completed").await;
    assert_eq!(ground.get(&format!("/api/campaigns/{of}")).await["rehearsal"], json!(true));
    let sent = format!(
        "SELECT count(*) FROM messages WHERE campaign_id = {} AND rehearsal AND sent_at IS NOT NULL AND provider = 'sandbox'",
        number(of)
    );
    assert_eq!(book::number(&ground.client, &sent).await, 2);
    assert_eq!(meta.accepted_count(), 0, "nobody got anything");
    // what comes back of it is made up: it says nothing of the customer, and is not in their history
    let told = "INSERT INTO provider_events (provider, provider_event_id, kind, message_id, provider_message_id, address, status, \
                    bounce, occurred_at, payload) \
                SELECT 'sandbox', 'made-up-' || e.kind, e.kind, m.id, m.provider_message_id, m.address, e.status, e.bounce, now(), \
                    jsonb_build_object('inbound', jsonb_build_object('text', 'STOP', 'inReplyTo', m.provider_message_id)) \
                FROM (SELECT * FROM messages WHERE rehearsal ORDER BY id LIMIT 1) m, \
                    (VALUES ('status', 'failed', 'hard'), ('inbound', NULL, NULL)) AS e (kind, status, bounce)";
    ground.client.execute(told, &[]).await.unwrap();
    jobs::provider_events::wake(&ground.api.state.services).await.unwrap();
    let applied =
        "SELECT count(*) FROM provider_events WHERE provider_event_id LIKE 'made-up-%' AND applied_at IS NOT NULL";
    ground.until_number("both are applied", applied, 2).await;
    let said = "SELECT (SELECT count(*) FROM inbound_messages) + (SELECT count(*) FROM suppressions) \
                + (SELECT count(*) FROM consents)";
    assert_eq!(book::number(&ground.client, said).await, 0);
    let customer = book::number(&ground.client, "SELECT min(id) FROM customers").await;
    let history = format!("/api/communication/history?customerId=customer-{customer}");
    assert_eq!(ground.get(&history).await["entries"], json!([]));
    let explained =
        ground.get(&format!("/api/communication/explain?campaignId={of}&customerId=customer-{customer}")).await;
    assert_eq!((&explained["decision"], &explained["message"]["rehearsal"]), (&json!("written"), &json!(true)));
    assert_eq!(ground.status(&id).await, "draft", "the original is as it was");
    ground.put(&format!("/api/campaigns/{id}/status"), &json!({"status": "active"})).await.data(200);
    ground.until_status(&id, "completed").await;
    assert_eq!(meta.accepted_count(), 2);
    assert_eq!(ground.get(&history).await["entries"].as_array().unwrap().len(), 1, "what they got is told");
    workers.stop().await;
}
