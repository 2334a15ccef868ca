//! What the provider tells of messages: in any order, twice, early, or of messages in doubt.

use crate::{
    book,
    ground::{Ground, SOON, counts},
};
use domain::messaging::MessageStatus::{self, Delivered, Failed, Read, Sent};
use jobs::{campaigns::request::events_arrived, provider_events::keep};
use providers::messaging::{EventKind, InboundEvent, ProviderEvent, StatusEvent};
use schema::{AsyncConnection, DbError};
use serde_json::json;
use std::time::Instant;
use tests::{
    meta::{AcceptedMessage, Behaviour},
    wait::until,
};

const PROVIDER: &str = "whatsapp_cloud";

/// That the message stands there; without our id when the provider does not echo it.
fn status(ground: &Ground, of: &AcceptedMessage, status: MessageStatus, echoed: bool) -> ProviderEvent {
    ProviderEvent {
        id: format!("{}:{}", of.wamid, status.as_str()),
        occurred_at: ground.services.clock.now(),
        payload: json!({}),
        kind: EventKind::Status(StatusEvent {
            provider_message_id: of.wamid.clone(),
            correlation: of.correlation.parse().ok().filter(|_| echoed),
            status,
            recipient: None,
            failure: None,
            bounce: None,
            cost: None,
        }),
    }
}

/// As the webhook does.
async fn tell(ground: &Ground, events: &[ProviderEvent]) {
    let now = ground.services.clock.now();
    let mut connection = ground.services.db.get().await.unwrap();
    let enqueued = connection
        .transaction::<_, DbError, _>(async |connection| {
            keep(connection, PROVIDER, events, now).await?;
            events_arrived(connection, now).await
        })
        .await
        .unwrap();
    ground.services.dispatcher.push(&enqueued).await;
}

async fn until_applied(ground: &Ground) {
    let none = "SELECT NOT EXISTS (SELECT 1 FROM provider_events WHERE applied_at IS NULL)";
    ground.until_true("all events are applied", none).await;
}

#[tokio::test]
async fn they_come_in_any_order_and_twice() {
    let ground = Ground::new(Behaviour::default()).await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(90).await;
    ground.until_status(id, "completed").await;
    let accepted = ground.meta.accepted();
    let mut events = Vec::new();
    for (number, message) in accepted.iter().enumerate() {
        let steps: &[MessageStatus] = match number % 3 {
            0 => &[Read, Delivered, Sent],
            1 => &[Delivered, Sent, Delivered],
            _ => &[Failed, Sent],
        };
        events.extend(steps.iter().map(|step| status(&ground, message, *step, number % 2 == 0)));
    }
    for half in events.chunks(events.len() / 2) {
        tell(&ground, half).await;
    }
    tell(&ground, &events).await;
    until_applied(&ground).await;
    let expected = counts([("delivered", 30), ("failed", 30), ("read", 30)]);
    until("statuses", SOON, || async { ground.by_status(id).await == expected }).await;
    ground.until_figure(id, "delivered", 60).await;
    ground.until_figure(id, "opened", 30).await;
    ground.until_figure(id, "failed", 30).await;
    let times = "SELECT count(*) FROM messages WHERE status = 'read' AND (delivered_at IS NULL OR opened_at IS NULL)";
    assert_eq!(book::number(&ground.client, times).await, 0);
    workers.stop().await;
}

#[tokio::test]
async fn messages_in_doubt_are_settled_by_the_providers_word() {
    let ground = Ground::new(Behaviour { reset_after: 0.3, ..Behaviour::default() }).await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(100).await;
    ground.until_status(id, "completed").await;
    assert!(ground.by_status(id).await["unconfirmed"] > 10);
    let events: Vec<_> = ground.meta.accepted().iter().map(|message| status(&ground, message, Sent, true)).collect();
    tell(&ground, &events).await;
    until("all are sent", SOON, || async { ground.by_status(id).await == counts([("sent", 100)]) }).await;
    let unknown = "SELECT count(*) FROM messages WHERE provider_message_id IS NULL OR error_code IS NOT NULL";
    assert_eq!(book::number(&ground.client, unknown).await, 0);
    ground.until_figure(id, "unconfirmed", 0).await;
    ground.until_figure(id, "sent", 100).await;
    workers.stop().await;
}

#[tokio::test]
async fn one_that_is_faster_than_the_record_waits_for_it() {
    let ground = Ground::new(Behaviour::default()).await;
    let workers = ground.workers(&[]);
    let early = AcceptedMessage {
        wamid: "wamid.TEST000000000001".to_owned(),
        correlation: "m-1-1".to_owned(),
        recipient: String::new(),
        answered: true,
        at: Instant::now(),
    };
    tell(&ground, &[status(&ground, &early, Delivered, false)]).await;
    let deferred = "SELECT EXISTS (SELECT 1 FROM provider_events WHERE apply_after > received_at + interval '0.4 s')";
    ground.until_true("it is left for later", deferred).await;
    let id = ground.to_many(1).await;
    until("delivered", SOON, || async { ground.by_status(id).await == counts([("delivered", 1)]) }).await;
    workers.stop().await;
}

#[tokio::test]
async fn what_nobody_knows_is_kept_as_an_orphan_in_the_end() {
    let ground = Ground::new(Behaviour::default()).await;
    let workers = ground.workers(&["events=1"]);
    let strange = |correlation: &str| AcceptedMessage {
        wamid: format!("wamid.{correlation}"),
        correlation: correlation.to_owned(),
        recipient: String::new(),
        answered: true,
        at: Instant::now(),
    };
    let events = [status(&ground, &strange("m-77-1"), Sent, true), status(&ground, &strange("x"), Sent, false)];
    tell(&ground, &events).await;
    let one = "SELECT count(*) = 1 FROM provider_events WHERE outcome = 'orphan'";
    ground.until_true("our own id would be known", one).await;
    ground.services.clock.advance(chrono::TimeDelta::minutes(6));
    ground.until_true("the other was given up", &one.replace("= 1", "= 2")).await;
    workers.stop().await;
}

#[tokio::test]
async fn an_answer_is_recorded_with_what_it_answers() {
    let ground = Ground::new(Behaviour::default()).await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(2).await;
    ground.until_status(id, "completed").await;
    let message = ground.meta.accepted().remove(0);
    let wrote = |id: &str, from: &str, to: Option<&str>| ProviderEvent {
        id: format!("in:{id}"),
        occurred_at: ground.services.clock.now(),
        payload: json!({"message": id}),
        kind: EventKind::Inbound(InboundEvent {
            provider_message_id: id.to_owned(),
            from: from.parse().unwrap(),
            text: Some("Please call me".to_owned()),
            in_reply_to: to.map(str::to_owned),
            choice: None,
            content: None,
            profile_name: None,
        }),
    };
    let from = format!("+{}", message.recipient);
    let events = [wrote("1", &from, Some(&message.wamid)), wrote("2", "+911234567890", None)];
    tell(&ground, &events).await;
    tell(&ground, &events).await;
    until_applied(&ground).await;
    let rows = "SELECT body || ' ' || (customer_id IS NOT NULL) || ' ' || (in_reply_to IS NOT NULL) \
                FROM inbound_messages ORDER BY event_id";
    assert_eq!(book::texts(&ground.client, rows).await, ["Please call me true true", "Please call me false false"]);
    ground.until_figure(id, "replied", 1).await;
    workers.stop().await;
}
