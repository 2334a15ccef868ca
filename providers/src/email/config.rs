//! Settings of a mail server. All faults are reported at once, by the name of the variable.

use crate::config::{ConfigFault, Settings};
use lettre::message::Mailbox;
use secrecy::SecretString;
use std::{path::PathBuf, time::Duration};

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// From the first byte (port 465; RFC 8314).
    Implicit,
    /// After STARTTLS, which the server must offer.
    StartTls,
    /// Not at all: only for a relay on this machine.
    None,
}

/// What messages are signed with (RFC 6376).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DkimConfig {
    /// `SMTP_DKIM_DOMAIN`: the domain that answers for the messages.
    pub domain: String,
    /// `SMTP_DKIM_SELECTOR`: under which name its DNS holds the public key.
    pub selector: String,
    /// `SMTP_DKIM_KEY_FILE`: the private key, RSA or Ed25519, as PEM.
    pub key_file: PathBuf,
}

impl DkimConfig {
    fn read(settings: &mut Settings<'_>) -> Option<Self> {
        const ALL: [&str; 3] = ["SMTP_DKIM_DOMAIN", "SMTP_DKIM_SELECTOR", "SMTP_DKIM_KEY_FILE"];
        if ALL.iter().all(|variable| settings.optional(variable).is_none()) {
            return None;
        }
        let [domain, selector, key_file] = ALL.map(|name| settings.required(name, "signing needs all three"));
        let is_name = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        for (variable, text) in [(ALL[0], &domain), (ALL[1], &selector)] {
            if !is_name(text) {
                settings.fault(variable, "expected a name as in DNS: letters, digits, dots and dashes");
            }
        }
        Some(Self { domain, selector, key_file: key_file.into() })
    }
}

/// A mail server and the account there.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// `SMTP_HOST`.
    pub host: String,
    /// `SMTP_PORT`, default 587.
    pub port: u16,
    /// `SMTP_ENCRYPTION`: `implicit`, `starttls` or `none`; by default by the port.
    pub encryption: Encryption,
    /// `EMAIL_USER` and `EMAIL_PASS`.
    pub credentials: Option<(String, SecretString)>,
    /// `EMAIL_FROM`, by default `EMAIL_USER`.
    pub from: String,
    /// `SMTP_CA_FILE`: certificates (PEM) that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// `SMTP_CONNECTIONS`, default 4: at most so many at once.
    pub connections: u32,
    /// `SMTP_CONNECTIONS_PER_DOMAIN`, by default one less: so many messages to one domain at once, so that a slow one
    /// does not hold up the others.
    pub per_domain: u32,
    /// What messages are signed with.
    pub dkim: Option<DkimConfig>,
    /// `SMTP_TIMEOUT`, default 30 seconds: how long the server may take for one step.
    pub timeout: Duration,
    /// `SMTP_RATE_PER_SECOND`, default 50: what the server takes.
    pub rate_per_second: u32,
}

impl SmtpConfig {
    /// Reads the settings; `None` without `SMTP_HOST`.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Vec<ConfigFault>> {
        let mut settings = Settings::new(lookup);
        let Some(host) = settings.optional("SMTP_HOST") else { return Ok(None) };
        if host.contains([':', '/', '@', ' ']) {
            settings.fault("SMTP_HOST", "expected a name or an address without a port, such as smtp.example.com");
        }
        let port = settings.parsed("SMTP_PORT", 587, "a port number from 1 to 65535", |port| *port > 0);
        let encryption = encryption(&mut settings, &host, port);
        let credentials = match (settings.optional("EMAIL_USER"), settings.optional("EMAIL_PASS")) {
            (Some(user), Some(password)) => Some((user, password.into())),
            (None, None) => None,
            (Some(_), None) => {
                settings.fault("EMAIL_PASS", "is not set, while EMAIL_USER is");
                None
            }
            (None, Some(_)) => {
                settings.fault("EMAIL_USER", "is not set, while EMAIL_PASS is");
                None
            }
        };
        let from = sender(&mut settings);
        let ca_file = settings.optional("SMTP_CA_FILE").map(PathBuf::from);
        let connections =
            settings.parsed("SMTP_CONNECTIONS", 4, "a number from 1 to 100", |count| (1..=100).contains(count));
        let fewer = (connections - 1).max(1);
        let per_domain =
            settings.parsed("SMTP_CONNECTIONS_PER_DOMAIN", fewer, "a number from 1 to SMTP_CONNECTIONS", |count| {
                (1..=connections).contains(count)
            });
        let dkim = DkimConfig::read(&mut settings);
        let seconds = settings.parsed("SMTP_TIMEOUT", 30, "seconds from 1 to 600", |count| (1..=600).contains(count));
        let timeout = Duration::from_secs(seconds);
        let rate_per_second =
            settings.parsed("SMTP_RATE_PER_SECOND", 50, "messages a second from 1 to 10000", |rate| {
                (1..=10_000).contains(rate)
            });
        let read = Self {
            host,
            port,
            encryption,
            credentials,
            from,
            ca_file,
            connections,
            per_domain,
            dkim,
            timeout,
            rate_per_second,
        };
        settings.finish(Some(read))
    }
}

