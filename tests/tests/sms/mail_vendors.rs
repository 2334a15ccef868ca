//! The stand-ins for the vendors of e-mail, by themselves: what they refuse, take, tell and count.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use domain::{
    ids::MessageId,
    messaging::{Correlation, FailureClass, MessageStatus},
};
use providers::{
    email::{EmailMessage, Smtp, SmtpConfig},
    http,
    messaging::{EmailProvider, EventKind, ProviderEvent},
    sendgrid::{Sendgrid, SendgridConfig},
    sendgrid_webhook::{self, verify},
    ses::{Ses, SesConfig},
    ses_webhook,
};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tests::vendors::{Behaviour, SendgridServer, SesServer, SmtpSink, WebhookBehaviour};

/// By the clock that stand-ins go by.
fn now() -> DateTime<Utc> {
    jobs::Clock::default().now()
}

fn mail(number: i64) -> Value {
    json!({
        "personalizations": [{
            "to": [{"email": format!("asha{number}@example.com")}],
            "custom_args": {"renewals_correlation": format!("m-{number}-1")},
        }],
        "from": {"email": "no-reply@renewals.example", "name": "Renewals"},
        "subject": "Your policy",
        "content": [{"type": "text/plain", "value": "Dear Asha"}],
    })
}

async fn send(server: &SendgridServer, mail: &Value) -> reqwest::Result<reqwest::Response> {
    let client = http::client(Duration::from_secs(10), true).unwrap();
    let call = client.post(format!("{}/v3/mail/send", server.base_url())).bearer_auth("SG.test-key");
    call.header("content-type", "application/json").body(mail.to_string()).send().await
}

