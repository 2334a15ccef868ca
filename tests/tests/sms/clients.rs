//! The real clients of Twilio and TextLocal against stand-ins: every request passes the vendor's description, every way a
//! call can end has its class, and what the stand-ins tell is what our webhooks read.

use anyhow::{Result, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ids::MessageId,
    messaging::{Correlation, FailureClass, MessageStatus, Purpose, SendFailure},
};
use providers::{
    messaging::{
        Accepted, EventKind, Found, ProviderEvent, SendingAccount, SmsMessage, SmsProvider, SmsRegistration, Unsettled,
    },
    textlocal::{Textlocal, TextlocalConfig},
    twilio::{Twilio, TwilioConfig},
    twilio_webhook::{Signed, parse_status, verify},
};
use secrecy::SecretString;
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use tests::vendors::{Behaviour, TextlocalServer, TwilioServer, WebhookBehaviour};

/// By the clock that stand-ins go by.
fn now() -> DateTime<Utc> {
    jobs::Clock::default().now()
}

const PUBLIC: &str = "http://127.0.0.1:1";

fn twilio(server: &TwilioServer, more: &[(&'static str, &str)]) -> Result<Twilio> {
    let mut environment: BTreeMap<_, _> = server.environment().into_iter().collect();
    environment.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let config = TwilioConfig::from_env(&|name| environment.get(name).cloned());
    let config = config.map_err(|faults| anyhow!("{faults:?}"))?;
    Ok(Twilio::new(&config.ok_or_else(|| anyhow!("no settings"))?, PUBLIC)?)
}

fn textlocal(server: &TextlocalServer, more: &[(&'static str, &str)]) -> Result<Textlocal> {
    let mut environment: BTreeMap<_, _> = server.environment().into_iter().collect();
    environment.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let config = TextlocalConfig::from_env(&|name| environment.get(name).cloned());
    let config = config.map_err(|faults| anyhow!("{faults:?}"))?;
    Ok(Textlocal::new(&config.ok_or_else(|| anyhow!("no settings"))?, PUBLIC)?)
}

fn message(id: i64) -> SmsMessage {
    SmsMessage {
        to: domain::contact::Phone::try_from(format!("+9198{id:08}")).unwrap_or_else(|_| unreachable!("a number")),
        body: "Dear Asha, your policy ends soon: ₹1,23,456.50 & more = 100%".to_owned(),
        sender: None,
        purpose: Purpose::Service,
        registration: None,
        validity: None,
        correlation: Correlation { message: MessageId(id), attempt: 1 },
    }
}

fn class_and_code(ended: &Result<Accepted, SendFailure>) -> (FailureClass, Option<&str>) {
    match ended {
        Err(failure) => (failure.class, failure.code.as_deref()),
        Ok(accepted) => unreachable!("{accepted:?}"),
    }
}

fn registration() -> SmsRegistration {
    SmsRegistration { entity_id: "1101".into(), header: Some("ACMEIN".into()), template_id: "1107".into() }
}

/// One of each kind of request.
fn kinds() -> Vec<SmsMessage> {
    vec![
        message(1),
        SmsMessage { sender: Some("ACME".into()), body: "Plain [text] €5".into(), ..message(2) },
        SmsMessage { registration: Some(registration()), purpose: Purpose::Marketing, ..message(3) },
        SmsMessage { validity: Some(Duration::from_secs(1_000_000)), ..message(4) },
        SmsMessage { validity: Some(Duration::from_millis(1)), to: "+14158675309".parse().unwrap(), ..message(5) },
    ]
}

#[tokio::test]
async fn every_request_to_twilio_is_as_the_vendor_describes() {
    let server = TwilioServer::start(Behaviour::default()).await.unwrap();
    let pool = [("TWILIO_MESSAGING_SERVICE_SID", "MG0123456789abcdef0123456789abcdef")];
    let by_country = [("TWILIO_SENDERS", "IN=ACME,US=+15005550001")];
    for more in [&[][..], &pool, &by_country] {
        let client = twilio(&server, more).unwrap();
        for message in kinds() {
            let accepted = client.send(&message).await.unwrap();
            assert!(accepted.provider_message_id.starts_with("SM") && !accepted.held);
            let attempt = Unsettled {
                correlation: message.correlation,
                to: message.to.to_string(),
                since: now() - TimeDelta::seconds(1),
            };
            assert!(client.look_up(&attempt).await.is_ok());
        }
        assert_eq!(client.account(), "twilio:AC0123456789abcdef0123456789abcdef");
    }
    assert_eq!(server.violations(), Vec::<String>::new());
    assert_eq!((server.accepted_count(), server.requests()), (15, 30));
    assert_eq!(server.accepted()[0].correlation, "m-1-1");
    assert_eq!(server.doubles().len(), 5, "three clients sent each");
}

#[tokio::test]
async fn twilios_refusals_have_their_class() {
    let wait = Some(Duration::from_secs(1));
    for (behaviour, class, code) in [
        (Behaviour { token_expired: true, ..Behaviour::default() }, FailureClass::Account, "20003"),
        (Behaviour { unreachable: 1.0, ..Behaviour::default() }, FailureClass::Recipient, "21211"),
        (Behaviour { server_errors: 1.0, ..Behaviour::default() }, FailureClass::Unknown, "20500"),
        (Behaviour { bad_gateway: 1.0, ..Behaviour::default() }, FailureClass::Unknown, "http_502"),
        (Behaviour { unavailable: 1.0, ..Behaviour::default() }, FailureClass::Retry { after: None }, "20503"),
        (
            Behaviour { rate_per_second: Some(0), retry_after: true, ..Behaviour::default() },
            FailureClass::RateLimited { after: wait },
            "20429",
        ),
        (
            Behaviour { rate_per_second: Some(0), ..Behaviour::default() },
            FailureClass::RateLimited { after: None },
            "20429",
        ),
    ] {
        let server = TwilioServer::start(behaviour).await.unwrap();
        let ended = twilio(&server, &[]).unwrap().send(&message(1)).await;
        assert_eq!(class_and_code(&ended), (class, Some(code)));
        assert_eq!(server.accepted_count(), 0, "{code}");
    }
}

#[tokio::test]
async fn what_is_no_message_is_not_sent() {
    let server = TwilioServer::start(Behaviour::default()).await.unwrap();
    let long = SmsMessage { body: "x".repeat(1_601), ..message(1) };
    let ended = twilio(&server, &[]).unwrap().send(&long).await;
    assert_eq!(class_and_code(&ended), (FailureClass::Request, Some("too_long")));
    let only_us = twilio(&server, &[("TWILIO_FROM", ""), ("TWILIO_SENDERS", "US=+15005550001")]).unwrap();
    assert_eq!(class_and_code(&only_us.send(&message(1)).await), (FailureClass::Request, Some("no_sender")));
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn after_stop_nothing_is_taken_until_start() {
    let server = TwilioServer::start(Behaviour::default()).await.unwrap();
    let client = twilio(&server, &[]).unwrap();
    server.write_to_us("+919800000001", " Stop ");
    assert_eq!(class_and_code(&client.send(&message(1)).await), (FailureClass::Recipient, Some("21610")));
    assert!(client.send(&message(2)).await.is_ok(), "only for whoever wrote it");
    server.write_to_us("+919800000001", "START");
    assert!(client.send(&message(1)).await.is_ok());
}

#[tokio::test]
async fn an_attempt_cut_short_is_looked_up() {
    let server = TwilioServer::start(Behaviour { reset_after: 1.0, ..Behaviour::default() }).await.unwrap();
    let client = twilio(&server, &[]).unwrap();
    let since = now();
    let attempt =
        |id: i64, since| Unsettled { correlation: message(id).correlation, to: message(id).to.to_string(), since };
    assert_eq!(class_and_code(&client.send(&message(1)).await), (FailureClass::Unknown, Some("connection_lost")));
    assert!(!server.accepted()[0].answered);
    let look_up = async |attempt: Unsettled| client.look_up(&attempt).await.unwrap().judge(&HashSet::new(), 0);
    let Found::Taken(taken) = look_up(attempt(1, since)).await else { panic!("it was taken") };
    assert_eq!((taken.provider_message_id, taken.status), (format!("SM{:032x}", 1), MessageStatus::Delivered));
    assert_eq!(look_up(attempt(2, since)).await, Found::CannotTell, "too early to say");
    let long_ago = since - TimeDelta::minutes(30);
    assert_eq!(look_up(attempt(2, long_ago)).await, Found::NotTaken);
    assert_eq!(look_up(attempt(1, long_ago)).await, Found::NotTaken, "another time");
    let _again = client.send(&message(1)).await;
    assert_eq!(look_up(attempt(1, since)).await, Found::CannotTell, "one of two");
    assert_eq!(server.doubles(), [("message-1".to_owned(), 2)].into());
}

#[tokio::test]
async fn every_request_to_textlocal_is_as_documented() {
    let server = TextlocalServer::start(Behaviour::default()).await.unwrap();
    let client = textlocal(&server, &[]).unwrap();
    for message in kinds() {
        let accepted = client.send(&message).await.unwrap();
        assert!(accepted.provider_message_id.bytes().all(|b| b.is_ascii_digit()));
    }
    assert_eq!(server.violations(), Vec::<String>::new());
    assert_eq!((server.accepted_count(), client.account()), (5, "textlocal:TXTLCL"));
    assert!(server.doubles().is_empty());
}

#[tokio::test]
async fn textlocals_refusals_have_their_class_though_the_status_is_200() {
    for (behaviour, class, code) in [
        (Behaviour { token_expired: true, ..Behaviour::default() }, FailureClass::Account, "3"),
        (Behaviour { unreachable: 1.0, ..Behaviour::default() }, FailureClass::Recipient, "51"),
        (Behaviour { server_errors: 1.0, ..Behaviour::default() }, FailureClass::Unknown, "unreadable_answer"),
        (Behaviour { bad_gateway: 1.0, ..Behaviour::default() }, FailureClass::Unknown, "http_502"),
        (
            Behaviour { unavailable: 1.0, retry_after: true, ..Behaviour::default() },
            FailureClass::Retry { after: Some(Duration::from_secs(1)) },
            "http_503",
        ),
        (
            Behaviour { rate_per_second: Some(0), ..Behaviour::default() },
            FailureClass::RateLimited { after: None },
            "http_429",
        ),
        (Behaviour { reset_after: 1.0, ..Behaviour::default() }, FailureClass::Unknown, "connection_lost"),
    ] {
        let server = TextlocalServer::start(behaviour).await.unwrap();
        let ended = textlocal(&server, &[]).unwrap().send(&message(1)).await;
        assert_eq!(class_and_code(&ended), (class, Some(code)));
    }
    let server = TextlocalServer::start(Behaviour::default()).await.unwrap();
    let foreign = SmsMessage { sender: Some("A".into()), ..message(1) };
    let ended = textlocal(&server, &[]).unwrap().send(&foreign).await;
    assert_eq!(class_and_code(&ended), (FailureClass::Request, Some("43")), "a sender of its own pauses nobody");
}

/// An API that takes what it believes; its address, and what came.
async fn inbox() -> (String, Arc<Mutex<Vec<ProviderEvent>>>) {
    use poem::{
        EndpointExt, Route, Server,
        http::StatusCode,
        listener::{Acceptor, Listener, TcpListener},
    };
    let taken: Arc<Mutex<Vec<ProviderEvent>>> = Arc::default();
    let kept = Arc::clone(&taken);
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let port = acceptor.local_addr()[0].as_socket_addr().unwrap().port();
    let take = poem::endpoint::make(move |mut request: poem::Request| {
        let kept = Arc::clone(&kept);
        async move {
            let body = request.take_body().into_vec().await?;
            let path = request.original_uri().to_string();
            let now = chrono::DateTime::UNIX_EPOCH;
            let event = if path.contains("/twilio/") {
                let url = format!("{PUBLIC}{path}");
                let signed = Signed { url: &url, body: &body, is_form: true };
                let tokens = [SecretString::from(tests::vendors::TWILIO_AUTH_TOKEN)];
                if verify(&tokens, signed, request.header("x-twilio-signature")).is_err() {
                    return Ok::<_, poem::Error>(StatusCode::FORBIDDEN);
                }
                parse_status(&body, request.uri().query().unwrap_or_default(), now)
            } else if path.ends_with(tests::vendors::TEXTLOCAL_RECEIPT_SECRET) {
                providers::textlocal_webhook::parse(&body, now)
            } else {
                return Ok(StatusCode::NOT_FOUND);
            };
            kept.lock().unwrap().push(event.unwrap());
            Ok(StatusCode::OK)
        }
    });
    let app = Route::new().nest("/", take.map_to_response());
    tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
    (format!("http://127.0.0.1:{port}"), taken)
}

fn bad_hooks() -> Behaviour {
    let webhooks = WebhookBehaviour {
        delivered: 0.8,
        failed_first: 0.2,
        delay: Duration::from_millis(5),
        late: 0.2,
        duplicated: 0.3,
        early: 0.2,
        badly_signed: 0.2,
        shuffled: true,
        ..WebhookBehaviour::default()
    };
    Behaviour { seed: 7, undeliverable: 0.1, webhooks, ..Behaviour::default() }
}

/// Where each message ends, by the ladder.
fn ends(events: &[ProviderEvent]) -> BTreeMap<i64, MessageStatus> {
    let mut ends = BTreeMap::new();
    for event in events {
        let EventKind::Status(status) = &event.kind else { unreachable!("{event:?}") };
        let end = ends.entry(status.correlation.unwrap().message.0).or_insert(MessageStatus::Sending);
        *end = end.climb(status.status).unwrap_or(*end);
    }
    ends
}

#[tokio::test]
async fn what_the_stand_ins_tell_is_believed_and_understood() {
    let (twilio_server, textlocal_server) =
        (TwilioServer::start(bad_hooks()).await.unwrap(), TextlocalServer::start(bad_hooks()).await.unwrap());
    let (twilio, textlocal) = (twilio(&twilio_server, &[]).unwrap(), textlocal(&textlocal_server, &[]).unwrap());
    let (twilio_inbox, from_twilio) = inbox().await;
    let (textlocal_inbox, from_textlocal) = inbox().await;
    twilio_server.set_callback(Some(twilio_inbox));
    textlocal_server.set_callback(Some(textlocal_inbox));
    for id in 1..=100 {
        twilio.send(&message(id)).await.unwrap();
        textlocal.send(&message(id)).await.unwrap();
    }
    let within = Duration::from_secs(20);
    assert!(twilio_server.webhooks_settled(within).await, "{:?}", twilio_server.webhooks());
    assert!(textlocal_server.webhooks_settled(within).await, "{:?}", textlocal_server.webhooks());
    for (counts, taken) in [(twilio_server.webhooks(), &from_twilio), (textlocal_server.webhooks(), &from_textlocal)] {
        assert_eq!((counts.forged_taken, counts.given_up), (0, 0), "{counts:?}");
        assert!(counts.taken > 200, "{counts:?}");
        let ends = ends(&taken.lock().unwrap());
        assert_eq!(ends.len(), 100);
        let of = |status| ends.values().filter(|end| **end == status).count();
        assert!(of(MessageStatus::Delivered) > 50 && of(MessageStatus::Failed) > 2, "{ends:?}");
    }
}
