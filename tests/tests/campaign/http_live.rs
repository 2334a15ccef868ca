//! Figures as they change, over a WebSocket.

use crate::{
    audience::{build, target},
    book::{self, Entry},
    http_create::Ground,
};
use chrono::TimeDelta;
use domain::permissions::SystemRole;
use jobs::{NewJob, kinds::compute_analytics::ComputeAnalytics, kinds::registry};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{
    crew::{Feeder, Workers},
    http::config,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use workers::WorkerConfig;

const SOON: Duration = Duration::from_secs(30);

/// As much of a WebSocket as it takes.
struct Line(BufReader<TcpStream>);

impl Line {
    /// Asks for one; the status line, and the line when it was opened.
    async fn open(address: &str, headers: &str) -> (String, Option<Self>) {
        let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        let request = format!(
            "GET /api/live HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(SOON, stream.read_u8()).await.unwrap().unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let is_open = head.starts_with("HTTP/1.1 101");
        (head, is_open.then_some(Self(stream)))
    }

    async fn say(&mut self, text: &str) {
        let length = u8::try_from(text.len()).unwrap();
        assert!(length < 126);
        // masked with zeros
        self.0.write_all(&[0x81, 0x80 | length, 0, 0, 0, 0]).await.unwrap();
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next text; `None`: it was closed.
    async fn hear(&mut self) -> Option<Value> {
        loop {
            let kind = timeout(SOON, self.0.read_u8()).await.expect("a word in time").ok()?;
            let mut length = u64::from(self.0.read_u8().await.ok()?);
            if length == 126 {
                length = self.0.read_u16().await.ok()?.into();
            }
            let mut body = vec![0; usize::try_from(length).unwrap()];
            self.0.read_exact(&mut body).await.ok()?;
            match kind & 0x0f {
                1 => return Some(serde_json::from_slice(&body).unwrap()),
                8 => return None,
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn whoever_may_see_a_campaign_hears_its_figures() {
    let ground = Ground::new(&(1..=3).map(Entry::new).collect::<Vec<_>>()).await;
    let services = &ground.api.state.services;
    let _feeder = Feeder::start(services);
    let listening =
        api::listen(config(&ground.api.base, ground.api.storage.path(), &[("PORT", "0")]), services.clone());
    let listening = listening.await.unwrap();
    let (address, stop) = (listening.address().to_string(), CancellationToken::new());
    tokio::spawn(listening.serve(stop.clone()));

    let refused = |headers: &'static str| {
        let address = address.clone();
        async move { Line::open(&address, headers).await.0 }
    };
    assert!(refused("").await.starts_with("HTTP/1.1 401"));
    assert!(refused("Sec-WebSocket-Protocol: bearer, nonsense\r\n").await.starts_with("HTTP/1.1 401"));

    let id = ground.create(&ground.request()).await;
    let number: i64 = id.trim_start_matches("campaign-").parse().unwrap();
    build(&ground.api.base, &ground.client, number, &target(Some(ground.upload), &json!("all"))).await.unwrap();
    let offer = format!("Sec-WebSocket-Protocol: bearer, {}\r\n", ground.manager.token);
    let (head, line) = Line::open(&address, &offer).await;
    assert!(head.to_ascii_lowercase().contains("sec-websocket-protocol: bearer\r\n"), "{head}");
    let mut line = line.unwrap();
    line.say("nothing much").await;
    assert_eq!(line.hear().await.unwrap()["code"], "bad_request");
    line.say(&json!({"watch": [id, "campaign-999"]}).to_string()).await;
    assert_eq!(line.hear().await.unwrap(), json!({"type": "error", "code": "not_found", "campaignId": "campaign-999"}));
    let first = line.hear().await.unwrap();
    assert_eq!(
        (&first["type"], &first["campaignId"], &first["metrics"]["total"]),
        (&json!("campaign.figures"), &json!(id), &json!(3))
    );

    let workers = Workers::start(services, registry::all(), WorkerConfig::new(vec!["campaigns=1".parse().unwrap()]));
    // somebody else's campaign is not heard
    let stranger = ground.api.user(SystemRole::Agent).await;
    let (_, deaf) = Line::open(&address, &format!("Authorization: Bearer {}\r\n", stranger.token)).await;
    if let Some(mut deaf) = deaf {
        deaf.say(&json!({"watch": [id]}).to_string()).await;
        assert_eq!(deaf.hear().await.unwrap()["code"], "not_found");
    }
    let begun = Instant::now();
    for round in 0..3 {
        let change = format!(
            "UPDATE messages SET status = 'sent', sent_at = now() WHERE id = (SELECT min(id) + {round} FROM messages)"
        );
        ground.client.batch_execute(&change).await.unwrap();
        let measure = NewJob::of(&ComputeAnalytics { campaign: number, once: true }).unwrap();
        services.enqueue_now(&[measure]).await.unwrap();
        loop {
            let told = line.hear().await.unwrap();
            if told["metrics"]["sent"] == round + 1 {
                assert_eq!(told["metrics"]["deliveryRate"], 0.0);
                break;
            }
        }
    }
    // and what did not arrive, what it cost, and where it stands, though no message moves
    ground
        .client
        .batch_execute(
            "UPDATE messages SET cost = 0.125, cost_currency = 'INR' WHERE status = 'sent' AND id % 2 = 0; \
             UPDATE messages SET status = 'failed', error_code = '131026', failed_at = now() \
                WHERE id = (SELECT min(id) FROM messages)",
        )
        .await
        .unwrap();
    let (sum, least) = ("SELECT sum(cost)::TEXT FROM messages", "SELECT min(id) FROM messages");
    let sum = book::texts(&ground.client, sum).await.remove(0);
    assert!(book::number(&ground.client, least).await > 0);
    services.enqueue_now(&[NewJob::of(&ComputeAnalytics { campaign: number, once: true }).unwrap()]).await.unwrap();
    loop {
        let told = line.hear().await.unwrap();
        if told["metrics"]["failed"] == 1 && told["cost"][0]["amount"] == sum.trim_end_matches('0') {
            assert_eq!(told["failures"], json!([{"status": "failed", "code": "131026", "count": 1}]));
            assert_eq!((&told["cost"][0]["currency"], &told["revenue"]), (&json!("INR"), &json!([])));
            break;
        }
    }
    for status in ["paused", "cancelled"] {
        let path = format!("/api/campaigns/{id}/status");
        let change = ground.api.put(&path).by(&ground.manager).json(&json!({"status": status})).send().await;
        assert!(change.status.is_success(), "{change:?}");
        while line.hear().await.unwrap()["status"] != status {}
    }
    // at most one a second
    assert!(begun.elapsed() >= Duration::from_secs(1));
    // another line of the same person, whose session they end themselves
    let other = ground.api.session(ground.manager.id).await;
    let (_, ended) = Line::open(&address, &format!("Authorization: Bearer {other}\r\n")).await;
    let mut ended = ended.unwrap();
    ended.say(&json!({"watch": [id]}).to_string()).await;
    assert_eq!(ended.hear().await.unwrap()["campaignId"], json!(id));
    let out = ground.api.post("/api/auth/logout").bearer(&other).send().await;
    assert!(out.status.is_success(), "{out:?}");
    services.clock.advance(TimeDelta::seconds(20));
    assert!(ended.hear().await.is_none(), "they have signed out");
    line.say(&json!({"watch": [id]}).to_string()).await;
    assert_eq!(line.hear().await.unwrap()["campaignId"], json!(id), "the other session goes on");
    services.clock.advance(TimeDelta::days(30));
    assert!(line.hear().await.is_none(), "the session has ended");
    stop.cancel();
    workers.stop().await;
}

#[tokio::test]
async fn a_recurring_campaign_stands_for_every_time_it_is_sent() {
    let ground = Ground::new(&(1..=3).map(Entry::new).collect::<Vec<_>>()).await;
    let services = &ground.api.state.services;
    let _feeder = Feeder::start(services);
    let listening =
        api::listen(config(&ground.api.base, ground.api.storage.path(), &[("PORT", "0")]), services.clone());
    let listening = listening.await.unwrap();
    let (address, stop) = (listening.address().to_string(), CancellationToken::new());
    tokio::spawn(listening.serve(stop.clone()));
    let mut request = ground.with_field("recurrence", json!({"cron": "0 9 * * *"}));
    request.as_object_mut().unwrap().remove("scheduleType");
    let parent = ground.create(&request).await;
    let child = ground.create(&ground.request()).await;
    let [of, number] = [&parent, &child].map(|id| id.trim_start_matches("campaign-").parse::<i64>().unwrap());
    let born = format!("UPDATE campaigns SET parent_id = {of}, occurrence_at = now() WHERE id = {number}");
    ground.client.batch_execute(&born).await.unwrap();
    build(&ground.api.base, &ground.client, number, &target(Some(ground.upload), &json!("all"))).await.unwrap();

    let offer = format!("Sec-WebSocket-Protocol: bearer, {}\r\n", ground.manager.token);
    let mut line = Line::open(&address, &offer).await.1.unwrap();
    line.say(&json!({"watch": [parent]}).to_string()).await;
    assert_eq!(line.hear().await.unwrap()["metrics"]["total"], 3, "what is not measured yet");
    let workers = Workers::start(services, registry::all(), WorkerConfig::new(vec!["campaigns=1".parse().unwrap()]));
    ground.client.batch_execute("UPDATE messages SET status = 'sent', sent_at = now()").await.unwrap();
    let measure = NewJob::of(&ComputeAnalytics { campaign: number, once: true }).unwrap();
    services.enqueue_now(&[measure]).await.unwrap();
    loop {
        let told = line.hear().await.unwrap();
        assert_eq!((&told["campaignId"], &told["status"]), (&json!(parent), &json!("active")), "{told}");
        if told["metrics"]["sent"] == 3 {
            break;
        }
    }
    let read = ground.get(&format!("/api/campaigns/{parent}")).await;
    assert_eq!((&read["sentCount"], &read["status"]), (&json!(3), &json!("active")));
    let sleepless = format!(
        "SELECT count(*) FROM jobs WHERE unique_key LIKE 'compute_analytics:{of}%' AND state NOT IN ('completed', 'succeeded')"
    );
    assert_eq!(book::number(&ground.client, &sleepless).await, 0, "it sends nothing itself");
    stop.cancel();
    workers.stop().await;
}
