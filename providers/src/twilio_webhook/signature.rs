//! `X-Twilio-Signature`: base64 HMAC-SHA1 with the auth token over the address and, of a form, its sorted fields.
//!
//! The address is the one that Twilio called. It may have been given with the port that goes without saying or without
//! it, so both are tried. Of a body that is no form, the address carries the SHA-256 as `bodySHA256`.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use subtle::ConstantTimeEq;
use url::{Url, form_urlencoded};

/// The delivery is not from somebody who knows the auth token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature.
    #[error("the signature is missing")]
    Missing,
    /// It is not the base64 of 20 bytes.
    #[error("the signature cannot be read")]
    Malformed,
    /// No known token made it, for this address and this body.
    #[error("the signature does not fit: check TWILIO_AUTH_TOKEN, and that PUBLIC_URL is what Twilio calls")]
    Wrong,
}

/// What is signed: the address that was called, and the body with its content type.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The whole address, query included.
    pub url: &'a str,
    /// The raw body.
    pub body: &'a [u8],
    /// Whether the body is a form.
    pub is_form: bool,
}

impl Signed<'_> {
    /// The sorted fields, each as its name and its value; a field that comes twice with one value counts once.
    fn fields(&self) -> String {
        if !self.is_form {
            return String::new();
        }
        let sorted: BTreeSet<_> = form_urlencoded::parse(self.body).collect();
        sorted.into_iter().flat_map(|(name, value)| [name, value]).collect()
    }

    /// Of a body that is no form, whether it is the one that the address names.
    fn names_its_body(&self) -> bool {
        let Ok(url) = Url::parse(self.url) else { return false };
        let named = url.query_pairs().find(|(name, _)| name == "bodySHA256");
        match named {
            Some((_, digest)) => {
                let actual = hex::encode(Sha256::digest(self.body));
                bool::from(actual.as_bytes().ct_eq(digest.to_ascii_lowercase().as_bytes()))
            }
            // nothing would vouch for a body that is no form
            None => self.is_form || self.body.is_empty(),
        }
    }
}

/// Checks a signature before anything reads the body. Any of the tokens may have made it.
pub fn verify(tokens: &[SecretString], signed: Signed<'_>, header: Option<&str>) -> Result<(), SignatureError> {
    let header = header.ok_or(SignatureError::Missing)?;
    let given = STANDARD.decode(header.trim()).ok().filter(|bytes| bytes.len() == 20);
    let given = given.ok_or(SignatureError::Malformed)?;
    if !signed.names_its_body() {
        return Err(SignatureError::Wrong);
    }
    let fields = signed.fields();
    let fits = |token: &SecretString, url: &str| {
        let token = token.expose_secret().as_bytes();
        // an empty key would let anybody sign
        !token.is_empty() && hmac::verify(&key(token), format!("{url}{fields}").as_bytes(), &given).is_ok()
    };
    let addresses = addresses(signed.url);
    let known = tokens.iter().any(|token| addresses.iter().any(|url| fits(token, url)));
    if known { Ok(()) } else { Err(SignatureError::Wrong) }
}

/// The header's value, as Twilio makes it.
pub fn sign(token: &SecretString, signed: Signed<'_>) -> String {
    let text = format!("{}{}", signed.url, signed.fields());
    STANDARD.encode(hmac::sign(&key(token.expose_secret().as_bytes()), text.as_bytes()))
}

fn key(token: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token)
}

/// The address as it came, with the port of its scheme, and without a port.
fn addresses(url: &str) -> Vec<String> {
    let mut addresses = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else { return addresses };
    let port = if scheme.eq_ignore_ascii_case("https") { "443" } else { "80" };
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    // the colon of a port comes after the brackets of an IPv6 address
    let bare = match host.rsplit_once(':') {
        Some((bare, digits)) if !digits.ends_with(']') => bare,
        _ => host,
    };
    if bare == host {
        addresses.push(format!("{scheme}://{host}:{port}{path}"));
    } else {
        addresses.push(format!("{scheme}://{bare}{path}"));
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vendor's own example.
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const BODY: &[u8] =
        b"To=%2B18005551212&Digits=1234&From=%2B14158675309&Caller=%2B14158675309&CallSid=CA1234567890ABCDE";
    const SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

    fn form<'a>(url: &'a str, body: &'a [u8]) -> Signed<'a> {
        Signed { url, body, is_form: true }
    }

    fn tokens(list: &[&str]) -> Vec<SecretString> {
        list.iter().map(|token| SecretString::from(*token)).collect()
    }

    #[test]
    fn the_vendors_vector() {
        assert_eq!(sign(&"12345".into(), form(URL, BODY)), SIGNATURE);
        assert_eq!(verify(&tokens(&["12345"]), form(URL, BODY), Some(SIGNATURE)), Ok(()));
    }

    #[test]
    fn any_of_several_tokens_and_no_other() {
        let check = |list: &[&str]| verify(&tokens(list), form(URL, BODY), Some(SIGNATURE));
        assert_eq!(check(&["new", "12345"]), Ok(()));
        for list in [&["new"][..], &[], &[""]] {
            assert_eq!(check(list), Err(SignatureError::Wrong), "{list:?}");
        }
    }

    #[test]
    fn a_port_that_goes_without_saying_may_be_said() {
        let token = SecretString::from("t");
        for (called, ours) in [
            ("https://a.example:443/x?m=1", "https://a.example/x?m=1"),
            ("https://a.example/x?m=1", "https://a.example:443/x?m=1"),
            ("http://a.example:80/x", "http://a.example/x"),
            ("https://a.example/x", "https://a.example:8443/x"),
            ("https://[::1]:443/x", "https://[::1]/x"),
        ] {
            let signature = sign(&token, form(called, BODY));
            let checked = verify(std::slice::from_ref(&token), form(ours, BODY), Some(&signature));
            assert_eq!(checked, Ok(()), "{called} as {ours}");
        }
    }

    #[test]
    fn nothing_may_be_changed() {
        let check = |url: &str, body: &[u8]| verify(&tokens(&["12345"]), form(url, body), Some(SIGNATURE));
        assert_eq!(check("https://mycompany.com/myapp.php?foo=1&bar=3", BODY), Err(SignatureError::Wrong));
        assert_eq!(check(URL, b"To=%2B1"), Err(SignatureError::Wrong));
        for (header, expected) in [
            (None, SignatureError::Missing),
            (Some("no base64"), SignatureError::Malformed),
            (Some("AAAA"), SignatureError::Malformed),
        ] {
            assert_eq!(verify(&tokens(&["12345"]), form(URL, BODY), header), Err(expected));
        }
    }

    #[test]
    fn a_body_that_is_no_form_is_named_by_the_address() {
        let (body, token) = (br#"{"a":1}"#, SecretString::from("12345"));
        let url = format!("https://a.example/x?bodySHA256={}", hex::encode(Sha256::digest(body)));
        let json = |url| Signed { url, body: &body[..], is_form: false };
        let signature = sign(&token, json(&url));
        let list = tokens(&["12345"]);
        assert_eq!(verify(&list, json(&url), Some(&signature)), Ok(()));
        let changed = Signed { url: &url, body: b"{}", is_form: false };
        assert_eq!(verify(&list, changed, Some(&signature)), Err(SignatureError::Wrong));
        let bare = sign(&token, json("https://a.example/x"));
        assert_eq!(verify(&list, json("https://a.example/x"), Some(&bare)), Err(SignatureError::Wrong));
    }
}
