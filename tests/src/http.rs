//! The API in-process: requests go to the endpoint the server would serve, over a database and a Redis of the test's
//! own.
//!
//! Panics when the ground is missing or an answer cannot be read: the test has failed.

use crate::base::Base;
use api::{ApiConfig, ApiState, SharedState};
use chrono::TimeDelta;
use domain::{ids::UserId, permissions::SystemRole, sign_in::SignInMethod};
use jobs::{
    process::{
        build,
        config::{Environment, load},
    },
    security::{password, secret_token},
};
use poem::{
    Body, Endpoint, Request, Response,
    endpoint::BoxEndpoint,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use schema::{
    Conn,
    people::{
        roles,
        sessions::{self, NewSession},
        users,
    },
};
use serde_json::Value;
use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, OnceLock},
};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// The password of every user of a test.
pub const PASSWORD: &str = "correct horse battery staple";

/// The API and what it stands on.
pub struct TestApi {
    /// The database and Redis.
    pub base: Base,
    /// What handlers share.
    pub state: SharedState,
    /// Where files are kept.
    pub storage: TempDir,
    endpoint: Arc<BoxEndpoint<'static, Response>>,
}

/// Another process of an API: over the same database, with a memory and connections of its own.
pub struct Another {
    endpoint: Arc<BoxEndpoint<'static, Response>>,
    /// What its handlers share.
    pub state: SharedState,
}

impl Another {
    /// Any request.
    pub fn call(&self, method: Method, path: &str) -> Call {
        Call::new(Arc::clone(&self.endpoint), method, path)
    }
}

impl TestApi {
    /// Another process of the same API.
    pub fn another(&self) -> Another {
        let config = config(&self.base, self.storage.path(), &[]);
        let services = build::services(&config.services).expect("services");
        let state = ApiState::new(config, services).expect("a state");
        Another { endpoint: Arc::new(api::app(Arc::clone(&state))), state }
    }

    /// As configured by default.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With these variables besides the addresses and a key.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        log();
        let base = Base::new().await;
        let storage = tempfile::tempdir().expect("a folder for files");
        let config = config(&base, storage.path(), variables);
        let services = build::services(&config.services).expect("services");
        let state = ApiState::new(config, services).expect("a state");
        let api = Self { endpoint: Arc::new(api::app(Arc::clone(&state))), base, state, storage };
        roles::add_system_roles(&mut *api.connection().await).await.expect("roles");
        api
    }

    /// A connection, to look behind the API.
    pub async fn connection(&self) -> Conn {
        self.state.services.db.get().await.expect("a connection")
    }

    /// Adds a user with that role and [`PASSWORD`], and signs them in.
    pub async fn user(&self, role: SystemRole) -> TestUser {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let email = format!("user{number}@example.com");
        let mut connection = self.connection().await;
        let role = roles::by_name(&mut connection, role.as_str()).await.expect("a role").expect("a system role");
        let password_hash = password_hash().await;
        let user = users::NewUser {
            email: &email,
            password_hash: &password_hash,
            first_name: "Test",
            last_name: "User",
            role,
            branch: None,
        };
        let id = users::create(&mut connection, &user).await.expect("a user");
        drop(connection);
        let token = self.session(id).await;
        TestUser { id, email, token }
    }

    /// Opens a session for a user, as a sign-in does; the access token.
    pub async fn session(&self, user: UserId) -> String {
        let now = self.state.services.clock.now();
        let session = NewSession {
            id: Uuid::now_v7(),
            user,
            method: SignInMethod::Password,
            device_name: "Test".to_owned(),
            user_agent: None,
            address: None,
            now,
            idle_until: now + TimeDelta::hours(12),
            expires_at: now + TimeDelta::days(14),
            with_mfa: false,
        };
        let hash = secret_token::SecretToken::new("").hash;
        sessions::begin(&mut *self.connection().await, &session, &hash).await.expect("a session");
        self.state.tokens.issue(user, session.id).await.expect("a token")
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// A POST without a body.
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// A PUT without a body.
    pub fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    /// A DELETE.
    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// Any request.
    pub fn call(&self, method: Method, path: &str) -> Call {
        Call::new(Arc::clone(&self.endpoint), method, path)
    }
}