fn variable(environment: &[(&'static str, String)], name: &str) -> String {
    environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()).unwrap()
}

#[tokio::test]
async fn sendgrid_takes_what_is_described_and_nothing_else() {
    let server = SendgridServer::start(Behaviour::default()).await.unwrap();
    let taken = send(&server, &mail(1)).await.unwrap();
    assert_eq!(taken.status(), 202);
    assert!(taken.headers()["x-message-id"].to_str().unwrap().starts_with("sgTEST"));
    assert_eq!(server.accepted()[0].correlation, "m-1-1");
    let changes: [fn(&mut Value); 6] = [
        |m| m["subject"] = json!(""),
        |m| m["content"][0]["value"] = json!(""),
        |m| m["personalizations"] = json!([]),
        |m| m["from"] = json!("no-reply@renewals.example"),
        |m| m["headers"] = json!({"Subject": "x"}),
        |m| m["content"] = json!([{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut changed = mail(2);
        change(&mut changed);
        assert_eq!(send(&server, &changed).await.unwrap().status(), 400, "change {number}");
    }
    assert_eq!((server.accepted_count(), server.violations().is_empty()), (1, false));
}

/// An API that takes everything; its address, and the bodies with their headers.
async fn inbox() -> (String, Arc<Mutex<Vec<(String, String, Vec<u8>)>>>) {
    use poem::{
        EndpointExt, Route, Server,
        listener::{Acceptor, Listener, TcpListener},
    };
    let taken: Arc<Mutex<Vec<_>>> = Arc::default();
    let kept = Arc::clone(&taken);
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let port = acceptor.local_addr()[0].as_socket_addr().unwrap().port();
    let take = poem::endpoint::make(move |mut request: poem::Request| {
        let kept = Arc::clone(&kept);
        async move {
            let header = |name: &str| request.header(name).unwrap_or_default().to_owned();
            let signature = header("x-twilio-email-event-webhook-signature");
            let timestamp = header("x-twilio-email-event-webhook-timestamp");
            let body = request.take_body().into_vec().await?;
            kept.lock().unwrap().push((signature, timestamp, body));
            Ok::<_, poem::Error>(poem::http::StatusCode::OK)
        }
    });
    tokio::spawn(Server::new_with_acceptor(acceptor).run(Route::new().nest("/", take.map_to_response())));
    (format!("http://127.0.0.1:{port}"), taken)
}

#[tokio::test]
async fn sendgrid_tells_of_many_messages_at_once_and_signs_it() {
    let webhooks = WebhookBehaviour { delay: Duration::from_millis(20), shuffled: true, ..WebhookBehaviour::default() };
    let server =
        SendgridServer::start(Behaviour { undeliverable: 0.3, webhooks, ..Behaviour::default() }).await.unwrap();
    let (api, taken) = inbox().await;
    for number in 1..=30 {
        assert_eq!(send(&server, &mail(number)).await.unwrap().status(), 202);
    }
    server.set_callback(Some(api));
    assert!(server.webhooks_settled(Duration::from_secs(10)).await);
    let der = STANDARD.decode(variable(&server.environment(), "SENDGRID_WEBHOOK_PUBLIC_KEY")).unwrap();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &der[der.len() - 65..]);
    let (mut told, mut mixed) = (0, false);
    for (signature, timestamp, body) in taken.lock().unwrap().iter() {
        let signed = [timestamp.as_bytes(), body].concat();
        assert!(key.verify(&signed, &STANDARD.decode(signature).unwrap()).is_ok());
        let events: Vec<Value> = serde_json::from_slice(body).unwrap();
        assert!(events.iter().all(|event| event["renewals_correlation"].is_string()));
        mixed |= events.iter().any(|event| event["email"] != events[0]["email"]);
        told += events.len();
    }
    assert!(told >= 60 && mixed, "{told}");
}

#[tokio::test]
async fn ses_delivers_and_then_bounces() {
    let webhooks = WebhookBehaviour { failed_first: 1.0, duplicated: 1.0, ..WebhookBehaviour::default() };
    let server = SesServer::start(Behaviour { webhooks, ..Behaviour::default() }).await.unwrap();
    let client = http::client(Duration::from_secs(10), true).unwrap();
    let send = |authorization: &'static str, body: Value| {
        let call = client.post(format!("{}/v2/email/outbound-emails", server.base_url()));
        call.header("authorization", authorization).body(body.to_string()).send()
    };
    let body = json!({
        "FromEmailAddress": "no-reply@renewals.example", "Destination": {"ToAddresses": ["asha@example.com"]},
        "Content": {"Raw": {"Data": STANDARD.encode("Subject: x\r\n\r\nx")}},
        "EmailTags": [{"Name": "correlation", "Value": "m-1-1"}],
    });
    let signed =
        "AWS4-HMAC-SHA256 Credential=AKIDTEST/20250615/ap-south-1/ses/aws4_request, SignedHeaders=host, Signature=0";
    assert_eq!(send("", body.clone()).await.unwrap().status(), 403);
    assert_eq!(send(signed, json!({"Destination": {}})).await.unwrap().status(), 400);
    let taken: Value = send(signed, body).await.unwrap().json().await.unwrap();
    let events = server.events();
    let kinds: Vec<_> = events.iter().filter_map(|event| event["eventType"].as_str()).collect();
    assert_eq!(kinds, ["Send", "Send", "Delivery", "Delivery", "Bounce", "Bounce"], "everything twice");
    assert!(events.iter().all(|event| event["mail"]["messageId"] == taken["MessageId"]));
    assert_eq!(events[0]["mail"]["tags"]["correlation"][0], "m-1-1");
    assert!(server.events().is_empty(), "each is told once");
}

fn letter(number: i64, to: &str) -> EmailMessage {
    let correlation = Correlation { message: MessageId(number), attempt: 1 };
    EmailMessage {
        id: format!("{correlation}@renewals.example"),
        from: "no-reply@renewals.example".into(),
        to: to.into(),
        subject: "Your policy".into(),
        text: "Dear Asha,\n.\n..the end".into(),
        html: "<p>Dear Asha</p>".into(),
        date: now(),
        reply_to: None,
        unsubscribe: None,
        attachments: Vec::new(),
        automatic: false,
        correlation: Some(correlation),
    }
}

/// Settings of a stand-in, as a config reads them.
fn lookup(environment: Vec<(&'static str, String)>) -> impl Fn(&str) -> Option<String> {
    let environment: BTreeMap<_, _> = environment.into_iter().collect();
    move |name| environment.get(name).cloned()
}

#[tokio::test]
async fn what_our_clients_send_is_taken_and_what_is_told_is_read() {
    let webhooks = WebhookBehaviour { failed_first: 1.0, read: 1.0, ..WebhookBehaviour::default() };
    let behaviour = Behaviour { webhooks, ..Behaviour::default() };
    let (sendgrid, ses) =
        (SendgridServer::start(behaviour.clone()).await.unwrap(), SesServer::start(behaviour).await.unwrap());
    let (api, taken) = inbox().await;
    sendgrid.set_callback(Some(api));
    let settings = SendgridConfig::from_env(&lookup(sendgrid.environment())).unwrap().unwrap();
    let by_sendgrid = Sendgrid::new(&settings).unwrap();
    let by_ses = Ses::new(&SesConfig::from_env(&lookup(ses.environment())).unwrap().unwrap()).unwrap();
    let letter = letter(7, "asha@example.com");
    by_sendgrid.send(&letter).await.unwrap();
    by_ses.send(&letter).await.unwrap();
    assert_eq!((sendgrid.violations(), ses.violations()), (Vec::new(), Vec::new()));
    assert_eq!(
        (&sendgrid.accepted()[0].correlation, &ses.accepted()[0].correlation),
        (&"m-7-1".into(), &"m-7-1".into())
    );

    assert!(sendgrid.webhooks_settled(Duration::from_secs(10)).await);
    let mut events = Vec::new();
    for (signature, timestamp, body) in taken.lock().unwrap().iter() {
        let headers = (Some(signature.as_str()), Some(timestamp.as_str()));
        verify(&settings.webhook_keys, body, headers, now(), settings.webhook_window).unwrap();
        events.extend(sendgrid_webhook::parse(body, now()).unwrap());
    }
    events.extend(ses.events().iter().flat_map(|event| ses_webhook::parse(&event.to_string(), now())));
    for (name, wanted) in
        [("processed", "status"), ("delivered", "status"), ("open", "feedback"), ("deferred", "feedback")]
    {
        let of = |event: &&ProviderEvent| event.payload["event"] == name;
        let found = events.iter().find(of).unwrap_or_else(|| panic!("{name}"));
        // what only says that it was taken is nothing new
        assert!(name == "processed" || found.kind.as_str() == wanted, "{name}: {found:?}");
    }
    for (name, wanted) in
        [("Send", MessageStatus::Sent), ("Delivery", MessageStatus::Delivered), ("Bounce", MessageStatus::Failed)]
    {
        let found = events.iter().find(|event| event.payload["eventType"] == name).unwrap_or_else(|| panic!("{name}"));
        let EventKind::Status(status) = &found.kind else { unreachable!("{name}: {found:?}") };
        assert_eq!((status.status, status.correlation), (wanted, letter.correlation), "{name}");
    }
}

fn smtp(sink: &SmtpSink) -> Smtp {
    let environment: BTreeMap<_, _> = sink.environment().into_iter().collect();
    Smtp::new(&SmtpConfig::from_env(&|name| environment.get(name).cloned()).unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn a_mail_server_refuses_by_recipient_and_counts_what_it_took() {
    let sink = SmtpSink::start(Behaviour::default()).await.unwrap();
    let client = smtp(&sink);
    sink.refuse("busy@example.com", "450 4.2.1 mailbox busy", 1);
    sink.refuse("gone.example", "550 5.1.1 no such user", 99);
    assert!(client.send(&letter(1, "asha@example.com")).await.is_ok());
    let busy = client.send(&letter(2, "busy@example.com")).await.unwrap_err();
    assert!(matches!(busy.class, FailureClass::Retry { .. }), "{busy}");
    let gone = client.send(&letter(3, "anybody@gone.example")).await.unwrap_err();
    assert_eq!(gone.class, FailureClass::Recipient, "{gone}");
    assert!(client.send(&letter(2, "busy@example.com")).await.is_ok(), "once only");
    assert_eq!((sink.accepted_count(), sink.violations()), (2, Vec::new()));
    assert_eq!(sink.refusals(), [(450, 1), (550, 1)].into());
    assert_eq!(sink.accepted()[0].correlation, "m-1-1");
    assert!(sink.doubles().is_empty());
}

#[tokio::test]
async fn a_connection_lost_after_the_dot_leaves_a_message_that_was_taken() {
    let sink = SmtpSink::start(Behaviour { reset_after: 1.0, ..Behaviour::default() }).await.unwrap();
    let client = smtp(&sink);
    let lost = client.send(&letter(1, "asha@example.com")).await.unwrap_err();
    assert_eq!((lost.class, sink.accepted_count()), (FailureClass::Unknown, 1), "{lost}");
    sink.change(|behaviour| behaviour.reset_after = 0.0);
    client.send(&letter(1, "asha@example.com")).await.unwrap();
    assert_eq!(sink.doubles(), [("message-1".to_owned(), 2)].into());
}
