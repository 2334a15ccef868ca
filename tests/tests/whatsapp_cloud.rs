//! The real WhatsApp client against the stand-in for Meta: every request passes the vendor's API description, and every
//! way a call can end has its class.

use anyhow::Result;
use domain::{
    ids::MessageId,
    messaging::{
        Correlation, FailureClass, SendFailure,
        whatsapp::{TemplateContent, WhatsappContent},
    },
};
use providers::{
    messaging::{Accepted, WhatsappMessage, WhatsappProvider},
    whatsapp_cloud::{WhatsappCloud, WhatsappConfig},
};
use std::{collections::BTreeMap, time::Duration};
use tests::meta::{Behaviour, Contract, Latency, MetaServer};

fn client(base_url: &str, meta: &MetaServer) -> Result<WhatsappCloud> {
    let mut environment: BTreeMap<_, _> = meta.environment().into_iter().collect();
    environment.insert("WHATSAPP_BASE_URL", base_url.to_owned());
    let config = WhatsappConfig::from_env(&|name| environment.get(name).cloned());
    let config = config.map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    Ok(WhatsappCloud::new(&config.ok_or_else(|| anyhow::anyhow!("no settings"))?)?)
}

fn template(name: &str, language: &str, body: &[&str]) -> WhatsappContent {
    WhatsappContent::Template(TemplateContent {
        name: name.to_owned(),
        language: language.to_owned(),
        header: None,
        body: body.iter().map(|text| (*text).to_owned()).collect(),
        buttons: Vec::new(),
    })
}

fn message(id: i64) -> WhatsappMessage {
    WhatsappMessage {
        to: domain::contact::Phone::try_from(format!("+9198{id:08}")).unwrap_or_else(|_| unreachable!("a number")),
        content: template("renewal_reminder", "en", &["Asha Rao", "₹1,23,456.50"]),
        in_reply_to: None,
        correlation: Correlation { message: MessageId(id), attempt: 1 },
    }
}

/// How one call ends at a stand-in that behaves like this.
async fn ending(behaviour: Behaviour) -> Result<(Result<Accepted, SendFailure>, MetaServer)> {
    let meta = MetaServer::start(behaviour).await?;
    let ended = client(meta.base_url(), &meta)?.send(&message(1)).await;
    Ok((ended, meta))
}

fn class_and_code(ended: &Result<Accepted, SendFailure>) -> (FailureClass, Option<&str>) {
    match ended {
        Err(failure) => (failure.class, failure.code.as_deref()),
        Ok(accepted) => unreachable!("{accepted:?}"),
    }
}

#[tokio::test]
async fn every_request_we_make_is_as_the_vendor_describes() {
    let meta = MetaServer::start(Behaviour {
        templates: Some([("renewal_reminder".to_owned(), 2), ("bare".to_owned(), 0)].into()),
        ..Behaviour::default()
    })
    .await
    .unwrap();
    let client = client(meta.base_url(), &meta).unwrap();
    let bare = WhatsappMessage { content: template("bare", "en", &[]), ..message(2) };
    let foreign = WhatsappMessage {
        content: template("renewal_reminder", "hi", &["Asha Rao", "₹1,23,456.50"]),
        to: "+14158675309".parse().unwrap(),
        ..message(3)
    };
    for (number, message) in [message(1), bare, foreign].iter().enumerate() {
        let accepted = client.send(message).await.unwrap();
        assert_eq!(accepted, Accepted { provider_message_id: format!("wamid.TEST{:012}", number + 1), held: false });
    }
    assert_eq!(meta.violations(), Vec::<String>::new());
    let accepted = meta.accepted();
    assert_eq!((accepted[0].correlation.as_str(), accepted[0].recipient.as_str()), ("m-1-1", "919800000001"));
    assert_eq!((meta.accepted_count(), meta.requests()), (3, 3));
    assert!(meta.doubles().is_empty());
}

