//! Statuses of messages that a provider's webhooks bring: accepted over HTTP, signed, a hundred at a time, and applied by
//! a worker process; against bare statements that keep and apply as many, and check nothing.

use crate::{
    book,
    report::{Report, per_second, percent, thousands},
};
use anyhow::{Context, ensure};
use futures_util::{StreamExt, stream};
use providers::whatsapp_webhook::sign;
use serde_json::json;
use std::time::{Duration, Instant};
use tests::{
    fleet::{Fleet, Plan, Program},
    meta::{APP_SECRET, Behaviour, PHONE_NUMBER_ID},
    wait::until,
};
use tokio_postgres::Client;

/// Statuses of one delivery.
const AT_ONCE: usize = 100;
/// Deliveries under way at once.
const CALLERS: usize = 16;
/// Each message is told to be sent, then delivered, then read.
const STORY: [&str; 3] = ["sent", "delivered", "read"];
/// When the first thing happened.
const EPOCH: usize = 1_700_000_000;
/// Far from any number of messages that is measured, and a prime: spreads a delivery over all of them.
const STRIDE: usize = 7_919;

/// Measures `count` statuses.
pub async fn run(count: usize, report: &mut Report) -> anyhow::Result<()> {
    let plan = Plan {
        servers: local::Options::for_run(),
        behaviour: Behaviour::default(),
        workers: 0,
        queues: &["events=1", "campaigns=1"],
        rate: 80,
        more: Vec::new(),
    };
    let messages = count / STORY.len();
    let count = messages * STORY.len();
    let mut fleet = Fleet::with(plan).await;
    fleet.write_book(messages).await;
    let client = fleet.connect().await;
    write_messages(&client).await?;

    let begun = Instant::now();
    deliver(&fleet, messages).await?;
    let accepted = begun.elapsed().as_secs_f64();
    ensure!(number(&client, "SELECT count(*) FROM provider_events").await? == i64::try_from(count)?, "all are kept");
    client.batch_execute("ANALYZE provider_events").await?;
    let begun = Instant::now();
    fleet.launch(Program::Worker(0));
    until("every status is applied", Duration::from_secs(3_600), || async {
        let left = "SELECT count(*) FROM (SELECT 1 FROM provider_events WHERE applied_at IS NULL LIMIT 1) AS one";
        number(&client, left).await.is_ok_and(|left| left == 0)
    })
    .await;
    let applied = begun.elapsed().as_secs_f64();
    let read = number(&client, "SELECT count(*) FROM messages WHERE status = 'read'").await?;
    ensure!(read == i64::try_from(messages)?, "{read} of {messages} messages are read");
    fleet.kill(Program::Worker(0));

    let (bare_accepted, bare_applied) = bare(&client, messages).await?;
    let of = |seconds| format!("{} a second", thousands(per_second(count, seconds)));
    let against = |bare, ours| format!("{} of bare statements ({})", percent(bare, ours), of(bare));
    let what = format!("webhooks: {} statuses accepted and kept, {AT_ONCE} a delivery", thousands(count as f64));
    report.add(what, of(accepted), against(bare_accepted, accepted));
    report.add("the same: applied by one worker", of(applied), against(bare_applied, applied));
    let (both, bare) = (accepted + applied, bare_accepted + bare_applied);
    report.add("the same: both, one after the other", of(both), format!("{}; target: 10,000", against(bare, both)));
    Ok(())
}

async fn number(client: &Client, query: &str) -> anyhow::Result<i64> {
    Ok(client.query_one(query, &[]).await?.try_get(0)?)
}

/// A message of one campaign to everybody in the book, taken by the provider.
async fn write_messages(client: &Client) -> anyhow::Result<()> {
    let written = "INSERT INTO campaigns (group_id, name, campaign_type, status) \
                   VALUES (gen_random_uuid(), 'Renewals', 'whatsapp', 'completed'); \
         INSERT INTO messages (campaign_id, customer_id, channel, address, status, attempts, provider, account, \
                provider_message_id, sent_at) \
             SELECT k.id, c.id, 'whatsapp', c.phone, 'sent', 1, 'whatsapp_cloud', 'whatsapp', 'wamid.B' || c.id, now() \
             FROM customers c, campaigns k ORDER BY c.id; \
         ANALYZE messages; CHECKPOINT";
    client.batch_execute(written).await.context("writing messages")
}

