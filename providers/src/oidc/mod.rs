//! Single sign-on with OpenID Connect: Auth0, AWS Cognito and any issuer that keeps to the standard.
//!
//! The code flow with PKCE (S256), a nonce and checked ID tokens. What an issuer says of itself, and its keys, are kept
//! for an hour; a token signed with a key that is not known has the keys read again, at most once in ten seconds. Fails
//! with [`OidcError`], which says whether the issuer, its token or the person is at fault; nothing is tried again.

mod client;
mod config;
mod error;
mod token;
mod wire;

pub use client::{Arrival, Departure, OidcClient};
pub use config::{OidcConfig, OidcSettings};
pub use error::OidcError;

/// Who somebody is, as the issuer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The issuer.
    pub issuer: String,
    /// Its name for them, which never changes.
    pub subject: String,
    /// Their address.
    pub email: Option<String>,
    /// Whether the issuer has made sure that the address is theirs.
    pub email_verified: bool,
    /// Their first name.
    pub first_name: Option<String>,
    /// Their last name.
    pub last_name: Option<String>,
    /// The groups they are in.
    pub groups: Vec<String>,
    /// Whether they have shown a second factor there.
    pub with_mfa: bool,
}
