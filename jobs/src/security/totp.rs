//! Codes of authenticator apps (TOTP, RFC 6238) as every app reads them: SHA-1, six digits, thirty seconds.
//!
//! Pure: the time is passed in. That a code counts once is the caller's to see to, by the step it belongs to. Opening a
//! kept secret fails with [`TotpError`].

use super::sealing::{KeyRing, Place, SealError};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use totp_rs::{Builder, Secret, Totp};

/// Bytes of a secret: what RFC 4226 (4, R6) recommends.
const LENGTH: usize = 20;
/// RFC 4648, 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// 16 of 32 characters, 80 bits: their hash needs no salt.
const RECOVERY_BYTES: usize = 10;
/// Recovery codes are written in groups of four.
const GROUP: usize = 4;

/// A secret that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TotpError {
    /// It does not open.
    #[error("the secret of a second factor does not open")]
    Sealed(#[from] SealError),
    /// It has not the length of one.
    #[error("the secret of a second factor is damaged")]
    Damaged,
}

/// What an authenticator app and we share.
pub struct TotpSecret(SecretBox<[u8; LENGTH]>);

impl TotpSecret {
    /// A new one.
    pub fn random() -> Self {
        Self(SecretBox::new(Box::new(rand::random())))
    }

    /// One that was kept for that user.
    pub fn open(ring: &KeyRing, user: i64, sealed: &str) -> Result<Self, TotpError> {
        let bytes = ring.open_bytes(&place(&user.to_string()), sealed)?;
        let bytes = bytes.expose_secret().try_into().map_err(|_| TotpError::Damaged)?;
        Ok(Self(SecretBox::new(Box::new(bytes))))
    }

    /// As it is kept for that user.
    pub fn seal(&self, ring: &KeyRing, user: i64) -> Result<String, SealError> {
        ring.seal_bytes(&place(&user.to_string()), self.0.expose_secret())
    }

    /// As people type it into an app.
    pub fn base32(&self) -> SecretString {
        base32(self.0.expose_secret()).into()
    }

    /// As apps read it from a picture.
    pub fn uri(&self, issuer: &str, account: &str) -> SecretString {
        let (issuer, account) = (escaped(issuer), escaped(account));
        let secret = base32(self.0.expose_secret());
        format!("otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
            .into()
    }

    /// What an app shows at that time.
    pub fn code(&self, at: DateTime<Utc>) -> String {
        self.totp().generate(seconds(at)).to_string()
    }

    /// The time step that a code belongs to, if it is the one of now, of the step before or of the next.
    pub fn step_of(&self, code: &str, now: DateTime<Utc>) -> Option<i64> {
        let digits: String = code.chars().filter(|character| !character.is_whitespace()).collect();
        self.totp().check(&digits, seconds(now)).and_then(|step| i64::try_from(step).ok())
    }

    fn totp(&self) -> Totp {
        // six digits, thirty seconds, one step around: what this builder begins with
        Builder::new().with_secret(Secret::new_stack(*self.0.expose_secret())).build_noncompliant()
    }
}

/// Where a user's secret is kept.
pub fn place(user: &str) -> Place<'_> {
    Place { table: "users", column: "mfa_secret", row: user }
}

/// A recovery code: `XXXX-XXXX-XXXX-XXXX`.
pub fn recovery_code() -> SecretString {
    let letters = base32(&rand::random::<[u8; RECOVERY_BYTES]>());
    let groups: Vec<&str> = (0..letters.len()).step_by(GROUP).filter_map(|at| letters.get(at..at + GROUP)).collect();
    groups.join("-").into()
}

/// What is kept of a recovery code; how it is written does not matter.
pub fn recovery_hash(code: &str) -> [u8; 32] {
    let letters = code.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase());
    super::secret_token::hash(&letters.collect::<String>())
}

fn seconds(at: DateTime<Utc>) -> u64 {
    u64::try_from(at.timestamp()).unwrap_or_default()
}

fn base32(bytes: &[u8]) -> String {
    let letters = bytes.chunks(5).flat_map(|chunk| {
        let mut padded = [0; 8];
        padded[3..3 + chunk.len()].copy_from_slice(chunk);
        let number = u64::from_be_bytes(padded);
        (0..(chunk.len() * 8).div_ceil(5)).map(move |index| (number >> (35 - 5 * index)) & 31)
    });
    letters.filter_map(|letter| usize::try_from(letter).ok()).map(|letter| char::from(BASE32[letter])).collect()
}

/// Percent-encoded but for what RFC 3986 leaves unreserved.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::sealing::SealingKey;

    fn secret() -> TotpSecret {
        TotpSecret(SecretBox::new(Box::new(*b"12345678901234567890")))
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// RFC 6238, appendix B, as far as it is for SHA-1; the last six of its eight digits.
    const VECTORS: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    #[test]
    fn codes_are_those_of_the_standard() {
        for (time, code) in VECTORS {
            assert_eq!(secret().code(at(time)), code);
            assert_eq!(secret().step_of(code, at(time)), Some(time / 30));
        }
    }

    #[test]
    fn a_code_is_taken_one_step_around_its_time() {
        let (time, code) = VECTORS[1];
        let step = time / 30;
        for (offset, counts) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let found = secret().step_of(code, at((step + offset) * 30));
            assert_eq!(found, counts.then_some(step), "{offset}");
        }
        assert_eq!(secret().step_of("081 804", at(time)), Some(step));
        for wrong in ["", "81804", "0818044", "+81804", "08180a", "０81804", "-81804"] {
            assert_eq!(secret().step_of(wrong, at(time)), None, "{wrong}");
        }
        assert_eq!(secret().step_of("000000", at(-5)), None);
    }

    #[test]
    fn base32_is_that_of_the_standard() {
        // RFC 4648, 10, without the padding, which authenticator apps do not take
        let vectors = [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ")];
        for (bytes, text) in vectors.into_iter().chain([("fooba", "MZXW6YTB"), ("foobar", "MZXW6YTBOI")]) {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn apps_are_told_whose_account_it_is() {
        let uri = secret().uri("Intelipro Renewals", "o'neil+x@example.com");
        assert_eq!(
            uri.expose_secret(),
            "otpauth://totp/Intelipro%20Renewals:o%27neil%2Bx%40example.com\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Intelipro%20Renewals&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn a_kept_secret_opens_for_its_user_only() {
        let ring = KeyRing::new(SealingKey { id: "a".to_owned(), key: [1; 32] }, []);
        let kept = secret().seal(&ring, 7).unwrap();
        assert_eq!(TotpSecret::open(&ring, 7, &kept).unwrap().code(at(59)), "287082");
        assert!(matches!(TotpSecret::open(&ring, 8, &kept), Err(TotpError::Sealed(SealError::Broken))));
        let short = ring.seal_bytes(&place("7"), b"short").unwrap();
        assert!(matches!(TotpSecret::open(&ring, 7, &short), Err(TotpError::Damaged)));
    }

    #[test]
    fn recovery_codes_are_read_however_they_are_typed() {
        let code = recovery_code();
        let code = code.expose_secret();
        assert_eq!((code.len(), code.matches('-').count()), (19, 3));
        assert_ne!(code, recovery_code().expose_secret());
        let typed = code.to_lowercase().replace('-', " ");
        assert_eq!(recovery_hash(code), recovery_hash(&typed));
        assert_ne!(recovery_hash(code), recovery_hash(&code[1..]));
    }
}
