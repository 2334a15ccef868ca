//! A topic of Amazon SNS: wraps what is published and signs it, with a key whose certificate it serves itself.

use anyhow::{Context, Result, anyhow};
use base64::{Engine, engine::general_purpose::STANDARD};
use providers::sns_webhook::Envelope;
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};

/// Where the certificate is.
pub const CERTIFICATE_PATH: &str = "/SimpleNotificationService-0123abcd.pem";
/// The certificate.
pub const CERTIFICATE: &str = include_str!("../../fixtures/keys/rsa.crt");
const KEY: &[u8] = include_bytes!("../../fixtures/keys/rsa_pkcs8.pem");

/// A topic.
pub struct Topic {
    region: &'static str,
    key: RsaKeyPair,
    random: SystemRandom,
}

impl Topic {
    /// In a region.
    pub fn new(region: &'static str) -> Result<Self> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(KEY).map_err(|error| anyhow!("a key cannot be read: {error}"))?;
        let key =
            RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|error| anyhow!("a key cannot be used: {error}"))?;
        Ok(Self { region, key, random: SystemRandom::new() })
    }

    /// Its name.
    pub fn arn(&self) -> String {
        format!("arn:aws:sns:{}:123456789012:ses-events", self.region)
    }

    /// A delivery; one that is not signed truly carries the signature of another.
    pub fn delivery(&self, id: &str, message: &Value, truly: bool) -> Result<Vec<u8>> {
        let mut envelope = json!({
            "Type": "Notification", "MessageId": id, "TopicArn": self.arn(), "Message": message.to_string(),
            "Timestamp": now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true), "SignatureVersion": "2",
            "SigningCertURL": format!("https://sns.{}.amazonaws.com{CERTIFICATE_PATH}", self.region), "Signature": "",
        });
        let read = Envelope::read(envelope.to_string().as_bytes());
        let text = read.map_err(|error| anyhow!("an envelope cannot be read: {error}"))?.signed_text();
        let text = if truly { text } else { "something else".to_owned() };
        let mut signature = vec![0; self.key.public().modulus_len()];
        let signing = self.key.sign(&RSA_PKCS1_SHA256, &self.random, text.as_bytes(), &mut signature);
        signing.ok().context("a delivery cannot be signed")?;
        envelope["Signature"] = STANDARD.encode(signature).into();
        Ok(envelope.to_string().into_bytes())
    }
}

#[expect(clippy::disallowed_methods, reason = "the stand-in is another party, with a clock of its own")]
fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}
