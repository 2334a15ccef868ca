//! What happened to accounts: to one's own, and to others' for those who may see users.

use crate::{
    auth::{Guard, SignedIn, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, Page},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::ids::{SecurityEventId, UserId};
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
};
use schema::people::{
    accounts,
    security_events::{self, EventRow},
};
use serde_json::Value;

/// What happened to accounts.
pub struct SecurityEventsApi;

/// Something that happened to an account.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct SecurityEvent {
    /// Its id.
    id: Id<SecurityEventId>,
    /// When.
    at: DateTime<Utc>,
    /// What: `signed_in`, `sign_in_failed`.
    kind: String,
    /// From where.
    ip_address: Option<String>,
    /// With which program.
    user_agent: Option<String>,
    /// More about it.
    details: Value,
}

impl From<EventRow> for SecurityEvent {
    fn from(row: EventRow) -> Self {
        Self {
            id: Id(SecurityEventId(row.id)),
            at: row.at,
            kind: row.kind,
            ip_address: row.ip_address.map(|address| address.ip().to_string()),
            user_agent: row.user_agent,
            details: row.details,
        }
    }
}

/// A part of what happened.
#[derive(Object)]
struct SecurityEvents {
    /// Newest first.
    events: Vec<SecurityEvent>,
    /// Where the list goes on, as `before`; absent at its end.
    next: Option<Id<SecurityEventId>>,
}

#[OpenApi(prefix_path = "/api", tag = "Tag::Audit")]
impl SecurityEventsApi {
    /// List what happened to my account
    ///
    /// Newest first. `next` of an answer, given as `before`, leads on.
    #[oai(path = "/auth/security-events", method = "get")]
    async fn own(
        &self,
        state: Data<&SharedState>,
        caller: SignedIn,
        /// Older than this event.
        before: Query<Option<Id<SecurityEventId>>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<SecurityEvents>> {
        events(&state, caller.user_id, before.0, Page::read(None, limit.0)?).await
    }

    /// List what happened to an account
    ///
    /// Newest first. `next` of an answer, given as `before`, leads on.
    #[oai(path = "/users/:id/security-events", method = "get")]
    async fn of_user(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UsersView>,
        id: Path<Id<UserId>>,
        /// Older than this event.
        before: Query<Option<Id<SecurityEventId>>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<SecurityEvents>> {
        let page = Page::read(None, limit.0)?;
        let user = id.0.0;
        {
            let mut connection = state.services.db.get().await?;
            if accounts::get(&mut connection, user, caller.reach).await?.is_none() {
                return Err(ApiError::not_found("user"));
            }
        }
        events(&state, user, before.0, page).await
    }
}

async fn events(
    state: &SharedState,
    user: UserId,
    before: Option<Id<SecurityEventId>>,
    page: Page,
) -> ApiResult<Reply<SecurityEvents>> {
    let mut connection = state.services.db.get().await?;
    let before = before.map(|before| before.0.0);
    let mut rows = security_events::of_user(&mut connection, user, before, page.limit() + 1).await?;
    let size = usize::try_from(page.size()).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(|row| Id(SecurityEventId(row.id)));
    ok(SecurityEvents { events: rows.into_iter().map(SecurityEvent::from).collect(), next })
}
