//! SES's client, against a stand-in for AWS that checks signatures as AWS does, and every answer's class.

use super::{
    letters::{each_kind, plain},
    taker::{Answer, Taker},
};
use domain::messaging::FailureClass;
use providers::{
    email::{EmailMessage, EmailProvider},
    messaging::SendingAccount,
    ses::{Ses, SesConfig},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tests::moto::Moto;

fn client(base_url: &str, more: &[(&'static str, String)]) -> Ses {
    let mut settings: BTreeMap<_, _> = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("SES_FROM_EMAIL", "Renewals <no-reply@renewals.example>"),
        ("SES_CONFIGURATION_SET", "events"),
        ("SES_BASE_URL", base_url),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.to_owned()))
    .collect();
    settings.extend(more.iter().cloned());
    Ses::new(&SesConfig::from_env(&|name| settings.get(name).cloned()).unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn what_is_signed_with_the_secret_is_taken_and_nothing_else() {
    tests::base::install_crypto();
    let moto = Moto::start("renewals.example").await.unwrap();
    let keys = moto.environment();
    let ses = client(moto.base_url(), &keys);
    assert_eq!((ses.name(), ses.account()), ("ses", "ses:us-east-1:renewals.example"));
    let mut ids = Vec::new();
    for (name, message) in each_kind() {
        let taken = ses.send(&message).await.unwrap_or_else(|failed| panic!("{name}: {failed}"));
        ids.push(taken.provider_message_id);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), each_kind().len(), "each has an id of its own");
    for wrong in [("AWS_SECRET_ACCESS_KEY", "wrong"), ("AWS_ACCESS_KEY_ID", "AKIAWRONG"), ("AWS_REGION", "eu-west-1")] {
        let mut keys = keys.clone();
        keys.push((wrong.0, wrong.1.to_owned()));
        let ended = client(moto.base_url(), &keys).send(&plain()).await;
        if wrong.0 == "AWS_REGION" {
            // signed rightly, for a region where the domain may not send
            assert_eq!(ended.unwrap_err().class, FailureClass::Request);
        } else {
            assert_eq!(ended.unwrap_err().class, FailureClass::Account, "{wrong:?}");
        }
    }
    let elsewhere = EmailMessage { from: "no-reply@other.example".to_owned(), ..plain() };
    assert_eq!(ses.send(&elsewhere).await.unwrap_err().class, FailureClass::Request);
}

#[tokio::test]
async fn every_answer_has_its_class() {
    let wait = Some(Duration::from_secs(7));
    for (status, kind, body, expected) in [
        (
            429,
            "TooManyRequestsException",
            r#"{"message":"Maximum sending rate exceeded."}"#,
            FailureClass::RateLimited { after: wait },
        ),
        (400, "MessageRejected", r#"{"message":"no"}"#, FailureClass::Request),
        (400, "AccountSuspendedException", "{}", FailureClass::Account),
        (400, "", r#"{"__type":"SendingPausedException"}"#, FailureClass::Account),
        (403, "", "<ErrorResponse/>", FailureClass::Account),
        (500, "InternalFailure", "{}", FailureClass::Unknown),
        (503, "ServiceUnavailable", "{}", FailureClass::Retry { after: wait }),
        (502, "", "<html>", FailureClass::Unknown),
        (200, "", "<html>", FailureClass::Unknown),
        (200, "", "{}", FailureClass::Unknown),
    ] {
        let mut headers = vec![("retry-after", "7".to_owned())];
        if !kind.is_empty() {
            headers.push(("x-amzn-errortype", format!("{kind}:http://internal.amazon.com/")));
        }
        let answer = Answer { status, headers, body: body.to_owned() };
        let taker = Taker::start(move |_| answer.clone()).await;
        let failed = client(&taker.url, &[]).send(&plain()).await.unwrap_err();
        assert_eq!(failed.class, expected, "{status} {kind} {body}: {failed}");
    }
}

#[tokio::test]
async fn the_request_names_the_set_and_the_attempt() {
    let taker =
        Taker::start(|_| Answer { status: 200, headers: Vec::new(), body: r#"{"MessageId":"0100"}"#.to_owned() }).await;
    let taken = client(&taker.url, &[]).send(&plain()).await.unwrap();
    assert_eq!(taken.provider_message_id, "0100");
    let call = taker.calls().pop().unwrap();
    assert_eq!(call.path, "/v2/email/outbound-emails");
    let signature = call.headers["authorization"].to_str().unwrap();
    assert!(
        signature.contains("/us-east-1/ses/aws4_request") && signature.contains("content-type;host;x-amz-date"),
        "{signature}"
    );
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body["ConfigurationSetName"], "events");
    assert_eq!(body["EmailTags"], json!([{"Name": "correlation", "Value": "m-12-2"}]));
    assert_eq!(body["FromEmailAddress"], "Renewals <no-reply@renewals.example>");
}
