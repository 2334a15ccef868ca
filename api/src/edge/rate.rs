//! How often somebody may call: counted by class of route, for a person or a key, and for the address of whoever is not
//! known or is about to become so. All processes count together, in Redis.
//!
//! One script call a request (GCRA: the time at which a caller's rest would be complete), on Redis's clock. Without
//! Redis, reading and changing go on unlimited, and what hands out or changes what people come in with is answered 503:
//! guessing must not become free because Redis is down. Answers carry `RateLimit` and `RateLimit-Policy`
//! (draft-ietf-httpapi-ratelimit-headers-10), those that are too many `Retry-After` as well.

use super::{ClientAddress, RequestId};
use crate::{
    auth::{Via, guard::authenticate},
    error::{self, ApiError},
    state::SharedState,
};
use jobs::{
    process::config::{Rate, RateConfig},
    queue::redis::Redis,
};
use poem::{
    Endpoint, Request, Response, Result,
    http::{HeaderName, HeaderValue, Method, header},
};
use redis::Script;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Redis answers within this time, or counts as down.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long Redis is left alone after it did not answer.
const COOL_DOWN: Duration = Duration::from_secs(1);

/// KEYS: one caller's rest. ARGV: microseconds a request, requests at once.
/// Answers the microseconds to wait or 0, what is left, and the microseconds until the rest is complete.
const TAKE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = tonumber(redis.call('GET', KEYS[1]) or now)
-- idle; or Redis's clock was set back
full = math.min(math.max(full, now), now + burst * each)
local wait = full + each - now - burst * each
if wait > 0 then
  return {string.format('%.0f', wait), 0, string.format('%.0f', full - now)}
end
full = full + each
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1000)
return {'0', math.floor((now + burst * each - full) / each), string.format('%.0f', full - now)}
";

/// What a route is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Hands out, or changes, what people come in with.
    Auth,
    Read,
    Write,
    /// Takes files.
    Upload,
}

impl Class {
    /// Of a path in order; `None` is not limited: whoever watches over us, providers who sign what they send, and pictures
    /// and links of mails, which half the world loads from the few addresses of its mail service and which cost nothing.
    fn of(method: &Method, path: &str) -> Option<Self> {
        if ["/health", "/api/webhooks/", "/t/"].iter().any(|free| path.starts_with(free)) {
            return None;
        }
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let is_auth = path
            .strip_prefix("/api/auth/")
            .is_some_and(|rest| rest.starts_with("oidc") || (*method == Method::POST && !rest.starts_with("logout")));
        Some(match (reads, is_auth) {
            (_, true) => Self::Auth,
            (true, false) => Self::Read,
            (false, false) if path.starts_with("/api/upload") => Self::Upload,
            (false, false) => Self::Write,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Read => "read",
            Self::Write => "write",
            Self::Upload => "upload",
        }
    }

    fn rate(self, config: &RateConfig) -> Option<Rate> {
        match self {
            Self::Auth => config.auth,
            Self::Read => config.read,
            Self::Write => config.write,
            Self::Upload => config.upload,
        }
    }
}

/// Counts requests.
pub struct RateLimits {
    redis: Redis,
    take: Script,
    start: Instant,
    /// When Redis last did not answer, in milliseconds since `start`; 0: it does.
    failed_at: AtomicU64,
}

/// What became of a request.
struct Taken {
    wait: Duration,
    left: u64,
    full_in: Duration,
}

impl RateLimits {
    /// Over the process's Redis.
    pub fn new(redis: Redis) -> Self {
        Self { redis, take: Script::new(TAKE), start: Instant::now(), failed_at: AtomicU64::new(0) }
    }

