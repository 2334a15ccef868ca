//! What issuers answer, as far as it is used.

use super::{config::allowed, error::OidcError};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

/// What an issuer says of itself (OpenID Connect Discovery, 3).
#[derive(Debug, Clone, Deserialize)]
pub struct Metadata {
    /// Its own name for itself, which its tokens carry.
    pub issuer: String,
    /// Where browsers are sent.
    pub authorization_endpoint: Url,
    /// Where codes become tokens.
    pub token_endpoint: Url,
    /// Where its keys are.
    pub jwks_uri: Url,
    /// Where it tells more of a person.
    pub userinfo_endpoint: Option<Url>,
    /// How we may show who we are.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Metadata {
    /// Unless it speaks for another issuer, or sends us over lines that anybody can read.
    pub fn checked(self, configured: &Url) -> Result<Self, OidcError> {
        if self.issuer.trim_end_matches('/') != configured.as_str().trim_end_matches('/') {
            return Err(OidcError::Metadata("it is of another issuer"));
        }
        let endpoints = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        let all = endpoints.into_iter().chain(&self.userinfo_endpoint);
        if all.map(Url::as_str).any(|endpoint| allowed(endpoint).is_none()) {
            return Err(OidcError::Metadata("an address in it is not https"));
        }
        Ok(self)
    }

    /// Whether the secret goes into the form, since the header is not taken.
    pub fn takes_secret_in_form(&self) -> bool {
        // the header is what is taken where nothing is said (Discovery, 3)
        let methods = self.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
        let takes = |wanted: &str| methods.iter().any(|method| method == wanted);
        takes("client_secret_post") && !takes("client_secret_basic")
    }
}

/// Tokens for a code.
#[derive(Deserialize)]
pub struct Tokens {
    /// Says who somebody is.
    pub id_token: String,
    /// Opens the issuer's own doors.
    pub access_token: Option<String>,
}

/// Why there are none.
#[derive(Deserialize)]
pub struct TokenRefusal {
    /// `invalid_grant` and the like.
    pub error: String,
}

/// Claims that are not in the ID token: of the scopes `profile` and `email` (OpenID Connect Core, 5.4).
pub type UserInfo = Map<String, Value>;
