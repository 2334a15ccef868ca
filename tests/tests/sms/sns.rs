//! The client of Amazon SNS, against a stand-in for AWS that checks signatures as AWS does, and every answer's class.

use domain::{
    ids::MessageId,
    messaging::{Correlation, FailureClass, Purpose},
};
use providers::{
    messaging::{SendingAccount, SmsMessage, SmsProvider, SmsRegistration},
    sns_sms::{SnsConfig, SnsSms},
};
use std::{collections::BTreeMap, time::Duration};
use tests::moto::Moto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn client(base_url: &str, more: &[(&'static str, String)]) -> SnsSms {
    let mut settings: BTreeMap<_, _> = [
        ("SNS_SMS_ENABLED", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("SNS_SENDER_ID", "ACME"),
        ("SNS_BASE_URL", base_url),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.to_owned()))
    .collect();
    settings.extend(more.iter().cloned());
    SnsSms::new(&SnsConfig::from_env(&|name| settings.get(name).cloned()).unwrap().unwrap()).unwrap()
}

fn message(registered: bool) -> SmsMessage {
    let registration =
        SmsRegistration { entity_id: "1101".into(), header: Some("ACMEIN".into()), template_id: "1107".into() };
    SmsMessage {
        to: "+919876543210".parse().unwrap(),
        body: "Dear Asha, ₹1,23,456.50 & more = 100% + नमस्ते".to_owned(),
        sender: None,
        purpose: if registered { Purpose::Marketing } else { Purpose::Service },
        registration: registered.then_some(registration),
        validity: None,
        correlation: Correlation { message: MessageId(1), attempt: 1 },
    }
}

#[tokio::test]
async fn what_is_signed_is_taken_and_nothing_else() {
    let moto = Moto::start("renewals.example").await.unwrap();
    let sns = client(moto.base_url(), &moto.environment());
    let mut ids = Vec::new();
    for registered in [false, true] {
        let accepted = sns.send(&message(registered)).await.unwrap();
        assert!(uuid::Uuid::parse_str(&accepted.provider_message_id).is_ok(), "{accepted:?}");
        ids.push(accepted.provider_message_id);
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!((sns.name(), sns.account()), ("sns", "sns:us-east-1"));
    let mut forged = moto.environment();
    forged.push(("AWS_SECRET_ACCESS_KEY", "another".to_owned()));
    let refused = client(moto.base_url(), &forged).send(&message(false)).await.unwrap_err();
    assert_eq!((refused.class, refused.code.as_deref()), (FailureClass::Account, Some("SignatureDoesNotMatch")));
    let unknown = client(moto.base_url(), &[]).send(&message(false)).await.unwrap_err();
    assert_eq!(unknown.class, FailureClass::Account, "{unknown}");
}

/// A server that reads one request and says this.
async fn one_answer(status: &str, body: &str) -> String {
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nretry-after: 2\r\n\r\n{body}", body.len());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let mut request = vec![0_u8; 64 * 1024];
        let _read = stream.read(&mut request).await?;
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    });
    url
}

fn error(code: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>to +919876543210</Message></Error></ErrorResponse>"
    )
}

#[tokio::test]
async fn answers_have_their_class() {
    let after = Some(Duration::from_secs(2));
    for (status, body, class) in [
        ("400 Bad Request", error("Throttled"), FailureClass::RateLimited { after }),
        ("500 Internal", error("InternalError"), FailureClass::Retry { after }),
        ("400 Bad Request", error("InvalidParameter"), FailureClass::Request),
        ("400 Bad Request", error("OptedOut"), FailureClass::Recipient),
        ("403 Forbidden", error("AuthorizationError"), FailureClass::Account),
        ("502 Bad Gateway", "<html>".to_owned(), FailureClass::Unknown),
        ("200 OK", "<PublishResponse/>".to_owned(), FailureClass::Unknown),
        ("200 OK", "x".repeat(100_000), FailureClass::Unknown),
    ] {
        let refused = client(&one_answer(status, &body).await, &[]).send(&message(false)).await.unwrap_err();
        assert_eq!(refused.class, class, "{status} {refused}");
        assert!(!refused.detail.contains("9876543210"), "no number of a person: {refused}");
    }
}
