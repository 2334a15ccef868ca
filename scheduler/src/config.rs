//! What the scheduler is configured with.

use jobs::process::config::{Reader, RetentionConfig, ServicesConfig};

/// The concerns of the scheduler.
#[derive(Debug, Clone)]
pub struct SchedulerConfig {
    /// PostgreSQL and Redis.
    pub services: ServicesConfig,
    /// How long finished work is kept.
    pub retention: RetentionConfig,
}

impl SchedulerConfig {
    /// Reads every concern before giving up.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (services, retention) = (ServicesConfig::read(reader), RetentionConfig::read(reader));
        Some(Self { services: services?, retention })
    }
}
