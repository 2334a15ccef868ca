//! A person's own sessions: on which devices they are signed in, and ending them.

use super::{guard::SignedIn, login::tell};
use crate::{
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Name, named_set},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    sign_in::{SecurityEventKind, SessionEnd, SignInMethod},
    text_enum::UnknownName,
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use schema::{
    AsyncConnection, DbError,
    audit::{self, Entity},
    people::sessions::{self, SessionRow},
};
use serde_json::json;
use uuid::Uuid;

named_set!(SignInMethod);

/// A person's own sessions.
pub struct SessionsApi;

/// A device that somebody is signed in on.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Device {
    /// The session's id.
    id: Uuid,
    /// The device: "Chrome on Windows 10".
    device_name: String,
    /// How they came in.
    method: Name<SignInMethod>,
    /// Where they came in from.
    ip_address: Option<String>,
    /// Where they were seen last.
    last_ip_address: Option<String>,
    /// When they came in.
    first_seen_at: DateTime<Utc>,
    /// When they were seen last, to the minute.
    last_seen_at: DateTime<Utc>,
    /// When the session ends in any case.
    expires_at: DateTime<Utc>,
    /// Whether this request came with it.
    is_current: bool,
}

impl Device {
    fn new(row: SessionRow, current: Option<Uuid>) -> ApiResult<Self> {
        let unknown = |_: UnknownName| DbError::Unknown { table: "sessions", column: "method" };
        Ok(Self {
            is_current: current == Some(row.id),
            id: row.id,
            device_name: row.device_name,
            method: Name(row.method.parse().map_err(unknown)?),
            ip_address: row.ip_address.map(|address| address.ip().to_string()),
            last_ip_address: row.last_ip_address.map(|address| address.ip().to_string()),
            first_seen_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
        })
    }
}

/// The devices.
#[derive(Object)]
struct Devices {
    /// The last used first; at most 200.
    sessions: Vec<Device>,
}

/// What was ended.
#[derive(Object)]
struct SessionsEnded {
    /// How many sessions.
    ended: u64,
}

#[OpenApi(prefix_path = "/api/auth/sessions", tag = "Tag::Auth")]
impl SessionsApi {
    /// List my sessions
    #[oai(path = "/", method = "get")]
    async fn list(&self, state: Data<&SharedState>, caller: SignedIn) -> ApiResult<Reply<Devices>> {
        caller.demand_person()?;
        let mut connection = state.services.db.get().await?;
        let rows = sessions::of_user(&mut connection, caller.user_id, state.services.clock.now()).await?;
        let current = caller.session();
        ok(Devices { sessions: rows.into_iter().map(|row| Device::new(row, current)).collect::<ApiResult<_>>()? })
    }

    /// End one of my sessions
    ///
    /// It works within a second everywhere.
    #[oai(path = "/:id", method = "delete")]
    async fn end(
        &self,
        state: Data<&SharedState>,
        caller: SignedIn,
        id: Path<Uuid>,
    ) -> ApiResult<Reply<SessionsEnded>> {
        caller.demand_person()?;
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let ended = connection
            .transaction::<_, DbError, _>(async |connection| {
                let ended = sessions::end_own(connection, caller.user_id, id.0, SessionEnd::Revoked, now).await?;
                if ended {
                    let entity = Entity::named("session", id.0.to_string());
                    audit::record(connection, &[caller.entry("session.ended", entity)]).await?;
                }
                Ok(ended)
            })
            .await?;
        if !ended {
            return Err(ApiError::not_found("session"));
        }
        state.principals.forget(id.0);
        ok(SessionsEnded { ended: 1 })
    }

    /// End all my other sessions
    #[oai(path = "/", method = "delete")]
    async fn end_others(&self, state: Data<&SharedState>, caller: SignedIn) -> ApiResult<Reply<SessionsEnded>> {
        caller.demand_person()?;
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let ended = connection
            .transaction::<_, DbError, _>(async |connection| {
                let (user, own) = (caller.user_id, caller.session());
                let ended = sessions::end_all(connection, user, own, SessionEnd::Revoked, now).await?;
                let details = json!({"ended": ended});
                tell(connection, &caller.origin, user, SecurityEventKind::SessionsEnded, now, details.clone()).await?;
                let entry = caller.entry("sessions.ended", Entity::of(user)).after(details);
                audit::record(connection, &[entry]).await?;
                Ok(ended)
            })
            .await?;
        ok(SessionsEnded { ended: u64::try_from(ended).unwrap_or(u64::MAX) })
    }
}
