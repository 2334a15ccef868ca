//! What the API is configured with; read once, at start, with all faults told at once.

use jobs::process::config::{HttpConfig, Reader, ServicesConfig};
use providers::oidc::OidcSettings;

/// The concerns of the API.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Address, limits, allowed browsers.
    pub http: HttpConfig,
    /// PostgreSQL and Redis.
    pub services: ServicesConfig,
    /// Single sign-on.
    pub single_sign_on: OidcSettings,
}

impl ApiConfig {
    /// Reads every concern before giving up.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (http, services) = (HttpConfig::read(reader), ServicesConfig::read(reader));
        let single_sign_on = reader.provider(OidcSettings::from_env);
        Some(Self { http, services: services?, single_sign_on: single_sign_on? })
    }
}
