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
    vendors::{Behaviour, SendgridServer, SesServer, SmtpSink, SnsServer, TextlocalServer, TwilioServer},
    wait::until,
};
use tokio::{sync::Mutex, time::Instant};
use workers::WorkerConfig;

/// Messages of a channel, by the provider that is tried first.
const MESSAGES: i64 = 10_000;
/// Messages of each further provider of a channel.
const FURTHER: i64 = 2_000;
/// Workers are killed when so many of a hundred messages have been taken.
const KILLS: [i64; 3] = [15, 40, 70];
/// What a killed worker held is another's after this.
const LEASE: Duration = Duration::from_secs(10);
/// Long enough for a debug build on two busy cores.
const END: Duration = Duration::from_secs(400);

/// One at a time: each keeps the machine busy, but for mail servers, whose domains rest most of the time.
static ONE: Mutex<()> = Mutex::const_new(());

/// `CHAOS_MESSAGES` asks for another number.
#[expect(clippy::disallowed_methods, reason = "how long a test is to take is no setting of the product")]
fn messages(usual: i64) -> i64 {
    std::env::var("CHAOS_MESSAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A channel of a provider that misbehaves, and how many it is to be sent.
struct Day<'a, P> {
    peer: &'a P,
    channel: &'static str,
    messages: i64,
    more: &'static [(&'static str, &'static str)],
}

/// Everybody's address is at a domain of its own choice among many: one that asks for a rest holds up few.
const MANY_DOMAINS: &str =
    "UPDATE customers SET email = 'c' || id || '@d' || id % 400 || '.example.com'; ANALYZE customers";

async fn bad_day(day: Day<'_, impl Peer>, template: Value) {
    let Day { peer, channel, messages, more } = day;
    let _one = if more.iter().any(|(name, _)| name.starts_with("SMTP")) { None } else { Some(ONE.lock().await) };
    let begun = Instant::now();
    let mut variables = peer.environment();
    variables.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let ground = Ground::new(&variables).await;
    peer.tell(&ground.address);
    let upload = ground.customers(messages).await;
    ground.client.batch_execute(MANY_DOMAINS).await.unwrap();
    let base = &ground.api.base;
    let mut all = vec![
        ("DATABASE_URL", base.database.url().to_owned()),
        ("REDIS_URL", base.redis.url().to_owned()),
        ("PUBLIC_URL", crate::ground::PUBLIC.to_owned()),
    ];
    all.extend(variables);
    let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let config = || WorkerConfig { lease: LEASE, ..WorkerConfig::all_queues() };
    let start = || Doomed::start(|| services(ground.api.storage.path(), &all), registry::all(), config());
    let mut workers = start();
    let campaign = ground.campaign(channel, upload, template).await;
    for kill in KILLS {
        let kill = usize::try_from(messages * kill / 100).unwrap();
        until(&format!("{kill} are taken"), END, async || peer.taken() >= kill).await;
        drop(workers);
        workers = start();
    }
    let path = format!("/api/campaigns/{campaign}");
    until("the campaign completes", END, async || ground.get(&path).await["status"] == "completed").await;
    assert!(peer.settled(END).await, "webhooks are taken");
    ground
        .until_true("all is applied", "SELECT NOT EXISTS (SELECT 1 FROM provider_events WHERE applied_at IS NULL)")
        .await;
    assert!(peer.doubles().is_empty(), "taken more than once: {:?}", peer.doubles());
    let twice: Vec<_> = peer.by_recipient().into_iter().filter(|(_, count)| *count > 1).collect();
    assert!(twice.is_empty(), "sent more than one: {twice:?}");
    assert_eq!(peer.violations(), Vec::<String>::new());
    let ends = ground.by_status().await;
    assert_eq!(ends.values().sum::<i64>(), messages);
    let open = "SELECT count(*) FROM messages WHERE status IN ('pending', 'sending') \
                OR (status IN ('unconfirmed', 'failed', 'suppressed') AND error_code IS NULL)";
    assert_eq!(ground.number(open).await, 0, "{ends:?}");
    let reached = ends.get("sent").unwrap_or(&0) + ends.get("delivered").unwrap_or(&0) + ends.get("read").unwrap_or(&0);
    assert!(reached > messages / 2, "{ends:?}");
    let (taken, seconds) = (peer.taken(), begun.elapsed().as_secs());
    eprintln!("{channel}: {taken} taken, none twice, messages by status: {ends:?}, {seconds} s");
    drop(workers);
}

fn text() -> Value {
    json!({"name": "Reminder", "type": "sms", "content": "Dear {first_name}, renew {policy_number}."})
}

fn mail() -> Value {
    json!({
        "name": "Reminder", "type": "email", "subject": "Policy {policy_number}", "content": "Dear {first_name}",
    })
}

#[tokio::test]
async fn ten_thousand_text_messages_on_a_bad_day() {
    let peer = &TwilioServer::start(Behaviour::bad_day(11)).await.unwrap();
    let more = &[("TWILIO_RATE_PER_SECOND", "2000")];
    bad_day(Day { peer, channel: "sms", messages: messages(MESSAGES), more }, text()).await;
}

#[tokio::test]
async fn ten_thousand_mails_on_a_bad_day() {
    let peer = &SendgridServer::start(Behaviour::bad_day(12)).await.unwrap();
    let more = &[("SENDGRID_RATE_PER_SECOND", "2000")];
    bad_day(Day { peer, channel: "email", messages: messages(MESSAGES), more }, mail()).await;
}

#[tokio::test]
async fn ten_thousand_whatsapp_messages_on_a_bad_day() {
    let peer = &MetaServer::start(Behaviour::bad_day(13)).await.unwrap();
    let more = &[("WHATSAPP_RATE_PER_SECOND", "2000")];
    let template = json!({
        "name": "Reminder", "type": "whatsapp", "content": "Dear {first_name}, renew {policy_number}.",
    });
    bad_day(Day { peer, channel: "whatsapp", messages: messages(MESSAGES), more }, template).await;
}

#[tokio::test]
async fn text_messages_by_textlocal_on_a_bad_day() {
    let peer = &TextlocalServer::start(Behaviour::bad_day(14)).await.unwrap();
    let more = &[("TEXTLOCAL_RATE_PER_SECOND", "2000")];
    bad_day(Day { peer, channel: "sms", messages: messages(FURTHER), more }, text()).await;
}

#[tokio::test]
async fn text_messages_by_sns_on_a_bad_day() {
    let peer = &SnsServer::start(Behaviour::bad_day(15)).await.unwrap();
    let more = &[("SNS_RATE_PER_SECOND", "2000")];
    bad_day(Day { peer, channel: "sms", messages: messages(FURTHER), more }, text()).await;
}

#[tokio::test]
async fn mails_by_ses_on_a_bad_day() {
    let peer = &SesServer::start(Behaviour::bad_day(16)).await.unwrap();
    let more = &[("SES_RATE_PER_SECOND", "2000")];
    bad_day(Day { peer, channel: "email", messages: messages(FURTHER), more }, mail()).await;
}

#[tokio::test]
async fn mails_by_smtp_on_a_bad_day() {
    let behaviour = Behaviour { bad_gateway: 0.005, ..Behaviour::bad_day(17) };
    let peer = &SmtpSink::start(behaviour).await.unwrap();
    let more = &[("SMTP_RATE_PER_SECOND", "2000"), ("SMTP_CONNECTIONS", "16")];
    bad_day(Day { peer, channel: "email", messages: messages(FURTHER), more }, mail()).await;
}