#[tokio::test]
async fn what_the_vendor_refuses_is_seen() {
    let (ended, meta) = ending(Behaviour::default()).await.unwrap();
    assert!(ended.is_ok());
    let broken = WhatsappMessage { content: template("renewal_reminder", "en", &["two\nlines"]), ..message(2) };
    let refused = client(meta.base_url(), &meta).unwrap().send(&broken).await;
    assert_eq!(class_and_code(&refused), (FailureClass::Request, Some("100")));
    assert_eq!(meta.violations().len(), 1);
}

#[tokio::test]
async fn refusals_have_their_class() {
    let none = BTreeMap::new();
    let three = BTreeMap::from([("renewal_reminder".to_owned(), 3)]);
    let wait = Some(Duration::from_secs(1));
    for (behaviour, class, code) in [
        (Behaviour { token_expired: true, ..Behaviour::default() }, FailureClass::Account, "190"),
        (Behaviour { unreachable: 1.0, ..Behaviour::default() }, FailureClass::Recipient, "131026"),
        (Behaviour { templates: Some(none), ..Behaviour::default() }, FailureClass::Template, "132001"),
        (Behaviour { templates: Some(three), ..Behaviour::default() }, FailureClass::Template, "132000"),
        (Behaviour { server_errors: 1.0, ..Behaviour::default() }, FailureClass::Retry { after: None }, "131000"),
        (Behaviour { unavailable: 1.0, ..Behaviour::default() }, FailureClass::Retry { after: None }, "2"),
        (
            Behaviour { rate_per_second: Some(0), retry_after: true, ..Behaviour::default() },
            FailureClass::RateLimited { after: wait },
            "130429",
        ),
    ] {
        let (ended, meta) = ending(behaviour).await.unwrap();
        assert_eq!(class_and_code(&ended), (class, Some(code)));
        assert_eq!(meta.accepted_count(), 0, "{code}");
        assert_eq!(meta.refusals(), [(code.parse().unwrap(), 1)].into());
    }
}

#[tokio::test]
async fn a_call_that_may_have_been_taken_is_unknown() {
    let (ended, meta) = ending(Behaviour { reset_after: 1.0, ..Behaviour::default() }).await.unwrap();
    assert_eq!(class_and_code(&ended), (FailureClass::Unknown, Some("connection_lost")));
    assert_eq!(meta.accepted().iter().map(|message| message.answered).collect::<Vec<_>>(), [false]);

    // the caller cannot tell this from the one above
    let (ended, meta) = ending(Behaviour { reset_before: 1.0, ..Behaviour::default() }).await.unwrap();
    assert_eq!(class_and_code(&ended), (FailureClass::Unknown, Some("connection_lost")));
    assert_eq!(meta.accepted_count(), 0);
}

#[tokio::test]
async fn a_call_that_never_left_may_be_made_again() {
    let meta = MetaServer::start(Behaviour::default()).await.unwrap();
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let refused = client(&closed, &meta).unwrap().send(&message(1)).await;
    assert_eq!(class_and_code(&refused), (FailureClass::Retry { after: None }, Some("connect")));
    let lost = client("https://whatsapp.invalid", &meta).unwrap().send(&message(1)).await;
    assert!(
        matches!(class_and_code(&lost), (FailureClass::Retry { after: None }, Some("dns" | "connect"))),
        "{lost:?}"
    );
}

#[tokio::test]
async fn an_answer_that_never_comes_is_unknown_and_the_wait_ends() {
    let meta = MetaServer::start(Behaviour { silent_after: 1.0, ..Behaviour::default() }).await.unwrap();
    let client = client(meta.base_url(), &meta).unwrap();
    // the message is made here, so that it outlives the call
    let message = message(1);
    let call = client.send(&message);
    let given_up = tokio::time::timeout(Duration::from_millis(500), call).await;
    assert!(given_up.is_err(), "the client waits for its own, longer time");
    assert_eq!(meta.accepted_count(), 1);
}

