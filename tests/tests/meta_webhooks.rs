//! The stand-in's webhooks: as the vendor describes them, signed, and as badly behaved as they are told to be; and what
//! our own reading makes of them.

use domain::messaging::MessageStatus;
use providers::{
    draw::draw,
    http,
    messaging::{EventKind, ProviderEvent},
    whatsapp_webhook::{Challenge, parse, verify},
};
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tests::meta::{
    ACCESS_TOKEN, APP_SECRET, Behaviour, Contract, MetaServer, PHONE_NUMBER_ID, VERIFY_TOKEN, WebhookBehaviour,
};

use poem::{
    EndpointExt, Route, Server, handler,
    http::StatusCode,
    listener::{Acceptor, Listener, TcpListener},
    web::{Data, Query},
};

const WITHIN: Duration = Duration::from_secs(30);

/// What came in, as an API would take it.
#[derive(Default)]
struct Inbox {
    events: Mutex<Vec<ProviderEvent>>,
    bodies: Mutex<Vec<Vec<u8>>>,
    forged: Mutex<u32>,
    /// Share of deliveries answered 500.
    failing: f64,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[handler]
fn take(request: &poem::Request, body: Vec<u8>, inbox: Data<&Arc<Inbox>>) -> StatusCode {
    if verify(&[SecretString::from(APP_SECRET)], &body, request.header("x-hub-signature-256")).is_err() {
        *locked(&inbox.forged) += 1;
        return StatusCode::UNAUTHORIZED;
    }
    let count = locked(&inbox.bodies).len() as u64;
    locked(&inbox.bodies).push(body.clone());
    if (draw(3, &[&count.to_le_bytes()]) % 1_000) as f64 / 1_000.0 < inbox.failing {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    match parse(&body, chrono::DateTime::UNIX_EPOCH) {
        Ok(events) => locked(&inbox.events).extend(events),
        Err(_) => return StatusCode::BAD_REQUEST,
    }
    StatusCode::OK
}

#[handler]
fn set_up(Query(query): Query<BTreeMap<String, String>>) -> (StatusCode, String) {
    let part = |name: &str| query.get(name).map_or("", String::as_str);
    let challenge =
        Challenge { mode: part("hub.mode"), token: part("hub.verify_token"), challenge: part("hub.challenge") };
    match challenge.answer(&SecretString::from(VERIFY_TOKEN)) {
        Some(echo) => (StatusCode::OK, echo.to_owned()),
        None => (StatusCode::FORBIDDEN, String::new()),
    }
}

/// An API of its own for one test; its address.
async fn open(inbox: &Arc<Inbox>) -> anyhow::Result<String> {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await?;
    let port =
        acceptor.local_addr().first().and_then(|address| address.as_socket_addr().map(std::net::SocketAddr::port));
    let app = Route::new().at("/hook", poem::get(set_up).post(take)).data(Arc::clone(inbox));
    tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
    Ok(format!("http://127.0.0.1:{}/hook", port.unwrap_or_default()))
}

async fn send(meta: &MetaServer, count: u32) -> anyhow::Result<()> {
    let client = http::client(WITHIN, true)?;
    for id in 1..=count {
        let body = serde_json::json!({
            "messaging_product": "whatsapp", "to": format!("9198{id:08}"), "type": "text", "text": {"body": "x"},
            "biz_opaque_callback_data": format!("m-{id}-1"),
        });
        let url = format!("{}/v23.0/{PHONE_NUMBER_ID}/messages", meta.base_url());
        let call = client.post(url).bearer_auth(ACCESS_TOKEN).header("content-type", "application/json");
        anyhow::ensure!(call.body(body.to_string()).send().await?.status() == 200);
    }
    Ok(())
}

/// Where each message ends, by the ladder, applied in the order the events came.
fn ends(events: &[ProviderEvent]) -> BTreeMap<i64, MessageStatus> {
    let mut ends = BTreeMap::new();
    for event in events {
        if let EventKind::Status(status) = &event.kind {
            let Some(correlation) = status.correlation else { continue };
            let end = ends.entry(correlation.message.0).or_insert(MessageStatus::Sending);
            *end = end.climb(status.status).unwrap_or(*end);
        }
    }
    ends
}

fn well_behaved() -> WebhookBehaviour {
    WebhookBehaviour { delay: Duration::from_millis(5), ..WebhookBehaviour::default() }
}

#[tokio::test]
async fn webhooks_are_set_up_signed_and_as_described() {
    let inbox = Arc::new(Inbox::default());
    let meta = MetaServer::start(Behaviour { undeliverable: 0.2, webhooks: well_behaved(), ..Behaviour::default() })
        .await
        .unwrap();
    meta.subscribe(&open(&inbox).await.unwrap()).await.unwrap();
    send(&meta, 50).await.unwrap();
    let answer = meta.write_to_us("919876543210", "call me", Some("wamid.TEST000000000001"));
    assert!(meta.webhooks_settled(WITHIN).await, "{:?}", meta.webhooks());
    let contract = Contract::load().unwrap();
    for body in locked(&inbox.bodies).iter() {
        let delivery = serde_json::from_slice(body).unwrap();
        assert_eq!(contract.against_webhook(&delivery), Vec::<String>::new(), "{delivery}");
    }
    let events = locked(&inbox.events);
    assert_eq!(ends(&events).len(), 50);
    let ends: Vec<_> = ends(&events).into_values().collect();
    assert!(
        [MessageStatus::Failed, MessageStatus::Delivered, MessageStatus::Read].iter().all(|end| ends.contains(end))
    );
    let inbound = events
        .iter()
        .find_map(|event| if let EventKind::Inbound(inbound) = &event.kind { Some(inbound) } else { None });
    let inbound = inbound.unwrap();
    assert_eq!((inbound.provider_message_id.as_str(), inbound.text.as_deref()), (answer.as_str(), Some("call me")));
    assert_eq!(inbound.in_reply_to.as_deref(), Some("wamid.TEST000000000001"));
    assert_eq!(*locked(&inbox.forged), 0);
}

#[tokio::test]
async fn a_bad_day_ends_where_a_good_day_does() {
    let bad = WebhookBehaviour {
        delay: Duration::from_millis(5),
        late: 0.3,
        duplicated: 0.5,
        early: 0.5,
        badly_signed: 0.3,
        failed_first: 0.2,
        read_only: 0.3,
        batch: 7,
        shuffled: true,
        longest_wait: Duration::from_millis(100),
        ..WebhookBehaviour::default()
    };
    let good = WebhookBehaviour { failed_first: 0.2, read_only: 0.3, ..well_behaved() };
    let mut both = Vec::new();
    for (webhooks, failing) in [(good, 0.0), (bad, 0.2)] {
        let inbox = Arc::new(Inbox { failing, ..Inbox::default() });
        let meta = MetaServer::start(Behaviour { seed: 42, webhooks, ..Behaviour::default() }).await.unwrap();
        meta.set_callback(Some(open(&inbox).await.unwrap()));
        send(&meta, 150).await.unwrap();
        assert!(meta.webhooks_settled(WITHIN).await, "{:?}", meta.webhooks());
        let counts = meta.webhooks();
        assert_eq!((counts.given_up, counts.forged_taken), (0, 0));
        assert_eq!((counts.refused > 0, *locked(&inbox.forged) > 0), (failing > 0.0, failing > 0.0), "{counts:?}");
        let events = locked(&inbox.events).clone();
        both.push((ends(&events), events.len()));
    }
    let [(good_ends, good_count), (bad_ends, bad_count)] = both.try_into().unwrap();
    assert_eq!(good_ends, bad_ends);
    assert_eq!(good_ends.len(), 150);
    assert!(bad_count > good_count + 50, "repeated: {bad_count} and {good_count}");
}

#[tokio::test]
async fn webhooks_wait_for_an_api_that_is_down_and_follow_it() {
    let meta = MetaServer::start(Behaviour {
        webhooks: WebhookBehaviour { longest_wait: Duration::from_millis(50), ..well_behaved() },
        ..Behaviour::default()
    })
    .await
    .unwrap();
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    meta.set_callback(Some(format!("http://{}/hook", gone.local_addr().unwrap())));
    drop(gone);
    send(&meta, 5).await.unwrap();
    assert!(!meta.webhooks_settled(Duration::from_millis(300)).await);
    assert_eq!(meta.webhooks().taken, 0);
    let inbox = Arc::new(Inbox::default());
    meta.set_callback(Some(open(&inbox).await.unwrap()));
    assert!(meta.webhooks_settled(WITHIN).await, "{:?}", meta.webhooks());
    assert_eq!(ends(&locked(&inbox.events)).len(), 5);
}

#[tokio::test]
async fn tries_are_bounded_and_a_message_may_never_be_told_of() {
    let webhooks = WebhookBehaviour { tries: 2, ..well_behaved() };
    let meta = MetaServer::start(Behaviour { webhooks, ..Behaviour::default() }).await.unwrap();
    meta.set_callback(Some("http://127.0.0.1:1/hook".to_owned()));
    send(&meta, 2).await.unwrap();
    assert!(meta.webhooks_settled(WITHIN).await);
    assert_eq!((meta.webhooks().taken, meta.webhooks().given_up > 3), (0, true));

    let webhooks = WebhookBehaviour { missing: 1.0, ..well_behaved() };
    let silent = MetaServer::start(Behaviour { webhooks, ..Behaviour::default() }).await.unwrap();
    send(&silent, 2).await.unwrap();
    assert_eq!((silent.webhooks().planned, silent.accepted_count()), (0, 2));
}
