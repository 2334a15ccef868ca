//! What is done about one account.

use super::{invite, role, standing, view::UserAccount};
use crate::{
    auth::{Confirmed, Guard, permit},
    envelope::{Reply, ok},
    error::ApiResult,
    request::{Id, StrictBody},
    state::SharedState,
    tags::Tag,
};
use domain::ids::UserId;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};

/// One account.
pub struct AccountApi;

/// The role somebody gets.
#[derive(Object)]
struct RoleOfUser {
    /// Its name.
    #[oai(validator(min_length = 1, max_length = 50))]
    role: String,
}

/// Sessions that were ended.
#[derive(Object)]
struct EndedSessions {
    /// How many.
    ended: u64,
}

#[OpenApi(prefix_path = "/api/users", tag = "Tag::Users")]
impl AccountApi {
    /// Send an invitation again
    #[oai(path = "/:id/invite", method = "post")]
    async fn invite(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UsersManage>,
        id: Path<Id<UserId>>,
    ) -> ApiResult<Reply<UserAccount>> {
        ok(invite::invite_again(&state, &caller, id.0.0).await?.try_into()?)
    }

    /// Give a user another role
    ///
    /// Signs them out, so that it works at once. Nobody gives more than they hold, and nobody changes their own.
    #[oai(path = "/:id/role", method = "put")]
    async fn set_role(
        &self,
        state: Data<&SharedState>,
        caller: Confirmed<permit::UsersManage>,
        id: Path<Id<UserId>>,
        body: StrictBody<RoleOfUser>,
    ) -> ApiResult<Reply<UserAccount>> {
        ok(role::set(&state, &caller, id.0.0, &body.0.role).await?.try_into()?)
    }

    /// Suspend a user
    ///
    /// Signs them out and keeps them out.
    #[oai(path = "/:id/suspend", method = "post")]
    async fn suspend(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UsersManage>,
        id: Path<Id<UserId>>,
    ) -> ApiResult<Reply<UserAccount>> {
        ok(standing::suspend(&state, &caller, id.0.0).await?.try_into()?)
    }

    /// Let a user in again
    #[oai(path = "/:id/activate", method = "post")]
    async fn activate(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UsersManage>,
        id: Path<Id<UserId>>,
    ) -> ApiResult<Reply<UserAccount>> {
        ok(standing::activate(&state, &caller, id.0.0).await?.try_into()?)
    }

    /// Unlock a user
    ///
    /// After too many wrong passwords strangers have to wait; this lets them try again.
    #[oai(path = "/:id/unlock", method = "post")]
    async fn unlock(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UsersManage>,
        id: Path<Id<UserId>>,
    ) -> ApiResult<Reply<UserAccount>> {
        ok(standing::unlock(&state, &caller, id.0.0).await?.try_into()?)
    }

    /// Sign a user out everywhere
    #[oai(path = "/:id/sessions/end", method = "post")]
    async fn end_sessions(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UsersManage>,
        id: Path<Id<UserId>>,
    ) -> ApiResult<Reply<EndedSessions>> {
        let ended = standing::end_sessions(&state, &caller, id.0.0).await?;
        ok(EndedSessions { ended: u64::try_from(ended).unwrap_or(u64::MAX) })
    }

    /// Take a user's second factor away
    ///
    /// For whoever has lost it; they can set up another.
    #[oai(path = "/:id/mfa/disable", method = "post")]
    async fn disable_mfa(
        &self,
        state: Data<&SharedState>,
        caller: Confirmed<permit::UsersManage>,
        id: Path<Id<UserId>>,
    ) -> ApiResult<Reply<UserAccount>> {
        ok(standing::disable_mfa(&state, &caller, id.0.0).await?.try_into()?)
    }
}
