//! Signing in: `POST /api/auth/login` and `GET /api/auth/me`.
//!
//! A wrong password and an address nobody has are answered alike, after the same work.

use super::{guard::SignedIn, principals::Principal, token::LIFETIME};
use crate::{
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, JsonBody},
    state::SharedState,
    tags::Tag,
};
use domain::ids::{BranchId, UserId};
use jobs::security::password;
use poem::{Request, web::Data};
use poem_openapi::{Object, OpenApi};
use schema::people::users;
use secrecy::SecretString;
use std::net::IpAddr;

/// Signing in.
pub struct AuthApi;

/// Who wants to sign in.
#[derive(Object)]
struct Login {
    /// The address the account is kept under; case does not matter.
    #[oai(validator(min_length = 3, max_length = 255))]
    email: String,
    /// The password.
    #[oai(validator(min_length = 1, max_length = 1024))]
    password: String,
}

/// A token, and whose it is.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Session {
    /// To be sent as `Authorization: Bearer …`.
    token: String,
    /// Always `Bearer`.
    token_type: String,
    /// Seconds until the token expires.
    expires_in: i64,
    /// Whose it is.
    user: User,
}

/// A user as they see themselves.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct User {
    /// Their id.
    id: Id<UserId>,
    /// Their address.
    email: String,
    /// Their first name.
    first_name: String,
    /// Their last name.
    last_name: String,
    /// Their role's name.
    role: Option<String>,
    /// The names of everything they may do.
    permissions: Vec<String>,
    /// Their office.
    branch_id: Option<Id<BranchId>>,
}

impl From<&Principal> for User {
    fn from(principal: &Principal) -> Self {
        Self {
            id: Id(principal.user_id),
            email: principal.email.clone(),
            first_name: principal.first_name.clone(),
            last_name: principal.last_name.clone(),
            role: principal.role.clone(),
            permissions: principal.permissions.iter().map(|permission| permission.to_string()).collect(),
            branch_id: principal.branch_id.map(Id),
        }
    }
}

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Auth")]
impl AuthApi {
    /// Sign in
    ///
    /// After some failures each further attempt has to wait: 429 with Retry-After.
    #[oai(path = "/login", method = "post")]
    async fn login(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        body: JsonBody<Login>,
    ) -> ApiResult<Reply<Session>> {
        let Login { email, password } = body.0;
        let email = email.trim().to_lowercase();
        let attempt = state.attempts.begin(&email, address(request)).await?;
        let user = check(&state, &email, password.into()).await?;
        state.attempts.succeeded(&attempt).await?;
        let principal = state.principals.find(user).await?.ok_or_else(|| {
            ApiError::forbidden("account_not_active", "the account is not active; ask an administrator")
        })?;
        let mut connection = state.services.db.get().await?;
        users::signed_in(&mut connection, user, state.services.clock.now()).await?;
        let token = state.tokens.issue(user).map_err(ApiError::internal)?;
        let (token_type, expires_in) = ("Bearer".to_owned(), LIFETIME.num_seconds());
        ok(Session { token, token_type, expires_in, user: User::from(principal.as_ref()) })
    }

    /// Who am I
    #[oai(path = "/me", method = "get")]
    async fn me(&self, caller: SignedIn) -> ApiResult<Reply<User>> {
        ok(User::from(&*caller))
    }
}

/// The user whose address and password these are.
async fn check(state: &SharedState, email: &str, given: SecretString) -> ApiResult<UserId> {
    // the connection is given back before the password is hashed, which takes its time
    let credentials = users::credentials(&mut *state.services.db.get().await?, email).await?;
    let stored = credentials.as_ref().map(|credentials| credentials.password_hash.as_str());
    let right = password::verify_password(&given, stored).await.map_err(ApiError::internal)?;
    credentials
        .filter(|_| right)
        .map(|credentials| UserId(credentials.id))
        .ok_or_else(|| ApiError::unauthenticated("invalid_credentials", "the address or the password is wrong"))
}

fn address(request: &Request) -> Option<IpAddr> {
    request.remote_addr().as_socket_addr().map(|address| address.ip())
}
