//! Tokens in links: what they are for and which message they belong to, signed and opaque.
//!
//! A token is made by synthetic IV (as RFC 5297 does, over HMAC-SHA256): the authenticator over the content is also what
//! the content is hidden with. So a token tells nobody a message's number, none can be made or changed without the key,
//! and the same content has the same token. A link leads only where its token says: there is no open redirect.
//!
//! Reading fails on anything that no key of ours made; whoever asks learns no more than that.

use super::address::place;
use crate::ids::MessageId;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// The longest address that a token holds, in bytes.
pub const LONGEST_URL: usize = 2_000;
/// The longest token, in characters.
const LONGEST: usize = 3_200;
/// Bytes of an authenticator.
const TAG: usize = 16;
/// Bytes before an address: the kind and the message.
const HEAD: usize = 9;
/// The longest name of a link, in bytes: its length is one byte.
pub const LONGEST_LINK: usize = 255;
/// A click whose token has no name of its link, as all had before links had names.
const CLICK: u8 = 2;
/// A click whose token names its link.
const NAMED_CLICK: u8 = 6;

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Its picture was loaded.
    Open,
    /// A link was followed.
    Click {
        /// To where.
        url: String,
        /// What it is called among the links of its template: its address as the template writes it. `None`: unknown.
        link: Option<String>,
    },
    /// The page that stops further messages.
    Unsubscribe,
    /// The page of preferences.
    Preferences,
    /// The message as a page.
    View,
}

impl Kind {
    const fn byte(&self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Click { link: None, .. } => CLICK,
            Self::Click { link: Some(_), .. } => NAMED_CLICK,
            Self::Unsubscribe => 3,
            Self::Preferences => 4,
            Self::View => 5,
        }
    }

    fn read(byte: u8, rest: &[u8]) -> Option<Self> {
        let plain = match byte {
            1 => Self::Open,
            CLICK => return click(rest, None),
            NAMED_CLICK => {
                let (length, rest) = rest.split_first()?;
                let (link, url) = rest.split_at_checked(usize::from(*length))?;
                return click(url, Some(link));
            }
            3 => Self::Unsubscribe,
            4 => Self::Preferences,
            5 => Self::View,
            _ => return None,
        };
        rest.is_empty().then_some(plain)
    }
}

fn click(url: &[u8], link: Option<&[u8]>) -> Option<Kind> {
    let url = std::str::from_utf8(url).ok().filter(|url| is_followable(url))?;
    let link = match link {
        None => None,
        // the same for everybody
        Some([]) => Some(place(url).to_owned()),
        Some(link) => Some(std::str::from_utf8(link).ok()?.to_owned()),
    };
    Some(Kind::Click { url: url.to_owned(), link })
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Whose it is.
    pub message: MessageId,
    /// What it is for.
    pub kind: Kind,
}

/// No key of ours made it, or not like this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a link of ours")]
pub struct TokenError;

/// Makes and reads tokens. The first key makes them, all read them, so that keys can be replaced.
#[derive(Clone)]
pub struct Signer {
    keys: Vec<[u8; 32]>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} keys)", self.keys.len())
    }
}

impl Signer {
    /// With the key that makes tokens, and those that made some before.
    pub fn new(first: [u8; 32], others: impl IntoIterator<Item = [u8; 32]>) -> Self {
        Self { keys: std::iter::once(first).chain(others).collect() }
    }

    /// A token's text. Fails for an address that is no link to the web, or longer than [`LONGEST_URL`], and for a link
    /// without a name, or with one longer than [`LONGEST_LINK`].
    pub fn token(&self, token: &Token) -> Result<String, TokenError> {
        let key = self.keys.first().ok_or(TokenError)?;
        let mut content = vec![token.kind.byte()];
        content.extend(token.message.0.to_be_bytes());
        if let Kind::Click { url, link } = &token.kind {
            if !is_followable(url) || link.as_deref().is_some_and(str::is_empty) {
                return Err(TokenError);
            }
            if let Some(link) = link {
                let link = if link == place(url) { "" } else { link };
                content.push(u8::try_from(link.len()).map_err(|_| TokenError)?);
                content.extend(link.as_bytes());
            }
            content.extend(url.as_bytes());
        }
        let tag = authenticator(key, &content).ok_or(TokenError)?;
        hide(key, &tag, &mut content);
        Ok(BASE64.encode([&tag[..], &content].concat()))
    }

    /// What a token says.
    pub fn read(&self, text: &str) -> Result<Token, TokenError> {
        if text.len() > LONGEST {
            return Err(TokenError);
        }
        let bytes = BASE64.decode(text).map_err(|_| TokenError)?;
        let (tag, hidden) = bytes.split_first_chunk::<TAG>().ok_or(TokenError)?;
        self.keys.iter().find_map(|key| opened(key, tag, hidden)).ok_or(TokenError)
    }
}

fn opened(key: &[u8; 32], tag: &[u8; TAG], hidden: &[u8]) -> Option<Token> {
    let mut content = hidden.to_vec();
    hide(key, tag, &mut content);
    // in constant time
    mac(key, b"tag")?.chain_update(&content).verify_truncated_left(tag).ok()?;
    let (head, rest) = content.split_first_chunk::<HEAD>()?;
    let [kind, number @ ..] = *head;
    let message = i64::from_be_bytes(number);
    (message > 0).then_some(Token { message: MessageId(message), kind: Kind::read(kind, rest)? })
}

