//! Links of ours: what they begin with, and the tokens in them.

use crate::{Services, process::config::derive};
use domain::{
    ids::MessageId,
    messaging::tracking::{Kind, Signer, Token, TokenError},
};
use secrecy::SecretString;
use url::Url;

/// Makes links, and reads their tokens.
#[derive(Debug, Clone)]
pub struct Links {
    base: String,
    signer: Signer,
}

/// What is added to links, so that the page they lead to knows where its visitors come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Utm {
    /// `utm_source`.
    pub source: String,
    /// `utm_medium`.
    pub medium: String,
    /// `utm_campaign`; blank is left out, as all are.
    pub campaign: String,
    /// `utm_content`.
    pub content: String,
}

impl Utm {
    /// Adds what the address does not say already.
    pub(super) fn add(&self, url: &mut Url) {
        let parts = [
            ("utm_source", &self.source),
            ("utm_medium", &self.medium),
            ("utm_campaign", &self.campaign),
            ("utm_content", &self.content),
        ];
        for (name, value) in parts.into_iter().filter(|(_, value)| !value.is_empty()) {
            if url.query_pairs().all(|(known, _)| known != name) {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
    }
}

impl Links {
    /// Those that begin with `base` (without a slash at the end), signed with a key of their own.
    pub fn new(base: &str, secret: &SecretString) -> Self {
        Self { base: base.to_owned(), signer: Signer::new(derive(secret, b"renewals links v1"), []) }
    }

    /// Those of a process.
    pub fn of(services: &Services) -> Self {
        Self::new(&services.public_url, &services.security.secret_key)
    }

    /// What a token says.
    pub fn read(&self, token: &str) -> Result<Token, TokenError> {
        self.signer.read(token)
    }

    /// The picture that tells of an opening.
    pub fn open(&self, message: MessageId) -> Option<String> {
        self.link("/t/o/", message, Kind::Open).map(|link| link + ".gif")
    }

    /// A link that leads to the address, and what it is called among the links of its template; `None`: it is none to be
    /// watched.
    pub fn click(&self, message: MessageId, url: &str, link: &str) -> Option<String> {
        self.link("/t/c/", message, Kind::Click { url: url.to_owned(), link: Some(link.to_owned()) })
    }

    /// The page that stops further messages; takes the POST of RFC 8058 as well.
    pub fn unsubscribe(&self, message: MessageId) -> Option<String> {
        self.link("/u/", message, Kind::Unsubscribe)
    }

    /// The page of preferences.
    pub fn preferences(&self, message: MessageId) -> Option<String> {
        self.link("/p/", message, Kind::Preferences)
    }

    /// The message as a page.
    pub fn view(&self, message: MessageId) -> Option<String> {
        self.link("/v/", message, Kind::View)
    }

    /// Whether an address is one of ours, which is not to be watched.
    pub(super) fn is_own(&self, url: &str) -> bool {
        let rest = url.strip_prefix(self.base.as_str());
        rest.is_some_and(|rest| ["/t/", "/u/", "/p/", "/v/"].iter().any(|own| rest.starts_with(own)))
    }

    fn link(&self, path: &str, message: MessageId, kind: Kind) -> Option<String> {
        let token = self.signer.token(&Token { message, kind }).ok()?;
        Some(format!("{}{path}{token}", self.base))
    }
}