#[tokio::test]
async fn what_a_wrong_server_says_never_counts_as_accepted() {
    let meta = MetaServer::start(Behaviour::default()).await.unwrap();
    for (answer, class, code) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", FailureClass::Unknown, "unreadable_answer"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", FailureClass::Unknown, "unreadable_answer"),
        ("HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n", FailureClass::Account, "http_302"),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\noops", FailureClass::Account, "http_404"),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", FailureClass::Unknown, "http_502"),
        ("HTTP/1.1 418 x\r\ncontent-length: 0\r\n\r\n", FailureClass::Request, "http_418"),
        ("nonsense\r\n\r\n", FailureClass::Unknown, "connection_lost"),
        ("", FailureClass::Unknown, "connection_lost"),
    ] {
        let ended = client(&one_answer(answer.to_owned()).await.unwrap(), &meta).unwrap().send(&message(1)).await;
        assert_eq!(class_and_code(&ended), (class, Some(code)), "{answer}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{}", "x".repeat(1_000_000));
    let ended = client(&one_answer(endless).await.unwrap(), &meta).unwrap().send(&message(1)).await;
    assert_eq!(class_and_code(&ended), (FailureClass::Unknown, Some("unreadable_answer")));
}

/// A server that reads one request and says this.
async fn one_answer(answer: String) -> Result<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let mut request = vec![0_u8; 64 * 1024];
        let _read = stream.read(&mut request).await?;
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    });
    Ok(url)
}

#[tokio::test]
async fn the_stand_in_answers_as_the_vendor_describes() {
    let meta = MetaServer::start(Behaviour::default()).await.unwrap();
    let http = providers::http::client(Duration::from_secs(5), true).unwrap();
    let url = format!("{}/v23.0/{}/messages", meta.base_url(), tests::meta::PHONE_NUMBER_ID);
    let body = r#"{"messaging_product":"whatsapp","to":"919876543210","type":"text","text":{"body":"x"}}"#;
    let call = || http.post(&url).header("content-type", "application/json").body(body);
    let answer = call().bearer_auth(tests::meta::ACCESS_TOKEN).send().await.unwrap();
    let contract = Contract::load().unwrap();
    assert_eq!(contract.against_answer(&answer.json().await.unwrap()), Vec::<String>::new());
    assert_eq!(call().bearer_auth("other").send().await.unwrap().status(), 401);
    assert_eq!(call().send().await.unwrap().status(), 401);
}

/// Not a benchmark, but a fault test that waits for the stand-in would measure the stand-in. Bare callers, since a
/// client in a debug build costs more than the stand-in does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stand_in_is_quick() {
    const CALLERS: usize = 16;
    const CALLS: usize = 400;
    let meta = MetaServer::start(Behaviour::default()).await.unwrap();
    let address = meta.base_url().trim_start_matches("http://").to_owned();
    let start = std::time::Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(call_often(address.clone(), caller, CALLS));
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap().unwrap();
    }
    let per_second = (CALLERS * CALLS) as f64 / start.elapsed().as_secs_f64();
    println!("{per_second:.0} calls a second");
    assert_eq!(meta.accepted_count(), CALLERS * CALLS);
    assert!(per_second > 500.0, "{per_second}");
}

/// Calls over one connection, one after the other.
async fn call_often(address: String, caller: usize, calls: usize) -> Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let path = format!("/v23.0/{}/messages", tests::meta::PHONE_NUMBER_ID);
    let mut answer = vec![0_u8; 4096];
    for call in 0..calls {
        let body = serde_json::json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "919876543210", "type": "template",
            "template": {"name": "renewal_reminder", "language": {"code": "en"}, "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "Asha"}, {"type": "text", "text": "POL1"}]},
            ]},
            "biz_opaque_callback_data": format!("m-{}-1", caller * calls + call + 1),
        })
        .to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            tests::meta::ACCESS_TOKEN,
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
        let read = stream.read(&mut answer).await?;
        anyhow::ensure!(answer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..read]));
    }
    Ok(())
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    let latency = Latency { p50: Duration::from_millis(200), p99: Duration::from_millis(300) };
    let start = std::time::Instant::now();
    let (ended, _meta) = ending(Behaviour { latency, ..Behaviour::default() }).await.unwrap();
    assert!(ended.is_ok() && start.elapsed() > Duration::from_millis(50));
}
