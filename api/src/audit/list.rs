//! `GET /api/audit`: the log, newest first.

use super::{filter::Wanted, view::AuditEntry};
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, Page},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::ids::{AuditId, UserId};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query};
use schema::audit;

/// The audit log.
pub struct AuditApi;

/// A part of the log.
#[derive(Object)]
struct AuditEntries {
    /// Newest first.
    entries: Vec<AuditEntry>,
    /// Where the list goes on, as `before`; absent at its end.
    next: Option<Id<AuditId>>,
}

#[OpenApi(prefix_path = "/api/audit", tag = "Tag::Audit")]
impl AuditApi {
    /// List what was done
    ///
    /// Newest first. `next` of an answer, given as `before`, leads on. Whoever sees only a branch's rows sees what people
    /// of that branch did.
    #[oai(path = "/", method = "get")]
    #[expect(clippy::too_many_arguments, reason = "one a filter")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::AuditView>,
        /// About this kind of thing only: `upload`, `campaign`, `session`.
        #[oai(name = "entityType", validator(max_length = 50))]
        entity_type: Query<Option<String>>,
        /// About this one only: `upload-12`.
        #[oai(name = "entityId", validator(max_length = 80))]
        entity_id: Query<Option<String>>,
        /// About the one of this name only, with `entityType`: a job's id, a queue's name.
        #[oai(name = "entityKey", validator(max_length = 100))]
        entity_key: Query<Option<String>>,
        /// By this person only.
        #[oai(name = "actorId")]
        actor: Query<Option<Id<UserId>>>,
        /// Only this: `campaign.paused`.
        #[oai(validator(max_length = 100))]
        action: Query<Option<String>>,
        /// Not before.
        from: Query<Option<DateTime<Utc>>>,
        /// Before.
        to: Query<Option<DateTime<Utc>>>,
        /// Older than this entry.
        before: Query<Option<Id<AuditId>>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<AuditEntries>> {
        let page = Page::read(None, limit.0)?;
        let wanted = Wanted {
            entity_type: entity_type.0,
            entity_id: entity_id.0,
            entity_key: entity_key.0,
            actor_id: actor.0,
            action: action.0,
            from: from.0,
            to: to.0,
        };
        let filter = wanted.checked()?;
        let mut connection = state.services.db.get().await?;
        let after = match before.0 {
            None => None,
            Some(id) => {
                let place = audit::place(&mut connection, id.0).await?;
                Some(place.ok_or_else(|| ApiError::invalid("before", "there is no such entry"))?)
            }
        };
        let mut rows = audit::newest_first(&mut connection, &filter, caller.reach, after, page.limit() + 1).await?;
        let size = usize::try_from(page.size()).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let names = audit::names(&mut connection, &rows).await?;
        let next = rows.last().filter(|_| more).map(|row| Id(AuditId(row.id)));
        ok(AuditEntries { entries: rows.into_iter().map(|row| AuditEntry::new(row, &names)).collect(), next })
    }
}
