//! What the API is configured with; read once, at start, with all faults told at once.

use jobs::process::config::{HttpConfig, Reader, SecurityConfig, ServicesConfig};

/// The concerns of the API.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Address, limits, allowed browsers.
    pub http: HttpConfig,
    /// What tokens are signed with.
    pub security: SecurityConfig,
    /// PostgreSQL and Redis.
    pub services: ServicesConfig,
}

impl ApiConfig {
    /// Reads every concern before giving up.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (http, security, services) =
            (HttpConfig::read(reader), SecurityConfig::read(reader), ServicesConfig::read(reader));
        Some(Self { http, security: security?, services: services? })
    }
}
