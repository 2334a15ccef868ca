//! The certificates that SNS signs with: where they may come from, how they are fetched, and the key in them.

use super::SnsError;
use crate::http::{self, HttpError, bounded_body};
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use reqwest::{Client, Url};
use std::time::Duration;
use x509_parser::pem::parse_x509_pem;

/// The longest certificate, in bytes.
const CERTIFICATE_LIMIT: usize = 16 * 1024;
/// The longest answer to a confirmation, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;
/// SNS gives up on a delivery after fifteen seconds.
const TIMEOUT: Duration = Duration::from_secs(8);

/// Where certificates are fetched and subscriptions confirmed.
pub trait Certificates: Send + Sync {
    /// The certificate at an address that has been checked, as PEM.
    fn fetch<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Vec<u8>, SnsError>>;

    /// Confirms a subscription at an address that has been checked.
    fn confirm<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<(), SnsError>>;
}

/// Over HTTPS, from SNS itself, or from a stand-in on this machine.
pub struct Fetched {
    client: Client,
    stand_in: Option<Url>,
}

impl Fetched {
    /// `stand_in` replaces scheme, host and port of every address.
    pub fn new(stand_in: Option<Url>) -> Result<Self, HttpError> {
        let loopback = stand_in.as_ref().is_some_and(http::is_loopback);
        Ok(Self { client: http::client(TIMEOUT, loopback)?, stand_in })
    }

    async fn get(&self, url: &Url, limit: usize) -> Result<Vec<u8>, SnsError> {
        let mut address = url.clone();
        if let Some(stand_in) = &self.stand_in {
            address = stand_in.clone();
            address.set_path(url.path());
            address.set_query(url.query());
        }
        let unreachable = |_| SnsError::Unreachable;
        let answer = self.client.get(address).send().await.map_err(unreachable)?;
        if !answer.status().is_success() {
            return Err(SnsError::Unreachable);
        }
        Ok(bounded_body(answer, limit).await.map_err(|_| SnsError::Unreachable)?.to_vec())
    }
}

impl Certificates for Fetched {
    fn fetch<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Vec<u8>, SnsError>> {
        Box::pin(self.get(url, CERTIFICATE_LIMIT))
    }

    fn confirm<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<(), SnsError>> {
        Box::pin(async move { self.get(url, ANSWER_LIMIT).await.map(drop) })
    }
}

/// An address of SNS in that region, and nobody else's.
pub(super) fn of_sns(text: &str, region: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str()?;
    let ours = [format!("sns.{region}.amazonaws.com"), format!("sns.{region}.amazonaws.com.cn")];
    let plain =
        url.username().is_empty() && url.password().is_none() && url.port().is_none() && url.fragment().is_none();
    (url.scheme() == "https" && plain && ours.iter().any(|our| our == host)).then_some(url)
}

/// Where SNS keeps its certificates.
pub(super) fn of_certificate(text: &str, region: &str) -> Option<Url> {
    let url = of_sns(text, region)?;
    let name = url.path().strip_prefix("/SimpleNotificationService-")?.strip_suffix(".pem")?;
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
    (plain && url.query().is_none()).then_some(url)
}

/// The RSA key of a certificate that is valid now, as ring reads it, and until when it is.
pub(super) fn key_of(pem: &[u8], now: DateTime<Utc>) -> Result<(Vec<u8>, DateTime<Utc>), SnsError> {
    let (_, pem) = parse_x509_pem(pem).map_err(|_| SnsError::Certificate)?;
    let certificate = pem.parse_x509().map_err(|_| SnsError::Certificate)?;
    let validity = certificate.validity();
    let (from, until) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    if !(from..=until).contains(&now.timestamp()) {
        return Err(SnsError::Certificate);
    }
    let key = certificate.public_key().subject_public_key.data.to_vec();
    Ok((key, DateTime::from_timestamp(until, 0).ok_or(SnsError::Certificate)?))
}
