//! Deliveries of Amazon SNS: from a topic of ours, signed by Amazon, and not of long ago; and the confirmation of a
//! subscription.
//!
//! What is cheap is checked first: nothing is fetched for a topic that is not ours, or from anybody but SNS in the
//! topic's own region. A certificate that cannot be fetched is the caller's to answer with an error, and SNS delivers
//! again. Source: the vendor's developer guide.

mod certificate;
mod envelope;

pub use certificate::{Certificates, Fetched};
pub use envelope::{BODY_LIMIT, Envelope, SnsKind};

use base64::{Engine, engine::general_purpose::STANDARD};
use certificate::{key_of, of_certificate, of_sns};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// SNS tries for an hour; its clock and ours need not agree.
const WINDOW: TimeDelta = TimeDelta::hours(6);
/// A certificate is fetched again after this.
const KEPT_FOR: TimeDelta = TimeDelta::hours(24);
/// The most keys that are kept.
const KEPT: usize = 16;

/// A delivery is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnsError {
    /// It is no envelope of SNS.
    #[error("this is no delivery of SNS")]
    Unreadable,
    /// Its topic is none of ours.
    #[error("the topic is not one whose deliveries are taken here")]
    Topic,
    /// It names an address that is not SNS's own.
    #[error("the delivery names an address that is not one of SNS")]
    Address,
    /// It is too old, or of the future.
    #[error("the delivery was posted too long ago, or in the future")]
    Stale,
    /// Its signature is of a kind that is not known, or does not fit.
    #[error("the signature does not fit the delivery")]
    Signature,
    /// The certificate is none, or has run out.
    #[error("the certificate of SNS cannot be used")]
    Certificate,
    /// SNS cannot be reached for it.
    #[error("SNS cannot be reached for the certificate or the confirmation")]
    Unreachable,
}

/// Tells true deliveries from others.
pub struct SnsVerifier {
    topics: Vec<String>,
    certificates: Box<dyn Certificates>,
    keys: Mutex<HashMap<Url, Key>>,
}

#[derive(Clone)]
struct Key {
    key: Vec<u8>,
    until: DateTime<Utc>,
}

impl SnsVerifier {
    /// For the topics of that list alone.
    pub fn new(topics: Vec<String>, certificates: Box<dyn Certificates>) -> Self {
        Self { topics, certificates, keys: Mutex::default() }
    }

    /// Whether any topic may deliver.
    pub fn takes_any(&self) -> bool {
        !self.topics.is_empty()
    }

    /// Reads a delivery and makes sure of it.
    pub async fn verify(&self, body: &[u8], now: DateTime<Utc>) -> Result<Envelope, SnsError> {
        let envelope = Envelope::read(body)?;
        if !self.topics.contains(&envelope.topic_arn) {
            return Err(SnsError::Topic);
        }
        let age = now - envelope.posted_at().ok_or(SnsError::Unreadable)?;
        if age.abs() > WINDOW {
            return Err(SnsError::Stale);
        }
        let region = envelope.region().ok_or(SnsError::Topic)?;
        let url = of_certificate(&envelope.certificate_url, region).ok_or(SnsError::Address)?;
        let algorithm: &'static RsaParameters = match envelope.signature_version.as_str() {
            "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            "2" => &RSA_PKCS1_2048_8192_SHA256,
            _ => return Err(SnsError::Signature),
        };
        let signature = STANDARD.decode(&envelope.signature).map_err(|_| SnsError::Signature)?;
        let key = self.key(url, now).await?;
        let fits = UnparsedPublicKey::new(algorithm, key).verify(envelope.signed_text().as_bytes(), &signature);
        fits.map_err(|_| SnsError::Signature)?;
        Ok(envelope)
    }

    /// Confirms the subscription that a delivery, which has been made sure of, asks about.
    pub async fn confirm(&self, envelope: &Envelope) -> Result<(), SnsError> {
        let region = envelope.region().ok_or(SnsError::Topic)?;
        let url = envelope.subscribe_url.as_deref().and_then(|url| of_sns(url, region)).ok_or(SnsError::Address)?;
        self.certificates.confirm(&url).await
    }

    async fn key(&self, url: Url, now: DateTime<Utc>) -> Result<Vec<u8>, SnsError> {
        let kept = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&url).cloned();
        if let Some(kept) = kept.filter(|kept| now <= kept.until) {
            return Ok(kept.key);
        }
        let (key, valid_until) = key_of(&self.certificates.fetch(&url).await?, now)?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEPT {
            keys.clear();
        }
        keys.insert(url, Key { key: key.clone(), until: valid_until.min(now + KEPT_FOR) });
        Ok(key)
    }
}

#[cfg(test)]
mod tests;