fn mac(key: &[u8; 32], purpose: &[u8]) -> Option<Hmac<Sha256>> {
    // HMAC takes keys of any length, so there is nothing to fail on
    Hmac::<Sha256>::new_from_slice(key).ok().map(|mac| mac.chain_update(purpose))
}

fn authenticator(key: &[u8; 32], content: &[u8]) -> Option<[u8; TAG]> {
    let full: [u8; 32] = mac(key, b"tag")?.chain_update(content).finalize().into_bytes().into();
    full.first_chunk::<TAG>().copied()
}

/// Hides what is plain, and shows what is hidden.
fn hide(key: &[u8; 32], tag: &[u8; TAG], content: &mut [u8]) {
    for (number, block) in (0_u32..).zip(content.chunks_mut(32)) {
        let Some(mac) = mac(key, b"hide") else { return };
        let stream = mac.chain_update(tag).chain_update(number.to_be_bytes()).finalize().into_bytes();
        block.iter_mut().zip(stream).for_each(|(byte, mask)| *byte ^= mask);
    }
}

/// A link to the web, of characters that a header may hold.
fn is_followable(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
        && url.len() <= LONGEST_URL
        && url.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn signer(byte: u8) -> Signer {
        Signer::new([byte; 32], [])
    }

    fn token(kind: Kind) -> Token {
        Token { message: MessageId(42), kind }
    }

    fn click(url: String) -> Token {
        token(Kind::Click { url, link: None })
    }

    fn any_kind() -> impl Strategy<Value = Kind> {
        prop_oneof![
            Just(Kind::Open),
            ("https://[a-z]{1,20}\\.example/[!-~]{0,200}", proptest::option::of(".{1,60}"))
                .prop_map(|(url, link)| Kind::Click { url, link }),
            "https://[a-z]{1,20}\\.example/[!-~]{0,200}"
                .prop_map(|url| Kind::Click { link: Some(place(&url).to_owned()), url }),
            Just(Kind::Unsubscribe),
            Just(Kind::Preferences),
            Just(Kind::View),
        ]
    }

    #[test]
    fn an_older_key_still_reads() {
        let text = signer(1).token(&token(Kind::Open)).unwrap();
        let both = Signer::new([2; 32], [[1; 32]]);
        assert_eq!(both.read(&text), Ok(token(Kind::Open)));
        assert_eq!(signer(2).read(&text), Err(TokenError));
        assert_ne!(both.token(&token(Kind::Open)).unwrap(), text);
    }

    #[test]
    fn only_links_to_the_web_go_into_a_token() {
        for url in [
            "javascript:alert(1)",
            "mailto:a@b.example",
            "//a.example",
            "https://a b",
            "https://a\r\nX: y",
            "https://é",
            "",
        ] {
            assert_eq!(signer(1).token(&click(url.to_owned())), Err(TokenError), "{url}");
        }
        let long = format!("https://a.example/{}", "x".repeat(LONGEST_URL));
        assert!(signer(1).token(&click(long)).is_err());
        let longest = format!("https://a.example/{}", "x".repeat(LONGEST_URL - 18));
        let text = signer(1).token(&click(longest.clone())).unwrap();
        assert_eq!(signer(1).read(&text), Ok(click(longest.clone())));
        let named = |link: String| token(Kind::Click { url: longest.clone(), link: Some(link) });
        let text = signer(1).token(&named("x".repeat(LONGEST_LINK))).unwrap();
        assert_eq!(signer(1).read(&text), Ok(named("x".repeat(LONGEST_LINK))));
        assert!(signer(1).token(&named("x".repeat(LONGEST_LINK + 1))).is_err());
        assert!(signer(1).token(&named(String::new())).is_err());
    }

    #[test]
    fn one_that_is_out_already_leads_on() {
        // made before links had names
        let text = "A0ZjlWt09cwVnp3Bg588hZfGi_9Eh1dH7dYKP9_RKltcGOiTKawZKLcIs_QJKOI5BJaC3Q";
        assert_eq!(signer(7).read(text), Ok(click("https://pay.example/P-1?a=1".to_owned())));
    }

    #[test]
    fn a_token_tells_nothing() {
        let texts: Vec<String> = (1..50)
            .map(|number| signer(1).token(&Token { message: MessageId(number), kind: Kind::Open }).unwrap())
            .collect();
        for pair in texts.windows(2) {
            let same = pair[0].bytes().zip(pair[1].bytes()).filter(|(a, b)| a == b).count();
            assert!(same < 12, "{pair:?}");
        }
    }

    proptest! {
        #[test]
        fn it_comes_back_as_it_was(message in 1..i64::MAX, kind in any_kind()) {
            let token = Token { message: MessageId(message), kind };
            let text = signer(7).token(&token).unwrap();
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
            prop_assert_eq!(signer(7).read(&text), Ok(token));
        }

        #[test]
        fn a_changed_one_is_none(kind in any_kind(), place in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let text = signer(7).token(&token(kind)).unwrap();
            let mut bytes = BASE64.decode(&text).unwrap();
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            prop_assert_eq!(signer(7).read(&BASE64.encode(bytes)), Err(TokenError));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,100}") {
            prop_assert_eq!(signer(7).read(&text), Err(TokenError));
        }
    }
}
