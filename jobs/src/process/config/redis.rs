//! How to reach Redis, and what carries jobs over it.

use super::Reader;

pub use crate::queue::redis::{RedisConfig, Transport};

impl RedisConfig {
    /// `REDIS_URL`, `REDIS_NAMESPACE`, `QUEUE_TRANSPORT`.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let readable = |url: &str| redis::Client::open(url).is_ok();
        let url = reader.required_secret("REDIS_URL", "redis://host:6379/0", readable);
        let names = "streams or apalis-redis";
        let transport = reader.checked("QUEUE_TRANSPORT", Transport::default(), names, Transport::from_name);
        let name = |text: &str| is_name(text).then(|| text.to_owned());
        let letters = "letters, digits, - and _, at most 64";
        let namespace = reader.checked("REDIS_NAMESPACE", "renewals".to_owned(), letters, name);
        Some(Self { url: url?, transport, namespace })
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
