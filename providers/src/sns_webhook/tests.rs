use super::*;
use futures_util::future::BoxFuture;
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:ses-events";
const URL: &str = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123abcd.pem";
/// Made by openssl with the key of the fixtures, over the members in the vendor's order: with a subject, without, and
/// of a confirmation.
const SHA1: [&str; 3] = [
    "IIzAPn+KYHRZmCYKuPwE0DEU5BH4JtgAWpLS3Tjnw/LNM/o29h/sQri0p0AOvXln7utM/qCG4BWoMyHfHuiZTq2ffMrUHca8l5Uo6c+Qt9zhGcyt6G50Nnj9dHrmPYrzKCOrUOxylzy8ERHVBVwwWPwkEnuWMbRwgtWOUQS/GzsRZVgEvLwL9mPo38l33zxKUEAdYT0FnzXnDkJo5WCF4+xlXozUHx1ROyjiSYdSr0NvOtkFpPigI5+ZJs9DQ73voSG3En+cuhhSnFZf9G3+YQ3TEFLLva2hvBoYSQo7crNRhKJakSCDdTb8KNCO2V9bP4BfdACTeFYE3YXpwistmg==",
    "pttM4vIeUk4Rrg5z1LrwdUfEmBJ3E0CvBiC9t1EiiGvAbKoej2AiDfwNxs3l2groX9J0kzAgJYL0w8fTMp/A/XVfDsqvKxwnBkb+qQ8bqXmMTEVaIlVXI1ZmIT9TnxydAqGLn3wUVQXXnZHVPNwLDaQV798BUY9LHUD0tMevzgslqEENlr18Aj37Mgo7VgKXDPGAoQr0rmRltjC96ZI6wwyMV+se0Q9yVwV1peZfEwXGkF3TBKiupJMuFQuysBoZV5Iw+d6ry3eUv7VG1BGOd/Gcczzk/rAXtuWFnTzI3fapn4STdxIUo/Q0VbZILUfinwLsP0A1dzgoJFuq0IYXkQ==",
    "KS/kO5FPjisfY7AeUIZq3NZc/2gMSmk9M+Go3/dwtlG2lLuNlLWfq5ersZPIsh2FKYNBaV/ZHAZGN77FsL7zlcIaGPdVadgPfye8EWftR7k5SGuSoB50KS9LLkRVYQt9QHB7MI/bwTH8TN2lLhq5n0g6RLYaubEQAFFbEr9ssXCOpG/n/IoV2wrOdexRsn7/zafXRkD1hQt5m9mm+gxVtYngjuyCpeh7DC5X/S0QSMNH0X7JXCkLjvHL/rDVw1wbAjbqazd9b32Uo0MgZ4KoC+PemyHcBIPe/f3/g9zn6h3/3Msyrttexl/EC5itRV8vxVRCR2n4I0t2cg7rQUOPFg==",
];

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

/// The certificate of the fixtures, and how often it and a confirmation were asked for.
#[derive(Default, Clone)]
struct Kept {
    fetched: Arc<AtomicUsize>,
    confirmed: Arc<AtomicUsize>,
    away: bool,
}

impl Certificates for Kept {
    fn fetch<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Vec<u8>, SnsError>> {
        self.fetched.fetch_add(1, Ordering::Relaxed);
        assert_eq!(url.as_str(), URL);
        let pem = include_bytes!("../../../tests/fixtures/keys/rsa.crt").to_vec();
        let answer = if self.away { Err(SnsError::Unreachable) } else { Ok(pem) };
        Box::pin(async move { answer })
    }

    fn confirm<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<(), SnsError>> {
        self.confirmed.fetch_add(1, Ordering::Relaxed);
        assert_eq!(url.host_str(), Some("sns.us-east-1.amazonaws.com"));
        Box::pin(async { Ok(()) })
    }
}

fn verifier(kept: &Kept) -> SnsVerifier {
    SnsVerifier::new(vec![TOPIC.to_owned()], Box::new(kept.clone()))
}

fn notification(subject: bool, signature: &str) -> Value {
    let mut value = json!({
        "Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": TOPIC,
        "Message": "{\"eventType\":\"Open\"}\n", "Timestamp": "2023-11-14T22:13:20.000Z", "SignatureVersion": "1",
        "Signature": signature, "SigningCertURL": URL, "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?x",
    });
    if subject {
        value["Subject"] = "Amazon SES Email Event Notification".into();
    }
    value
}

/// Signed as version 2, after a change.
fn signed(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value = notification(true, "");
    value["SignatureVersion"] = "2".into();
    change(&mut value);
    let text = Envelope::read(value.to_string().as_bytes()).unwrap().signed_text();
    let der = PrivatePkcs8KeyDer::from_pem_slice(include_bytes!("../../../tests/fixtures/keys/rsa_pkcs8.pem")).unwrap();
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    value["Signature"] = STANDARD.encode(signature).into();
    value.to_string().into_bytes()
}

async fn verify(body: &[u8]) -> Result<Envelope, SnsError> {
    verifier(&Kept::default()).verify(body, now()).await
}

