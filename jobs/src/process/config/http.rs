//! How the API is reached.

use super::{RateConfig, Reader, parse_bytes, parse_duration};
use ipnetwork::IpNetwork;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// A certificate and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those between it and the root.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// The API's address, limits and allowed browsers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// The address listened on; containers set 0.0.0.0.
    pub bind: IpAddr,
    /// The port; 0 takes any free one.
    pub port: u16,
    /// Whether the port was asked for or is the default.
    pub port_given: bool,
    /// What TLS is served with; without it a proxy does, or nobody.
    pub tls: Option<TlsFiles>,
    /// How often the API may be called.
    pub rates: RateConfig,
    /// Origins of web pages that may call the API; `*` allows all.
    pub cors_allowed_origins: Vec<String>,
    /// Proxies whose word on a client's address is taken.
    pub trusted_proxies: Vec<IpNetwork>,
    /// An uploaded file at most.
    pub max_upload_bytes: u64,
    /// Any other body at most.
    pub max_body_bytes: u64,
    /// An answer takes this long at most; uploads, waits and WebSockets have their own.
    pub request_timeout: Duration,
    /// How long open requests may go on after a signal to stop.
    pub drain_timeout: Duration,
}

impl HttpConfig {
    /// `PORT`, `BIND_ADDRESS`, `CORS_ALLOWED_ORIGINS`, `TRUSTED_PROXIES`, `MAX_UPLOAD_BYTES`, `MAX_BODY_BYTES`, `REQUEST_TIMEOUT`,
    /// `DRAIN_TIMEOUT`, `TLS_CERT_FILE`, `TLS_KEY_FILE`, `RATE_LIMIT_…`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let duration = |text: &str| parse_duration(text).filter(|duration| !duration.is_zero());
        let port_given = reader.optional("PORT").is_some();
        Self {
            port: reader.parsed("PORT", 8000, "a port number from 0 to 65535"),
            port_given,
            tls: tls(reader),
            rates: RateConfig::read(reader),
            bind: reader.parsed("BIND_ADDRESS", Ipv4Addr::LOCALHOST.into(), "an IP address such as 0.0.0.0"),
            cors_allowed_origins: reader.checked(
                "CORS_ALLOWED_ORIGINS",
                Vec::new(),
                "origins such as https://app.example.com, separated by commas, or *",
                origins,
            ),
            trusted_proxies: reader.checked(
                "TRUSTED_PROXIES",
                Vec::new(),
                "addresses and networks such as 10.0.0.0/8, separated by commas",
                networks,
            ),
            max_upload_bytes: reader.checked("MAX_UPLOAD_BYTES", 1 << 30, "a size such as 1GiB", positive),
            max_body_bytes: reader.checked("MAX_BODY_BYTES", 1 << 20, "a size such as 1MiB", positive),
            request_timeout: reader.checked(
                "REQUEST_TIMEOUT",
                Duration::from_secs(30),
                "a duration such as 30s",
                duration,
            ),
            drain_timeout: reader.checked("DRAIN_TIMEOUT", Duration::from_secs(15), "a duration such as 15s", duration),
        }
    }

    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.bind, self.port)
    }
}

fn tls(reader: &mut Reader<'_>) -> Option<TlsFiles> {
    match (reader.optional("TLS_CERT_FILE"), reader.optional("TLS_KEY_FILE")) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate: certificate.into(), key: key.into() }),
        (None, None) => None,
        (Some(_), None) => {
            reader.missing("TLS_KEY_FILE", "the key of TLS_CERT_FILE");
            None
        }
        (None, Some(_)) => {
            reader.missing("TLS_CERT_FILE", "the certificate of TLS_KEY_FILE");
            None
        }
    }
}

fn networks(text: &str) -> Option<Vec<IpNetwork>> {
    let listed = text.split(',').map(str::trim).filter(|network| !network.is_empty());
    listed.map(|network| network.parse().ok()).collect()
}

fn positive(text: &str) -> Option<u64> {
    parse_bytes(text).filter(|bytes| *bytes > 0)
}

/// Scheme and authority only: a path or a trailing slash never matches what a browser sends.
fn origins(text: &str) -> Option<Vec<String>> {
    let listed = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    listed.map(|origin| is_origin(origin).then(|| origin.to_owned())).collect()
}

fn is_origin(text: &str) -> bool {
    let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text == "*" || authority.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_scheme_and_authority() {
        assert_eq!(origins("https://a.example, http://localhost:3000,").map(|all| all.len()), Some(2));
        assert_eq!(origins("*"), Some(vec!["*".to_owned()]));
        for text in ["a.example", "https://a.example/", "https://", "ftp://a", "https://a,b"] {
            assert_eq!(origins(text), None, "{text}");
        }
    }
}
