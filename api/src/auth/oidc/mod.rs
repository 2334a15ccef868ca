//! Single sign-on: people come in through another service's sign-in (OpenID Connect).
//!
//! What is under way is a row that counts for one answer, tied to the browser that asked by a cookie. An issuer that does
//! not answer is 503, what it refuses or gets wrong 401; the person begins again.

mod arrival;
mod cookie;
mod endpoints;

use crate::error::ApiError;
use providers::oidc::{OidcClient, OidcError, OidcSettings};

pub use endpoints::OidcApi;

/// The issuers of one process.
pub struct SingleSignOn {
    /// The settings.
    pub settings: OidcSettings,
    clients: Vec<OidcClient>,
}

impl SingleSignOn {
    /// As configured; calls nobody yet.
    pub fn new(settings: OidcSettings) -> Result<Self, OidcError> {
        let clients = settings.providers.iter().cloned().map(OidcClient::new).collect::<Result<_, _>>()?;
        Ok(Self { settings, clients })
    }

    fn client(&self, key: &str) -> Result<&OidcClient, ApiError> {
        let found = self.clients.iter().find(|client| client.config.key == key);
        found.ok_or_else(|| ApiError::not_found("provider of single sign-on"))
    }

    /// Where browsers come back to.
    fn redirect(&self, key: &str) -> Result<String, ApiError> {
        let base =
            self.settings.public_base.as_ref().ok_or_else(|| ApiError::internal("there is no public address"))?;
        Ok(format!("{}/api/auth/oidc/{key}/callback", base.as_str().trim_end_matches('/')))
    }
}

impl From<OidcError> for ApiError {
    fn from(error: OidcError) -> Self {
        if error.is_refusal() {
            tracing::warn!(error = &error as &dyn std::error::Error, "a single sign-on was refused");
            Self::unauthenticated("sign_in_refused", "the sign-in does not count; begin again")
        } else {
            tracing::error!(error = &error as &dyn std::error::Error, "single sign-on does not work");
            Self::unavailable(error)
        }
    }
}
