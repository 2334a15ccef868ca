//! Signatures checked by a reading of RFC 6376 of its own, over the bytes that go out.

use super::super::{EmailMessage, Unsubscribe};
use super::*;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, path::PathBuf};

fn file(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/keys")).join(name)
}

fn signer(name: &str) -> Result<Signer, DkimError> {
    let (domain, selector) = ("renewals.example".to_owned(), "one".to_owned());
    Signer::open(&DkimConfig { domain, selector, key_file: file(name) })
}

fn message() -> Message {
    let bodies = ("Hello,  Asha \nover the  line\n\n\n".to_owned(), "<p>₹1,23,456</p>".to_owned());
    let message = EmailMessage::new(
        "m-1-1@renewals.example".to_owned(),
        "Renewals <no-reply@renewals.example>".to_owned(),
        "asha@example.com".to_owned(),
        "Grüße und eine lange Zeile, damit sie umgebrochen wird: noch eine, und noch eine – ₹1,23,456".to_owned(),
        bodies,
        chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
    );
    let url = "https://renewals.example/u/0123456789".to_owned();
    EmailMessage { unsubscribe: Some(Unsubscribe { url, mailto: None }), ..message }.build().unwrap()
}

fn signed(name: &str) -> String {
    let mut message = message();
    signer(name).unwrap().sign(&mut message);
    String::from_utf8(message.formatted()).unwrap()
}

/// Runs of white space become one space (3.4.2, 3.4.4).
fn squeezed(text: &str) -> String {
    text.split([' ', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn relaxed_body(body: &str) -> String {
    let lines: Vec<String> = body
        .split("\r\n")
        .map(|line| {
            let lead = if line.starts_with([' ', '\t']) && !line.trim().is_empty() { " " } else { "" };
            format!("{lead}{}", squeezed(line))
        })
        .collect();
    let text = lines.join("\r\n");
    format!("{}\r\n", text.trim_end_matches("\r\n"))
}

/// What is signed, the hash of the body, and the signature.
fn read(mail: &str) -> (Vec<u8>, HashMap<String, String>, bool) {
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let fields: Vec<(String, &str)> = head
        .split("\r\n")
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    let value = |name: &str| fields.iter().rfind(|(known, _)| known == name).map(|(_, value)| *value);
    let signature = value("dkim-signature").unwrap();
    let tags: HashMap<String, String> = signature
        .split(';')
        .filter_map(|tag| tag.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.split_whitespace().collect()))
        .collect();
    let mut text = String::new();
    for name in tags["h"].split(':') {
        if let Some(value) = value(&name.to_ascii_lowercase()) {
            text.push_str(&format!("{}:{}\r\n", name.to_ascii_lowercase(), squeezed(value)));
        }
    }
    let bare = &signature[..signature.rfind("b=").unwrap() + 2];
    text.push_str(&format!("dkim-signature:{}", squeezed(bare)));
    let hash = STANDARD.encode(Sha256::digest(relaxed_body(body)));
    let fits = tags["bh"] == hash;
    (text.into_bytes(), tags, fits)
}

fn public(name: &str) -> Vec<u8> {
    match PrivateKeyDer::from_pem_file(file(name)).unwrap() {
        PrivateKeyDer::Pkcs1(key) => {
            RsaKeyPair::from_der(key.secret_pkcs1_der()).unwrap().public_key().as_ref().to_vec()
        }
        PrivateKeyDer::Pkcs8(key) if name.starts_with("rsa") => {
            RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap().public_key().as_ref().to_vec()
        }
        PrivateKeyDer::Pkcs8(key) => {
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.secret_pkcs8_der()).unwrap().public_key().as_ref().to_vec()
        }
        _ => panic!("another kind of key"),
    }
}

fn verifies(mail: &str, name: &str) -> bool {
    let (text, tags, body) = read(mail);
    let signature = STANDARD.decode(&tags["b"]).unwrap();
    let (key, fits) = (public(name), tags["a"].as_str());
    let good = if fits == "rsa-sha256" {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(&text, &signature).is_ok()
    } else {
        // RFC 8463 signs the hash
        UnparsedPublicKey::new(&ED25519, key).verify(&Sha256::digest(&text), &signature).is_ok()
    };
    good && body
}

#[test]
fn a_signature_holds_and_covers_what_readers_act_on() {
    for (name, algorithm) in
        [("rsa_pkcs1.pem", "rsa-sha256"), ("rsa_pkcs8.pem", "rsa-sha256"), ("ed25519_pkcs8.pem", "ed25519-sha256")]
    {
        let mail = signed(name);
        let (_, tags, _) = read(&mail);
        assert_eq!((&*tags["d"], &*tags["s"], &*tags["c"]), ("renewals.example", "one", "relaxed/relaxed"));
        assert_eq!(tags["a"], algorithm);
        let covered: Vec<_> = tags["h"].split(':').collect();
        for header in ["from", "subject", "list-unsubscribe", "list-unsubscribe-post", "message-id"] {
            assert!(covered.contains(&header), "{header}: {covered:?}");
        }
        assert!(verifies(&mail, name), "{name}: {mail}");
    }
}

#[test]
fn whatever_is_changed_on_the_way_is_seen() {
    let mail = signed("ed25519_pkcs8.pem");
    for (from, to) in [
        ("Subject: ", "Subject: x"),
        ("asha@example.com", "ravi@example.com"),
        ("/u/0123456789", "/u/0123456780"),
        ("One-Click", "Two-Click"),
        ("Hello", "Hallo"),
        ("From: ", "Reply-To: x@example.com\r\nFrom: "),
    ] {
        let changed = mail.replacen(from, to, 1);
        assert_ne!(changed, mail);
        assert!(!verifies(&changed, "ed25519_pkcs8.pem"), "{to}");
    }
    let folded = mail.replacen("\r\nTo: ", "\r\nTo:  ", 1);
    assert!(verifies(&folded, "ed25519_pkcs8.pem"), "relays may fold anew");
}

#[test]
fn a_key_that_cannot_sign_is_told_at_start() {
    assert!(matches!(signer("none.pem"), Err(DkimError::Unreadable(_))));
    assert!(matches!(signer("rsa.crt"), Err(DkimError::Kind)));
    assert!(matches!(signer("../tls/one.key"), Err(DkimError::Kind)), "an elliptic curve that DKIM does not know");
}
