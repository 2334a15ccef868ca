//! Holds a claimed key until its request is answered.
//!
//! Nothing here fails a request that has been done: what cannot be written is tried again, then logged, and the key
//! goes stale.

use crate::state::SharedState;
use chrono::{DateTime, Utc};
use poem::{Body, Response};
use schema::{
    DbError,
    idempotency::{self, Key},
};
use std::time::Duration;

/// Longer bodies are not kept.
const LONGEST_BODY: usize = 64 * 1024;
/// As long as the table keeps them.
const LONGEST_CONTENT_TYPE: usize = 100;
/// How often writing is tried.
const TRIES: u32 = 4;
/// The wait before the second try; doubles.
const PAUSE: Duration = Duration::from_millis(100);

/// A claimed key.
pub struct Keeper {
    /// Where it is written.
    pub state: SharedState,
    /// The key.
    pub key: Key,
    /// When it was claimed or renewed.
    pub fence: DateTime<Utc>,
}

impl Keeper {
    /// Says that the request is still being done.
    pub async fn renew(&mut self) {
        let now = self.state.services.clock.now();
        let renewed = async {
            let mut connection = self.state.services.db.get().await?;
            idempotency::renew(&mut connection, &self.key, self.fence, now).await
        };
        match renewed.await {
            Ok(Some(fence)) => self.fence = fence,
            Ok(None) => tracing::warn!("an Idempotency-Key was claimed by another request meanwhile"),
            Err(error) => warn(&error),
        }
    }

    /// Keeps the answer, without changing it.
    pub async fn keep(&self, response: &mut Response) {
        let status = i16::try_from(response.status().as_u16()).unwrap_or(200);
        let content_type = response.content_type().filter(|kind| kind.len() <= LONGEST_CONTENT_TYPE).map(str::to_owned);
        let body = small_body(response).await;
        self.persist(&Outcome::Answered { status, content_type, body }).await;
    }

    /// Forgets the key.
    pub async fn release(&self) {
        self.persist(&Outcome::NotDone).await;
    }

    async fn persist(&self, outcome: &Outcome) {
        let mut pause = PAUSE;
        for attempt in 1.. {
            match self.write(outcome).await {
                Ok(()) => return,
                Err(error) if attempt >= TRIES => return warn(&error),
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause *= 2;
        }
    }

    async fn write(&self, outcome: &Outcome) -> Result<(), DbError> {
        let mut connection = self.state.services.db.get().await?;
        match outcome {
            Outcome::Answered { status, content_type, body } => {
                let (content_type, body) = (content_type.as_deref(), body.as_deref());
                idempotency::finish(&mut connection, &self.key, self.fence, *status, content_type, body).await
            }
            Outcome::NotDone => idempotency::release(&mut connection, &self.key, self.fence).await,
        }
    }
}

/// What is written about the request.
enum Outcome {
    Answered { status: i16, content_type: Option<String>, body: Option<Vec<u8>> },
    NotDone,
}

/// The body, put back where it was; `None` if it is a stream or too long to keep.
async fn small_body(response: &mut Response) -> Option<Vec<u8>> {
    use http_body::Body as _;
    let body: http_body_util::combinators::BoxBody<_, _> = response.take_body().into();
    let is_small = body.size_hint().upper().is_some_and(|length| length <= LONGEST_BODY as u64);
    let body = Body::from(body);
    if !is_small {
        response.set_body(body);
        return None;
    }
    let bytes = body.into_bytes().await.ok()?;
    response.set_body(bytes.clone());
    Some(bytes.into())
}

fn warn(error: &DbError) {
    tracing::warn!(error = error as &dyn std::error::Error, "an Idempotency-Key could not be written");
}
