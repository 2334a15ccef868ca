//! `/api/api-keys`: what machines come in with, on behalf of a person and never with more than that person may do.
//!
//! A key is told once, to whoever makes it. Making, ending and replacing one takes a person, who has just shown that it
//! is them.

mod change;
mod make;
mod view;

use crate::{
    auth::SignedIn,
    envelope::{Created, Reply, created, ok},
    error::{ApiError, ApiResult},
    request::{COUNT_CAP, Id, Page, Pagination, StrictBody},
    state::SharedState,
    tags::Tag,
};
use domain::{
    ids::{ApiKeyId, UserId},
    permissions::Permission,
};
use make::NewKey;
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
};
use schema::people::{accounts, api_keys as rows};
use view::{ApiKey, MadeKey};

/// Keys of machines.
pub struct ApiKeysApi;

/// A part of the list.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct ApiKeys {
    /// Newest first.
    api_keys: Vec<ApiKey>,
    /// Where in the list this is.
    pagination: Pagination,
}

/// How a key is replaced.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Rotation {
    /// How long the old key goes on, in seconds; by default a day, at most a week.
    #[oai(validator(minimum(value = "0"), maximum(value = "604800")))]
    overlap_seconds: Option<i64>,
}

#[OpenApi(prefix_path = "/api/api-keys", tag = "Tag::ApiKeys")]
impl ApiKeysApi {
    /// List keys
    ///
    /// One's own, or with `users.manage` those of somebody within reach.
    #[oai(path = "/", method = "get")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        caller: SignedIn,
        /// Whose; by default one's own.
        #[oai(name = "userId")]
        user: Query<Option<Id<UserId>>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<ApiKeys>> {
        caller.demand_person()?;
        let page = Page::read(page.0, limit.0)?;
        let owner = user.0.map_or(caller.user_id, |id| id.0);
        let mut connection = state.services.db.get().await?;
        if owner != caller.user_id {
            caller.demand(Permission::UsersManage)?;
            let found = accounts::get(&mut connection, owner, caller.reach).await?;
            found.ok_or_else(|| ApiError::not_found("user"))?;
        }
        let rows = rows::list(&mut connection, owner, page.offset(), page.limit()).await?;
        let counted = rows::count(&mut connection, owner, COUNT_CAP + 1).await?;
        let api_keys = rows.into_iter().map(ApiKey::from).collect();
        ok(ApiKeys { api_keys, pagination: page.of(counted) })
    }

    /// Make a key
    ///
    /// The key is told in this answer and never again. It may do what it is given and its owner may, whichever is less;
    /// it is sent as `Authorization: Bearer rnk_…`.
    #[oai(path = "/", method = "post")]
    async fn create(
        &self,
        state: Data<&SharedState>,
        caller: SignedIn,
        body: StrictBody<NewKey>,
    ) -> ApiResult<Created<MadeKey>> {
        demand_confirmed(&caller, &state)?;
        created(make::make(&state, &caller, body.0).await?)
    }

    /// Revoke a key
    ///
    /// It works within a second everywhere.
    #[oai(path = "/:id", method = "delete")]
    async fn revoke(
        &self,
        state: Data<&SharedState>,
        caller: SignedIn,
        id: Path<Id<ApiKeyId>>,
    ) -> ApiResult<Reply<ApiKey>> {
        caller.demand_person()?;
        ok(change::revoke(&state, &caller, id.0.0).await?)
    }

    /// Replace a key
    ///
    /// The new one may do the same and lives as long as the old one was meant to; the old one goes on for a while, so
    /// that machines can be moved over.
    #[oai(path = "/:id/rotate", method = "post")]
    async fn rotate(
        &self,
        state: Data<&SharedState>,
        caller: SignedIn,
        id: Path<Id<ApiKeyId>>,
        body: StrictBody<Rotation>,
    ) -> ApiResult<Created<MadeKey>> {
        demand_confirmed(&caller, &state)?;
        created(change::rotate(&state, &caller, id.0.0, body.0.overlap_seconds).await?)
    }
}

fn demand_confirmed(caller: &SignedIn, state: &SharedState) -> ApiResult<()> {
    caller.demand_factor()?;
    caller.demand_presence(state)
}