/// Posts all statuses, as Meta does.
async fn deliver(fleet: &Fleet, messages: usize) -> anyhow::Result<()> {
    let (client, url) = (reqwest::Client::builder().build()?, fleet.url("/api/webhooks/whatsapp"));
    let deliveries = (0..(messages * STORY.len()).div_ceil(AT_ONCE)).map(|delivery| {
        let body = body(delivery, messages);
        let signature = sign(&APP_SECRET.into(), body.as_bytes()).unwrap_or_default();
        let call = client.post(&url).header("content-type", "application/json");
        let call = call.header("x-hub-signature-256", signature).body(body).send();
        async move { call.await?.error_for_status().map(drop) }
    });
    let mut calls = stream::iter(deliveries).buffer_unordered(CALLERS);
    while let Some(call) = calls.next().await {
        call?;
    }
    Ok(())
}

fn body(delivery: usize, messages: usize) -> String {
    let statuses: Vec<_> = (delivery * AT_ONCE..((delivery + 1) * AT_ONCE).min(messages * STORY.len()))
        .map(|number| {
            let message = number * STRIDE % messages;
            json!({
                "id": format!("wamid.B{}", message + 1), "status": STORY[number / messages],
                "timestamp": (EPOCH + number / messages).to_string(),
                "recipient_id": book::phone(message + 1).trim_start_matches('+'),
                "biz_opaque_callback_data": format!("m-{}-1", message + 1),
                "conversation": {"id": "c0ffee", "origin": {"type": "utility"}},
                "pricing": {"billable": true, "pricing_model": "PMP", "category": "utility"},
            })
        })
        .collect();
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001", "phone_number_id": PHONE_NUMBER_ID},
        "statuses": statuses,
    }}]}]})
    .to_string()
}

/// The same by bare statements, one a step of the story; the seconds of keeping and of applying.
async fn bare(client: &Client, messages: usize) -> anyhow::Result<(f64, f64)> {
    let reset = "CREATE TABLE told AS SELECT * FROM provider_events; TRUNCATE provider_events, jobs CASCADE; \
                 DELETE FROM messages; VACUUM messages";
    for statement in reset.split(';') {
        client.batch_execute(statement).await?;
    }
    write_messages_again(client).await?;
    let (mut kept, mut applied) = (0.0, 0.0);
    let columns = "provider, provider_event_id, kind, message_id, provider_message_id, status, address, occurred_at, \
                   received_at, payload, apply_after";
    for status in STORY {
        let begun = Instant::now();
        let keep = format!("INSERT INTO provider_events ({columns}) SELECT {columns} FROM told WHERE status = $1");
        client.execute(&keep, &[&status]).await?;
        kept += begun.elapsed().as_secs_f64();
    }
    for (status, column) in STORY.into_iter().zip(["sent_at", "delivered_at", "opened_at"]) {
        let begun = Instant::now();
        let apply = format!(
            "WITH told AS (UPDATE provider_events SET applied_at = now(), outcome = 'applied' \
                           WHERE applied_at IS NULL AND status = $1 \
                           RETURNING provider, provider_message_id, status, occurred_at) \
             UPDATE messages m SET status = t.status, {column} = t.occurred_at, updated_at = now() FROM told t \
             WHERE m.provider = t.provider AND m.provider_message_id = t.provider_message_id"
        );
        let changed = client.execute(&apply, &[&status]).await?;
        ensure!(changed == u64::try_from(messages)?, "{changed} of {messages} changed");
        applied += begun.elapsed().as_secs_f64();
    }
    Ok((kept, applied))
}

async fn write_messages_again(client: &Client) -> anyhow::Result<()> {
    client.batch_execute("DELETE FROM campaigns").await?;
    client.batch_execute("SELECT setval(pg_get_serial_sequence('messages', 'id'), 1, FALSE)").await?;
    write_messages(client).await
}
