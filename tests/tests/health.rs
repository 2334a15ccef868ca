//! The health server of workers and scheduler: ready only when it can work, and it says what is missing.

use jobs::process::{health::Health, health_server};
use local::testing;
use schema::{Db, DbConfig};
use secrecy::SecretString;
use serde_json::Value;
use std::{net::Ipv4Addr, time::Duration};
use tests::base::{Base, install_crypto};
use tokio_util::sync::CancellationToken;

async fn probe(database_url: &str, redis_url: &str, path: &str) -> (u16, Value) {
    let config = DbConfig { wait: Duration::from_millis(500), ..DbConfig::new(database_url.to_owned()) };
    let db = Db::new(&config).expect("a readable address");
    let health = Health::new(db, &config, &SecretString::from(redis_url)).expect("a readable address");
    let shutdown = CancellationToken::new();
    let address = (Ipv4Addr::LOCALHOST, 0).into();
    let address = health_server::start(address, health, shutdown.clone()).await.expect("a free port");
    let client = providers::http::client(Duration::from_secs(10), true).expect("a client");
    let answer = client.get(format!("http://{address}{path}")).send().await.expect("an answer");
    let outcome = (answer.status().as_u16(), answer.json().await.expect("JSON"));
    shutdown.cancel();
    outcome
}

#[tokio::test]
async fn a_process_with_everything_is_ready() {
    let base = Base::new().await;
    for (path, status) in [("/health", "ok"), ("/health/", "ok"), ("/health/ready", "ready")] {
        let (code, body) = probe(base.database.url(), base.redis.url(), path).await;
        assert_eq!((code, body["data"]["status"].as_str()), (200, Some(status)), "{path}: {body}");
    }
}

#[tokio::test]
async fn what_is_missing_is_named() {
    install_crypto();
    let redis = testing::redis().await.expect("a Redis");
    let bare = testing::database("bare", async |_| Ok(())).await.expect("a database without tables");
    let nowhere = "postgres://nobody@127.0.0.1:1/none?sslmode=disable";
    for (database, redis, missing) in [
        (bare.url(), redis.url(), &["migrations"][..]),
        (bare.url(), "redis://127.0.0.1:1/0", &["redis", "migrations"]),
        (nowhere, redis.url(), &["database", "migrations"]),
    ] {
        assert_eq!(probe(database, redis, "/health").await.0, 200, "alive whatever is missing");
        let (code, body) = probe(database, redis, "/health/ready").await;
        assert_eq!((code, body["error"]["code"].as_str()), (503, Some("not_ready")), "{body}");
        let details = body["error"]["details"].as_object().expect("details");
        let found: Vec<_> = details.iter().filter(|(_, check)| check["ok"] == false).map(|(name, _)| name).collect();
        let mut missing = missing.to_vec();
        missing.sort_unstable();
        assert_eq!(found, missing, "{body}");
    }
}