#[tokio::test]
async fn signatures_of_both_versions_hold() {
    for (subject, signature) in [(true, SHA1[0]), (false, SHA1[1])] {
        let body = notification(subject, signature).to_string();
        let envelope = verify(body.as_bytes()).await.unwrap();
        assert_eq!((envelope.kind, &*envelope.message), (SnsKind::Notification, "{\"eventType\":\"Open\"}\n"));
        let other = notification(!subject, signature).to_string();
        assert_eq!(verify(other.as_bytes()).await, Err(SnsError::Signature));
        let mut as_second = notification(subject, signature);
        as_second["SignatureVersion"] = "2".into();
        assert_eq!(verify(as_second.to_string().as_bytes()).await, Err(SnsError::Signature));
    }
    assert!(verify(&signed(|_| ())).await.is_ok());
}

#[tokio::test]
async fn whatever_is_changed_after_signing_is_seen() {
    for (name, value) in [
        ("Message", "{}"),
        ("MessageId", "another"),
        ("Subject", "another"),
        ("Timestamp", "2023-11-14T22:13:21.000Z"),
        ("Signature", ""),
        ("Signature", "?"),
        ("SignatureVersion", "3"),
    ] {
        let mut body: Value = serde_json::from_slice(&signed(|_| ())).unwrap();
        body[name] = value.into();
        assert_eq!(verify(body.to_string().as_bytes()).await, Err(SnsError::Signature), "{name}");
    }
    for body in [&b"{}"[..], b"<html>", b"[]", b""] {
        assert_eq!(verify(body).await, Err(SnsError::Unreadable));
    }
    assert_eq!(verify(&vec![b' '; BODY_LIMIT + 1]).await, Err(SnsError::Unreadable));
}

#[tokio::test]
async fn nothing_is_fetched_for_others_or_from_others() {
    let kept = Kept::default();
    let verifier = verifier(&kept);
    let topic = signed(|body| body["TopicArn"] = "arn:aws:sns:us-east-1:666:ses-events".into());
    assert_eq!(verifier.verify(&topic, now()).await, Err(SnsError::Topic));
    for url in [
        "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.evil.example/SimpleNotificationService-1.pem",
        "https://evil.example/sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com@evil.example/SimpleNotificationService-1.pem",
        "https://user@sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com:8443/SimpleNotificationService-1.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://s3.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com/bucket/other.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem?x=../y",
        "not an address",
    ] {
        let body = signed(|body| body["SigningCertURL"] = url.into());
        assert_eq!(verifier.verify(&body, now()).await, Err(SnsError::Address), "{url}");
    }
    for (time, expected) in [
        ("2023-11-14T16:13:19.000Z", Err(SnsError::Stale)),
        ("2023-11-15T04:13:21.000Z", Err(SnsError::Stale)),
        ("2023-11-14T16:13:20.000Z", Ok(())),
    ] {
        let body = signed(|body| body["Timestamp"] = time.into());
        assert_eq!(verifier.verify(&body, now()).await.map(drop), expected, "{time}");
    }
    assert_eq!(kept.fetched.load(Ordering::Relaxed), 1, "for the one that was ours and of now");
}

#[tokio::test]
async fn a_certificate_is_kept_for_a_day_and_not_beyond_its_end() {
    let kept = Kept::default();
    let verifier = verifier(&kept);
    let at = |time: DateTime<Utc>| signed(|body| body["Timestamp"] = time.to_rfc3339().into());
    for hours in [0, 1, 23] {
        let time = now() + TimeDelta::hours(hours);
        let result = verifier.verify(&at(time), time).await;
        assert!(result.is_ok(), "{result:?}");
    }
    assert_eq!(kept.fetched.load(Ordering::Relaxed), 1);
    let later = now() + TimeDelta::hours(25);
    verifier.verify(&at(later), later).await.unwrap();
    assert_eq!(kept.fetched.load(Ordering::Relaxed), 2);
    let end = now() + TimeDelta::days(365 * 200);
    assert_eq!(verifier.verify(&at(end), end).await, Err(SnsError::Certificate));
    let away = Kept { away: true, ..Kept::default() };
    assert_eq!(super::tests::verifier(&away).verify(&signed(|_| ()), now()).await, Err(SnsError::Unreachable));
}

#[tokio::test]
async fn a_subscription_is_confirmed_at_sns_alone() {
    let kept = Kept::default();
    let verifier = verifier(&kept);
    let mut asked = json!({
        "Type": "SubscriptionConfirmation", "MessageId": "165545c9", "TopicArn": TOPIC, "Token": "2336412f37",
        "Message": "You have chosen to subscribe", "Timestamp": "2023-11-14T22:13:20.000Z", "SignatureVersion": "1",
        "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37",
        "Signature": SHA1[2], "SigningCertURL": URL,
    });
    let envelope = verifier.verify(asked.to_string().as_bytes(), now()).await.unwrap();
    assert_eq!(envelope.kind, SnsKind::SubscriptionConfirmation);
    verifier.confirm(&envelope).await.unwrap();
    let elsewhere = Envelope { subscribe_url: Some("https://evil.example/".to_owned()), ..envelope.clone() };
    assert_eq!(verifier.confirm(&elsewhere).await, Err(SnsError::Address));
    assert_eq!(verifier.confirm(&Envelope { subscribe_url: None, ..envelope }).await, Err(SnsError::Address));
    assert_eq!(kept.confirmed.load(Ordering::Relaxed), 1);
    asked["Token"] = "another".into();
    assert_eq!(verifier.verify(asked.to_string().as_bytes(), now()).await, Err(SnsError::Signature));
}
