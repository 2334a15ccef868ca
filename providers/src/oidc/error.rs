//! What can go wrong at an issuer.

use crate::http::{BodyError, HttpError};
use openidconnect::ClaimsVerificationError;

/// Why nobody came in through an issuer.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// There is no HTTP client.
    #[error("single sign-on has no HTTP client")]
    Client(#[from] HttpError),
    /// The issuer does not answer.
    #[error("the issuer does not answer")]
    Unreachable(#[from] reqwest::Error),
    /// Its answer broke off, or is too long.
    #[error("the issuer's answer cannot be read")]
    Body(#[from] BodyError),
    /// It answered with an error.
    #[error("the issuer answered {status} to {what}")]
    Status {
        /// Asked for what.
        what: &'static str,
        /// The status.
        status: u16,
    },
    /// Its answer is not what the standard says.
    #[error("the issuer's {what} cannot be read")]
    Form {
        /// Which answer.
        what: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// What it says of itself cannot be used.
    #[error("the issuer's metadata cannot be used: {0}")]
    Metadata(&'static str),
    /// It takes the code for nothing: `invalid_grant` and the like.
    #[error("the issuer refused the code: {0}")]
    Refused(String),
    /// Its token does not count.
    #[error("the ID token does not count")]
    Token(#[from] ClaimsVerificationError),
    /// Its token does not count.
    #[error("the ID token does not count: {0}")]
    Claims(&'static str),
}

impl OidcError {
    /// Whether the sign-in was refused, rather than something being out of order at the issuer.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Token(_) | Self::Claims(_) | Self::Form { what: "ID token", .. })
    }
}
