//! How mails leave, and what their links begin with.

use super::Reader;
use poem::http::Uri;
use providers::{
    email::{SmtpConfig, is_sender},
    imap::ImapConfig,
};

/// The port that the API listens on unless told otherwise.
const PORT: u16 = 8000;

/// Mails.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// The mail server; without one mails are kept in the storage.
    pub smtp: Option<SmtpConfig>,
    /// Where mails that did not arrive come back to; without it nothing is read.
    pub bounces: Option<ImapConfig>,
    /// What mails are from.
    pub sender: Option<String>,
    /// What links begin with; without a slash at the end.
    pub public_url: String,
}

impl MailConfig {
    /// `SMTP_HOST`, `BOUNCE_IMAP_HOST` and what belongs to them, `EMAIL_FROM`, `PUBLIC_URL`.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let smtp = reader.provider(SmtpConfig::from_env);
        let bounces = reader.provider(ImapConfig::from_env);
        let mut sender = None;
        // with a server, its settings have told
        if matches!(smtp, Some(None)) {
            let expected = "an address, as in Renewals <no-reply@example.com>";
            let read = |text: &str| is_sender(text).then(|| Some(text.to_owned()));
            sender = reader.checked("EMAIL_FROM", None, expected, read);
        }
        // a wrong port is told by whoever listens on it
        let port = reader.optional("PORT").and_then(|port| port.parse().ok()).filter(|port| *port != 0).unwrap_or(PORT);
        let default = format!("http://localhost:{port}");
        let expected = "where people find the platform, such as https://renewals.example.com";
        let public_url = reader.checked("PUBLIC_URL", default, expected, base);
        Some(Self { smtp: smtp?, bounces: bounces?, sender, public_url })
    }
}

fn base(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host =
        uri.authority().is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'));
    (is_web && has_host && uri.query().is_none()).then(|| text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_a_web_address_without_a_query() {
        assert_eq!(base("https://renewals.example.com/").as_deref(), Some("https://renewals.example.com"));
        assert_eq!(base("http://localhost:8000/app").as_deref(), Some("http://localhost:8000/app"));
        for text in ["renewals.example.com", "ftp://a.example", "https://", "https://a?b=c", "https://me@a.example"] {
            assert_eq!(base(text), None, "{text}");
        }
    }
}