/// Whoever listens in between reads links that open accounts, so only this machine may be reached in clear.
fn encryption(settings: &mut Settings<'_>, host: &str, port: u16) -> Encryption {
    let by_port = if port == 465 { Encryption::Implicit } else { Encryption::StartTls };
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    match settings.optional("SMTP_ENCRYPTION").as_deref() {
        None => by_port,
        Some("implicit") => Encryption::Implicit,
        Some("starttls") => Encryption::StartTls,
        Some("none") if is_here => Encryption::None,
        Some(_) => {
            settings.fault("SMTP_ENCRYPTION", "expected implicit, starttls or, for a relay on this machine, none");
            by_port
        }
    }
}

/// Whether a text can be what messages are from: `Renewals <no-reply@example.com>`, or the address alone.
pub fn is_sender(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

fn sender(settings: &mut Settings<'_>) -> String {
    let given = settings.optional("EMAIL_FROM").or_else(|| settings.optional("EMAIL_USER")).unwrap_or_default();
    if !is_sender(&given) {
        settings.fault("EMAIL_FROM", "expected an address, as in Renewals <no-reply@example.com>");
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<SmtpConfig>, Vec<ConfigFault>> {
        let lookup = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        SmtpConfig::from_env(&lookup)
    }

    #[test]
    fn without_a_host_there_is_no_mail_server() {
        assert!(read(&[("SMTP_PORT", "25"), ("EMAIL_USER", "me")]).unwrap().is_none());
    }

    #[test]
    fn an_account_is_enough() {
        let account =
            [("SMTP_HOST", "smtp.gmail.com"), ("EMAIL_USER", "me@company.com"), ("EMAIL_PASS", "app password")];
        let config = read(&account).unwrap().unwrap();
        assert_eq!((config.port, config.encryption, &*config.from), (587, Encryption::StartTls, "me@company.com"));
        assert_eq!((config.connections, config.per_domain, config.dkim.is_none()), (4, 3, true));
        assert!(!format!("{config:?}").contains("app password"));
        let implicit = read(&[account[0], account[1], account[2], ("SMTP_PORT", "465")]).unwrap().unwrap();
        assert_eq!(implicit.encryption, Encryption::Implicit);
    }

    #[test]
    fn all_faults_at_once_by_name() {
        let faults = read(&[
            ("SMTP_HOST", "smtp.example.com"),
            ("SMTP_PORT", "0"),
            ("SMTP_ENCRYPTION", "none"),
            ("EMAIL_USER", "me"),
            ("SMTP_TIMEOUT", "soon"),
            ("SMTP_CONNECTIONS", "2"),
            ("SMTP_CONNECTIONS_PER_DOMAIN", "3"),
            ("SMTP_DKIM_DOMAIN", "example.com; x"),
        ])
        .unwrap_err();
        let names: Vec<_> = faults.iter().map(|fault| fault.variable).collect();
        assert_eq!(
            names,
            [
                "SMTP_PORT",
                "SMTP_ENCRYPTION",
                "EMAIL_PASS",
                "EMAIL_FROM",
                "SMTP_CONNECTIONS_PER_DOMAIN",
                "SMTP_DKIM_SELECTOR",
                "SMTP_DKIM_KEY_FILE",
                "SMTP_DKIM_DOMAIN",
                "SMTP_TIMEOUT"
            ]
        );
        let local = [("SMTP_HOST", "127.0.0.1"), ("SMTP_ENCRYPTION", "none"), ("EMAIL_FROM", "A B <a@b.example>")];
        assert_eq!(read(&local).unwrap().unwrap().encryption, Encryption::None);
    }
}
