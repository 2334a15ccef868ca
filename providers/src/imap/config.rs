//! Settings of the bounce mailbox. All faults are reported at once, by the name of the variable.

use crate::config::{ConfigFault, Settings};
use secrecy::SecretString;
use std::{path::PathBuf, time::Duration};

/// When encryption begins. There is none without it: the password would go over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImapEncryption {
    /// From the first byte (port 993; RFC 8314).
    Implicit,
    /// After STARTTLS.
    StartTls,
}

/// A mailbox and the account there.
#[derive(Debug, Clone)]
pub struct ImapConfig {
    /// `BOUNCE_IMAP_HOST`, or `IMAP_HOST` where `BOUNCE_IMAP_ENABLED`.
    pub host: String,
    /// `BOUNCE_IMAP_PORT`, or `IMAP_PORT`; default 993.
    pub port: u16,
    /// `BOUNCE_IMAP_ENCRYPTION`: `implicit` or `starttls`; by default by the port.
    pub encryption: ImapEncryption,
    /// `BOUNCE_IMAP_USER`, or `EMAIL_USER`.
    pub user: String,
    /// `BOUNCE_IMAP_PASS`, or `EMAIL_PASS`.
    pub password: SecretString,
    /// `BOUNCE_IMAP_FOLDER`, default INBOX.
    pub folder: String,
    /// `BOUNCE_IMAP_CA_FILE`: certificates (PEM) that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// `BOUNCE_IMAP_TIMEOUT`, default 30 seconds: how long the server may take for one step.
    pub timeout: Duration,
}

impl ImapConfig {
    /// Reads the settings; `None` without `BOUNCE_IMAP_HOST`, unless the mailbox of the account that sends is to be read.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Vec<ConfigFault>> {
        let mut settings = Settings::new(lookup);
        let shared = match settings.optional("BOUNCE_IMAP_ENABLED").map(|text| text.to_lowercase()).as_deref() {
            Some("true" | "1" | "yes" | "on") => true,
            // switched off, whatever else is set
            Some("false" | "0" | "no" | "off") => return Ok(None),
            None if settings.optional("BOUNCE_IMAP_HOST").is_none() => return Ok(None),
            None => false,
            Some(_) => {
                settings.fault("BOUNCE_IMAP_ENABLED", "expected true or false");
                false
            }
        };
        let own_or = |settings: &mut Settings<'_>, own: &'static str, other: &'static str, why: &str| {
            let other = if shared { settings.optional(other) } else { None };
            settings.optional(own).or(other).unwrap_or_else(|| settings.required(own, why))
        };
        let host = own_or(&mut settings, "BOUNCE_IMAP_HOST", "IMAP_HOST", "the mailbox's server is needed");
        if host.contains([':', '/', '@', ' ']) {
            settings
                .fault("BOUNCE_IMAP_HOST", "expected a name or an address without a port, such as imap.example.com");
        }
        let expected = "a port number from 1 to 65535";
        let port = settings.parsed("BOUNCE_IMAP_PORT", 0_u16, expected, |port| *port > 0);
        let port = match port {
            0 if shared => settings.parsed("IMAP_PORT", 993, expected, |port| *port > 0),
            0 => 993,
            port => port,
        };
        let encryption = match settings.optional("BOUNCE_IMAP_ENCRYPTION").as_deref() {
            None if port == 993 => ImapEncryption::Implicit,
            None | Some("starttls") => ImapEncryption::StartTls,
            Some("implicit") => ImapEncryption::Implicit,
            Some(_) => {
                settings.fault("BOUNCE_IMAP_ENCRYPTION", "expected implicit or starttls");
                ImapEncryption::Implicit
            }
        };
        let user = own_or(&mut settings, "BOUNCE_IMAP_USER", "EMAIL_USER", "the mailbox's account is needed");
        let password = own_or(&mut settings, "BOUNCE_IMAP_PASS", "EMAIL_PASS", "the mailbox's password is needed");
        let folder = settings.optional("BOUNCE_IMAP_FOLDER").unwrap_or_else(|| "INBOX".to_owned());
        let ca_file = settings.optional("BOUNCE_IMAP_CA_FILE").map(PathBuf::from);
        let seconds =
            settings.parsed("BOUNCE_IMAP_TIMEOUT", 30, "seconds from 1 to 600", |count| (1..=600).contains(count));
        let timeout = Duration::from_secs(seconds);
        let read = Self { host, port, encryption, user, password: password.into(), folder, ca_file, timeout };
        settings.finish(Some(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<ImapConfig>, Vec<ConfigFault>> {
        let lookup = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        ImapConfig::from_env(&lookup)
    }

    const SEEDS: [(&str, &str); 4] = [
        ("IMAP_HOST", "imap.gmail.com"),
        ("IMAP_PORT", "993"),
        ("EMAIL_USER", "me@company.com"),
        ("EMAIL_PASS", "app"),
    ];

    #[test]
    fn the_mailbox_of_the_sending_account_is_read_only_when_asked_for() {
        assert!(read(&SEEDS).unwrap().is_none());
        let mut asked = SEEDS.to_vec();
        asked.push(("BOUNCE_IMAP_ENABLED", "true"));
        let config = read(&asked).unwrap().unwrap();
        assert_eq!(
            (config.host.as_str(), config.port, config.user.as_str()),
            ("imap.gmail.com", 993, "me@company.com")
        );
        assert_eq!((config.encryption, config.folder.as_str()), (ImapEncryption::Implicit, "INBOX"));
        asked.push(("BOUNCE_IMAP_USER", "bounces@company.com"));
        assert_eq!(read(&asked).unwrap().unwrap().user, "bounces@company.com");
        assert!(!format!("{config:?}").contains("\"app\""));
    }

    #[test]
    fn a_mailbox_of_its_own_needs_its_own_account() {
        let host = ("BOUNCE_IMAP_HOST", "imap.example.com");
        let mut given = SEEDS.to_vec();
        given.extend([host, ("BOUNCE_IMAP_PORT", "x"), ("BOUNCE_IMAP_ENCRYPTION", "none")]);
        let names: Vec<_> = read(&given).unwrap_err().iter().map(|fault| fault.variable).collect();
        assert_eq!(names, ["BOUNCE_IMAP_PORT", "BOUNCE_IMAP_ENCRYPTION", "BOUNCE_IMAP_USER", "BOUNCE_IMAP_PASS"]);
        let own = [host, ("BOUNCE_IMAP_USER", "b"), ("BOUNCE_IMAP_PASS", "p"), ("BOUNCE_IMAP_PORT", "143")];
        assert_eq!(read(&own).unwrap().unwrap().encryption, ImapEncryption::StartTls);
        assert!(read(&[host, ("BOUNCE_IMAP_ENABLED", "false")]).unwrap().is_none());
    }
}
