//! The HTTP client of every provider: timeouts, the machine's roots, no redirects, bounded answers.
//!
//! Building fails when the machine's root certificates cannot be read: at start, once.

use crate::whatsapp_cloud::masked;
use bytes::{Bytes, BytesMut};
use domain::messaging::{FailureClass, SendFailure};
use reqwest::{Client, Response, Url, header::HeaderMap, redirect};
use std::{error::Error as _, time::Duration};

/// The longest a connection may take to be made, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than the idle time after which servers commonly close: a request must not meet a closing connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// What services see as the caller.
const USER_AGENT: &str = concat!("intelipro-renewals/", env!("CARGO_PKG_VERSION"));

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made: are there root certificates?")]
pub struct HttpError(#[from] reqwest::Error);

/// Gives the process its TLS provider if nothing has: without one, building a client panics.
pub(crate) fn install_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // somebody else may have been first meanwhile, with the same one
        let _already = rustls::crypto::ring::default_provider().install_default();
    }
}

/// A client whose calls end after `timeout`, connecting included.
///
/// It follows no redirect and repeats nothing by itself, so that one call is at most one request served. For a loopback
/// peer it goes past any proxy.
pub fn client(timeout: Duration, loopback: bool) -> Result<Client, HttpError> {
    install_tls();
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never());
    let builder = if loopback { builder.no_proxy() } else { builder };
    Ok(builder.build()?)
}

/// Why an answer's body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is longer than it may be.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// The connection broke, or the time was up.
    #[error("the answer broke off")]
    Broken(#[from] reqwest::Error),
}

/// Reads a body of at most `limit` bytes.
pub async fn bounded_body(mut response: Response, limit: usize) -> Result<Bytes, BodyError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLong(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// How long the answer asks to wait: seconds, or a date (RFC 9110, 10.2.3) counted from the answer's own `Date`.
///
/// At most a day; a date that has passed is no wait.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text("retry-after")?;
    let wait = match asked.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = |text: &str| chrono::DateTime::parse_from_rfc2822(text).ok();
            (date(asked)? - date(text("date")?)?).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST))
}

/// Whether an address is on this machine: what may be reached in clear, and past any proxy.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// A call that no answer came to. Only a connection that was never made proves that nothing was taken.
pub fn unanswered(error: &reqwest::Error) -> SendFailure {
    if error.is_builder() {
        return SendFailure::new(
            FailureClass::Account,
            Some("request".into()),
            "the request cannot be built: check the settings",
        );
    }
    let (class, code) = match (error.is_connect(), error.is_timeout()) {
        (true, _) if error.is_dns() => (FailureClass::Retry { after: None }, "dns"),
        (true, true) => (FailureClass::Retry { after: None }, "connect_timeout"),
        (true, false) => (FailureClass::Retry { after: None }, "connect"),
        (false, true) => (FailureClass::Unknown, "timeout"),
        (false, false) => (FailureClass::Unknown, "connection_lost"),
    };
    // the innermost cause only: the outer ones repeat the address
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let innermost = if error.source().is_some() { cause.to_string() } else { "no answer".to_owned() };
    SendFailure::new(class, Some(code.into()), &masked(&innermost))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        retry_after(&headers)
    }

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(wait(&[("retry-after", "120")]), Some(Duration::from_secs(120)));
        assert_eq!(wait(&[date, ("retry-after", "Sun, 06 Nov 1994 08:51:07 GMT")]), Some(Duration::from_secs(90)));
        assert_eq!(wait(&[date, ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]), Some(Duration::ZERO));
        assert_eq!(wait(&[("retry-after", "99999999")]), Some(Duration::from_secs(86_400)));
        for pairs in [&[][..], &[("retry-after", "soon")], &[("retry-after", "Sun, 06 Nov 1994 08:51:07 GMT")]] {
            assert_eq!(wait(pairs), None);
        }
    }
}
