//! `GET /health`: the program runs. `GET /health/ready`: it can do its work.

use crate::{
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    state::SharedState,
    tags::Tag,
};
use poem::{http::StatusCode, web::Data};
use poem_openapi::{Object, OpenApi};
use std::sync::LazyLock;
use std::time::Instant;

/// Since when the program runs.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Health.
pub struct HealthApi;

impl HealthApi {
    /// Counts uptime from here.
    pub fn started() -> Self {
        LazyLock::force(&STARTED);
        Self
    }
}

/// The program runs.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Alive {
    /// Always `ok`.
    status: String,
    /// The program's version.
    version: String,
    /// Seconds since it started.
    uptime_seconds: u64,
}

/// How one dependency is.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Check {
    /// Whether it can be used.
    ok: bool,
    /// What is wrong.
    problem: Option<String>,
}

impl From<&jobs::process::health::Check> for Check {
    fn from(check: &jobs::process::health::Check) -> Self {
        Self { ok: check.ok, problem: check.problem.clone() }
    }
}

/// How everything is.
#[derive(Object)]
struct Checks {
    /// PostgreSQL.
    database: Check,
    /// Redis.
    redis: Check,
    /// The tables are as this program needs them.
    migrations: Check,
}

/// The program can do its work.
#[derive(Object)]
struct Ready {
    /// Always `ready`.
    status: String,
    /// What was looked at.
    checks: Checks,
}

#[OpenApi(prefix_path = "/health", tag = "Tag::Health")]
impl HealthApi {
    /// The program runs
    #[oai(path = "/", method = "get")]
    async fn alive(&self) -> ApiResult<Reply<Alive>> {
        ok(Alive {
            status: "ok".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: STARTED.elapsed().as_secs(),
        })
    }

    /// The program can do its work
    ///
    /// Looks at the database, Redis and the migrations; 503 names what is wrong.
    #[oai(path = "/ready", method = "get")]
    async fn ready(&self, state: Data<&SharedState>) -> ApiResult<Reply<Ready>> {
        let found = state.health.readiness().await;
        if !found.is_ready() {
            let details = serde_json::to_value(&found).unwrap_or_default();
            let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "a dependency is not ready");
            return Err(error.with_details(details));
        }
        let checks = Checks {
            database: (&found.database).into(),
            redis: (&found.redis).into(),
            migrations: (&found.migrations).into(),
        };
        ok(Ready { status: "ready".to_owned(), checks })
    }
}