    /// `None`: Redis does not answer.
    async fn take(&self, class: Class, who: &str, rate: Rate) -> Option<Taken> {
        let failed_at = self.failed_at.load(Ordering::Relaxed);
        if failed_at != 0 && self.start.elapsed() < Duration::from_millis(failed_at) + COOL_DOWN {
            return None;
        }
        let each = (micros(rate.window) / u64::from(rate.requests.max(1))).max(1);
        let key = self.redis.key(&format!("calls:{}:{who}", class.name()));
        let mut connection = self.redis.connection();
        let mut call = self.take.key(key);
        call.arg(each).arg(rate.requests);
        let outcome = tokio::time::timeout(PATIENCE, call.invoke_async::<(u64, u64, u64)>(&mut connection)).await;
        let problem = match outcome {
            Ok(Ok((wait, left, full_in))) => {
                self.failed_at.store(0, Ordering::Relaxed);
                let (wait, full_in) = (Duration::from_micros(wait), Duration::from_micros(full_in));
                return Some(Taken { wait, left, full_in });
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        if self.failed_at.swap(now, Ordering::Relaxed) == 0 {
            tracing::warn!(problem, "Redis does not count requests: they go on without limits, except for signing in");
        }
        None
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Seconds, rounded up.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Lets through what is not too often.
pub async fn limited<E>(next: Arc<E>, mut request: Request, state: SharedState) -> Result<Response>
where
    E: Endpoint<Output = Response>,
{
    let class = Class::of(request.method(), request.uri().path());
    let limit = class.and_then(|class| Some((class, class.rate(&state.config.http.rates)?)));
    let Some((class, rate)) = limit else { return next.call(request).await };
    let Some(who) = caller(class, &mut request).await else { return next.call(request).await };
    let id = request.data::<RequestId>().cloned();
    let refused = |error: ApiError| error::answer(error.into(), id.as_ref().map_or("", |id| &*id.0));
    let mut response = match state.rates.take(class, &who, rate).await {
        None if class == Class::Auth => return Ok(refused(ApiError::unavailable("Redis does not count requests"))),
        None => return next.call(request).await,
        Some(taken) => {
            let mut response = if taken.wait.is_zero() {
                next.call(request).await?
            } else {
                let message = "too many requests of this kind; wait before the next";
                refused(ApiError::too_many("rate_limited", message, seconds(taken.wait)))
            };
            tell(
                &mut response,
                RATE_LIMIT,
                &format!("\"{}\";r={};t={}", class.name(), taken.left, seconds(taken.full_in)),
            );
            response
        }
    };
    let policy = format!("\"{}\";q={};w={}", class.name(), rate.requests, seconds(rate.window));
    tell(&mut response, RATE_LIMIT_POLICY, &policy);
    Ok(response)
}

fn tell(response: &mut Response, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(name, value);
    }
}

/// Whom a request is counted for; `None`: nobody who can be told from others.
///
/// Whoever is about to sign in is nobody yet. Who asks is found out once a request: the handler finds them here.
async fn caller(class: Class, request: &mut Request) -> Option<String> {
    if class != Class::Auth
        && request.headers().contains_key(header::AUTHORIZATION)
        && let Ok(principal) = authenticate(request).await
    {
        let who = match principal.via {
            Via::ApiKey(key) => format!("key:{}", key.0),
            Via::Session { .. } => format!("user:{}", principal.user_id.0),
        };
        request.set_data(principal);
        return Some(who);
    }
    let address = request.data::<ClientAddress>().and_then(|client| client.0)?;
    // whoever has an IPv6 address has a whole network of them (RFC 6177)
    Some(match address {
        std::net::IpAddr::V4(address) => format!("from:{address}"),
        std::net::IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("from:{a:x}:{b:x}:{c:x}:{d:x}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_a_method_make_a_class() {
        for (method, path, expected) in [
            (Method::GET, "/health/ready", None),
            (Method::POST, "/api/webhooks/whatsapp", None),
            (Method::GET, "/t/c/token", None),
            (Method::POST, "/u/token", Some(Class::Write)),
            (Method::POST, "/api/auth/login", Some(Class::Auth)),
            (Method::POST, "/api/auth/password/forgot", Some(Class::Auth)),
            (Method::GET, "/api/auth/oidc/auth0/callback", Some(Class::Auth)),
            (Method::POST, "/api/auth/logout", Some(Class::Write)),
            (Method::GET, "/api/auth/me", Some(Class::Read)),
            (Method::PUT, "/api/auth/me", Some(Class::Write)),
            (Method::GET, "/api/uploads", Some(Class::Read)),
            (Method::POST, "/api/upload/policies", Some(Class::Upload)),
            (Method::DELETE, "/api/templates/template-1", Some(Class::Write)),
        ] {
            assert_eq!(Class::of(&method, path), expected, "{method} {path}");
        }
    }
}
