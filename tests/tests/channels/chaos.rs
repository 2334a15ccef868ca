//! A bad day on every channel: ten thousand messages, a vendor that misbehaves in every way it knows, workers that are
//! killed in the middle. Nobody gets anything twice, and every message ends somewhere.

use crate::ground::{Ground, Peer};
use jobs::kinds::registry;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{
    base::services,
    crew::Doomed,
    meta::MetaServer,
    vendors::{Behaviour, SendgridServer, TwilioServer},
    wait::until,
};
use tokio::sync::Mutex;
use workers::WorkerConfig;

/// Messages of a channel.
const MESSAGES: i64 = 10_000;
/// Workers are killed when so many have been taken.
const KILLS: [usize; 3] = [1_500, 4_000, 7_000];
/// Long enough for a debug build on two busy cores.
const END: Duration = Duration::from_secs(400);

/// One at a time: each keeps the machine busy.
static ONE: Mutex<()> = Mutex::const_new(());

async fn bad_day(peer: &impl Peer, channel: &str, more: &[(&'static str, &str)], template: Value) {
    let _one = ONE.lock().await;
    let mut variables = peer.environment();
    variables.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let ground = Ground::new(&variables).await;
    peer.tell(&ground.address);
    let upload = ground.customers(MESSAGES).await;
    let base = &ground.api.base;
    let mut all = vec![
        ("DATABASE_URL", base.database.url().to_owned()),
        ("REDIS_URL", base.redis.url().to_owned()),
        ("PUBLIC_URL", crate::ground::PUBLIC.to_owned()),
    ];
    all.extend(variables);
    let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let start =
        || Doomed::start(|| services(ground.api.storage.path(), &all), registry::all(), WorkerConfig::all_queues());
    let mut workers = start();
    let campaign = ground.campaign(channel, upload, template).await;
    for kill in KILLS {
        until(&format!("{kill} are taken"), END, async || peer.taken() >= kill).await;
        drop(workers);
        workers = start();
    }
    let path = format!("/api/campaigns/{campaign}");
    until("the campaign completes", END, async || ground.get(&path).await["status"] == "completed").await;
    assert!(peer.settled(Duration::from_secs(120)).await, "webhooks are taken");
    ground
        .until_true("all is applied", "SELECT NOT EXISTS (SELECT 1 FROM provider_events WHERE applied_at IS NULL)")
        .await;
    assert!(peer.doubles().is_empty(), "taken more than once: {:?}", peer.doubles());
    assert_eq!(peer.violations(), Vec::<String>::new());
    let ends = ground.by_status().await;
    assert_eq!(ends.values().sum::<i64>(), MESSAGES);
    let open = "SELECT count(*) FROM messages WHERE status IN ('pending', 'sending') \
                OR (status IN ('unconfirmed', 'failed', 'suppressed') AND error_code IS NULL)";
    assert_eq!(ground.number(open).await, 0, "{ends:?}");
    let reached = ends.get("sent").unwrap_or(&0) + ends.get("delivered").unwrap_or(&0) + ends.get("read").unwrap_or(&0);
    assert!(reached > MESSAGES / 2, "{ends:?}");
    eprintln!("{channel}: {} taken, messages by status: {ends:?}", peer.taken());
    drop(workers);
}

#[tokio::test]
async fn ten_thousand_text_messages_on_a_bad_day() {
    let twilio = TwilioServer::start(Behaviour::bad_day(11)).await.unwrap();
    let template = json!({"name": "Reminder", "type": "sms", "content": "Dear {first_name}, renew {policy_number}."});
    bad_day(&twilio, "sms", &[("TWILIO_RATE_PER_SECOND", "2000")], template).await;
}

#[tokio::test]
async fn ten_thousand_mails_on_a_bad_day() {
    let sendgrid = SendgridServer::start(Behaviour::bad_day(12)).await.unwrap();
    let template = json!({
        "name": "Reminder", "type": "email", "subject": "Policy {policy_number}", "content": "Dear {first_name}",
    });
    bad_day(&sendgrid, "email", &[("SENDGRID_RATE_PER_SECOND", "2000")], template).await;
}

#[tokio::test]
async fn ten_thousand_whatsapp_messages_on_a_bad_day() {
    let meta = MetaServer::start(Behaviour::bad_day(13)).await.unwrap();
    let template = json!({
        "name": "Reminder", "type": "whatsapp", "content": "Dear {first_name}, renew {policy_number}.",
    });
    bad_day(&meta, "whatsapp", &[("WHATSAPP_RATE_PER_SECOND", "2000")], template).await;
}
