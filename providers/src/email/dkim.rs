//! Messages signed by the domain that answers for them (RFC 6376, RFC 8463).
//!
//! The key is read once, at start, and a key that cannot be used is told then.

use super::DkimConfig;
use base64::{Engine, engine::general_purpose::STANDARD};
use lettre::{
    Message,
    message::{
        dkim::{
            DkimCanonicalization, DkimCanonicalizationType, DkimConfig as Signing, DkimSigningAlgorithm,
            DkimSigningKey, DkimSigningKeyError, dkim_sign,
        },
        header::HeaderName,
    },
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use x509_parser::der_parser::{asn1_rs::Oid, oid, parse_der};

/// What a signature covers: everything a reader sees or acts on, whether or not the message has it, so that nobody can
/// add it. RFC 8058 asks for the last two. The body's own headers are not among them: lettre signs without those.
const COVERED: [&str; 9] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];
const RSA: Oid<'static> = oid!(1.2.840.113549.1.1.1);
const ED25519: Oid<'static> = oid!(1.3.101.112);

/// The key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DkimError {
    /// It cannot be read.
    #[error("SMTP_DKIM_KEY_FILE cannot be read")]
    Unreadable(#[from] std::io::Error),
    /// It is no private key, or of another kind.
    #[error("SMTP_DKIM_KEY_FILE: expected a private key, RSA or Ed25519, as PEM")]
    Kind,
    /// It cannot be signed with.
    #[error("SMTP_DKIM_KEY_FILE holds a key that cannot be used")]
    Key(#[from] DkimSigningKeyError),
}

/// Signs messages.
pub(super) struct Signer(Signing);

impl Signer {
    /// Reads the key.
    pub fn open(config: &DkimConfig) -> Result<Self, DkimError> {
        let key = key(&std::fs::read(&config.key_file)?)?;
        // relays fold lines anew
        let relaxed = DkimCanonicalizationType::Relaxed;
        let canonicalization = DkimCanonicalization { header: relaxed, body: relaxed };
        let covered = COVERED.map(HeaderName::new_from_ascii_str).to_vec();
        Ok(Self(Signing::new(config.selector.clone(), config.domain.clone(), key, covered, canonicalization)))
    }

    /// Adds the signature.
    pub fn sign(&self, message: &mut Message) {
        dkim_sign(message, &self.0);
    }
}

/// lettre takes an RSA key as PKCS #1 and an Ed25519 key as its seed; files are of PKCS #8 as often.
fn key(pem: &[u8]) -> Result<DkimSigningKey, DkimError> {
    let read = PrivateKeyDer::from_pem_slice(pem).map_err(|_| DkimError::Kind)?;
    let rsa = |der: &[u8]| DkimSigningKey::new(&pkcs1(der), DkimSigningAlgorithm::Rsa).map_err(DkimError::from);
    match &read {
        PrivateKeyDer::Pkcs1(key) => rsa(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => {
            let (kind, inner) = of_pkcs8(key.secret_pkcs8_der()).ok_or(DkimError::Kind)?;
            if kind == RSA {
                return rsa(&inner);
            }
            let seed = (kind == ED25519).then(|| octets(&inner)).flatten().ok_or(DkimError::Kind)?;
            Ok(DkimSigningKey::new(&STANDARD.encode(seed), DkimSigningAlgorithm::Ed25519)?)
        }
        _ => Err(DkimError::Kind),
    }
}

/// The kind of a key and the key itself: version, algorithm, key (RFC 5958).
fn of_pkcs8(der: &[u8]) -> Option<(Oid<'static>, Vec<u8>)> {
    let (_, whole) = parse_der(der).ok()?;
    let fields = whole.as_sequence().ok()?;
    let kind = fields.get(1)?.as_sequence().ok()?.first()?.as_oid().ok()?.to_owned();
    Some((kind, fields.get(2)?.as_slice().ok()?.to_vec()))
}

fn octets(der: &[u8]) -> Option<Vec<u8>> {
    let (_, octets) = parse_der(der).ok()?;
    Some(octets.as_slice().ok()?.to_vec())
}

fn pkcs1(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut pem = "-----BEGIN RSA PRIVATE KEY-----\n".to_owned();
    for (at, letter) in encoded.char_indices() {
        if at > 0 && at % 64 == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem.push_str("\n-----END RSA PRIVATE KEY-----\n");
    pem
}

#[cfg(test)]
#[path = "dkim_tests.rs"]
mod tests;