/// The configuration of an API over that ground.
pub fn config(base: &Base, storage: &Path, variables: &[(&str, &str)]) -> ApiConfig {
    let mut environment = Environment::default();
    environment.set("DATABASE_URL", base.database.url());
    environment.set("REDIS_URL", base.redis.url());
    environment.set("STORAGE_DIR", storage.to_string_lossy());
    environment.set("SECRET_KEY", crate::base::SECRET_KEY);
    // one person does in seconds what takes people hours
    for class in ["AUTH", "READ", "WRITE", "UPLOAD"] {
        environment.set(&format!("RATE_LIMIT_{class}"), "100000/m");
    }
    for (name, value) in variables {
        environment.set(name, *value);
    }
    load(&environment.lookup(), ApiConfig::read).expect("a configuration")
}

/// Hashed once a process: hashing is slow on purpose.
async fn password_hash() -> String {
    static HASH: OnceCell<String> = OnceCell::const_new();
    HASH.get_or_init(|| async { password::hash_password(&PASSWORD.into()).await.expect("a hash") }).await.clone()
}

/// Someone who is signed in.
#[derive(Debug, Clone)]
pub struct TestUser {
    /// Their id.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// Their access token.
    pub token: String,
}

/// A request being made.
pub struct Call {
    endpoint: Arc<BoxEndpoint<'static, Response>>,
    request: Request,
}

impl Call {
    /// To another endpoint than the API.
    pub fn to(endpoint: BoxEndpoint<'static, Response>, method: Method, path: &str) -> Self {
        Self::new(Arc::new(endpoint), method, path)
    }

    fn new(endpoint: Arc<BoxEndpoint<'static, Response>>, method: Method, path: &str) -> Self {
        Self { endpoint, request: Request::builder().method(method).uri_str(path).finish() }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: impl TryInto<HeaderName>, value: &str) -> Self {
        let name = name.try_into().ok().expect("a header name");
        self.request.headers_mut().append(name, HeaderValue::from_str(value).expect("a header value"));
        self
    }

    /// On behalf of that user.
    #[must_use]
    pub fn by(self, user: &TestUser) -> Self {
        self.bearer(&user.token)
    }

    /// With that token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header(header::AUTHORIZATION, &format!("Bearer {token}"))
    }

    /// From that address: `203.0.113.7`.
    #[must_use]
    pub fn from(mut self, address: &str) -> Self {
        let peer = SocketAddr::new(address.parse().expect("an address"), 40_000);
        let (given, body) = self.request.into_parts();
        let (mut parts, ()) = poem::http::Request::new(()).into_parts();
        (parts.method, parts.uri, parts.headers) = (given.method, given.uri, given.headers);
        self.request =
            Request::from_parts((parts, LocalAddr::default(), RemoteAddr(peer.into()), Scheme::HTTP).into(), body);
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// With any body.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl Into<Body>) -> Self {
        let mut call = self.header(header::CONTENT_TYPE, content_type);
        call.request.set_body(body);
        call
    }

    /// Makes it, and reads the answer to its end.
    pub async fn send(self) -> Answer {
        let mut response = self.endpoint.get_response(self.request).await;
        let body = response.take_body().into_bytes().await.expect("a readable answer");
        Answer { status: response.status(), headers: response.headers().clone(), body }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: bytes::Bytes,
}

impl Answer {
    /// A header's text, of all its values; empty when there is none.
    pub fn header(&self, name: impl TryInto<HeaderName>) -> String {
        let name = name.try_into().ok().expect("a header name");
        let values = self.headers.get_all(name).iter().map(|value| value.to_str().expect("a header's text"));
        values.collect::<Vec<_>>().join(", ")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The data of an answer that went well, with that status.
    #[track_caller]
    pub fn data(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        let mut json = self.json();
        assert_eq!(json["success"], true, "{json}");
        json["data"].take()
    }

    /// The error of an answer with that status and code; checks the envelope.
    #[track_caller]
    pub fn error(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        let mut json = self.json();
        assert_eq!(json["success"], false, "{json}");
        assert_eq!(json["error"]["code"], code, "{json}");
        assert_eq!(json["error"]["requestId"], self.header("x-request-id"), "{json}");
        assert!(json["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{json}");
        json["error"].take()
    }
}

/// Logs of a failing test, when RUST_LOG asks for them.
fn log() {
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let _set = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
    });
}
