//! Coming in for the first time: an invitation is answered, or, where it is allowed, an account asked for.
//!
//! An account that somebody asks for can be used once its address has answered; whether the address had one already is
//! told to its mailbox only.

use super::{
    passwords::{Asked, address, by_token, choose, link_over},
    session::{Entrance, Session},
};
use crate::{
    envelope::{Success, accepted},
    error::{ApiError, ApiResult},
    request::JsonBody,
    state::SharedState,
    tags::Tag,
};
use domain::{
    password::Person,
    permissions::SystemRole,
    sign_in::{AccountMail, AccountTokenPurpose, SignInMethod},
};
use jobs::{accounts, security::secret_token};
use poem::{
    Request,
    web::{Data, cookie::CookieJar},
};
use poem_openapi::{ApiResponse, Object, OpenApi, payload::Json};
use schema::{
    AsyncConnection,
    audit::{self, Actor, Entity, Entry},
    people::{
        account_tokens, holders,
        joining::{self, Applicant},
        roles,
    },
};
use secrecy::SecretString;

/// Coming in for the first time.
pub struct JoiningApi;

/// The answer to an invitation.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Answer {
    /// What the link holds behind `#token=`.
    #[oai(validator(min_length = 1, max_length = 100))]
    token: String,
    /// The password: at least 12 characters, and not easy to guess.
    #[oai(validator(min_length = 1, max_length = 1024))]
    password: String,
    /// Their first name, if it is not as the invitation has it.
    #[oai(validator(min_length = 1, max_length = 100))]
    first_name: Option<String>,
    /// Their last name, if it is not as the invitation has it.
    #[oai(validator(min_length = 1, max_length = 100))]
    last_name: Option<String>,
    /// For browsers: keep the refresh token in a cookie that scripts cannot read, instead of the answer.
    #[oai(default)]
    cookie: bool,
}

/// Somebody who wants an account: with the token of an invitation and a password, or with an address and names.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Registration {
    /// What the link of an invitation holds behind `#token=`.
    #[oai(validator(min_length = 1, max_length = 100))]
    token: Option<String>,
    /// With a token only; who has none yet chooses it with the link that is mailed.
    #[oai(validator(min_length = 1, max_length = 1024))]
    password: Option<String>,
    /// The address the account is for.
    #[oai(validator(min_length = 3, max_length = 255))]
    email: Option<String>,
    /// Their first name.
    #[oai(validator(min_length = 1, max_length = 100))]
    first_name: Option<String>,
    /// Their last name.
    #[oai(validator(min_length = 1, max_length = 100))]
    last_name: Option<String>,
    /// For browsers: keep the refresh token in a cookie that scripts cannot read, instead of the answer.
    #[oai(default)]
    cookie: bool,
}

/// 200 when they are in, 202 when a mail says how it goes on.
#[derive(ApiResponse)]
#[expect(clippy::large_enum_variant, reason = "one a registration, and gone at once")]
enum Registered {
    /// In.
    #[oai(status = 200)]
    In(Json<Success<Session>>),
    /// A mail to the address says how it goes on.
    #[oai(status = 202)]
    Asked(Json<Success<Asked>>),
}

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Auth")]
impl JoiningApi {
    /// Answer an invitation
    ///
    /// Chooses the password and signs in.
    #[oai(path = "/invitation/accept", method = "post")]
    async fn accept(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        jar: &CookieJar,
        body: JsonBody<Answer>,
    ) -> ApiResult<crate::envelope::Reply<Session>> {
        let answer = body.0;
        let entrance = Entrance::of(&state, request, jar, answer.cookie, None);
        crate::envelope::ok(answered(&entrance, answer).await?)
    }

    /// Register
    ///
    /// With the token of an invitation as `POST /api/auth/invitation/accept`. Without one, where the platform is open to
    /// all (403 `registration_closed` elsewhere), a link to choose a password is mailed to the address; the answer is the
    /// same if it has an account already.
    #[oai(path = "/register", method = "post")]
    async fn register(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        jar: &CookieJar,
        body: JsonBody<Registration>,
    ) -> ApiResult<Registered> {
        let Registration { token, password, email, first_name, last_name, cookie } = body.0;
        let entrance = Entrance::of(&state, request, jar, cookie, None);
        if let Some(token) = token {
            let password = password.ok_or_else(|| ApiError::invalid("password", "is required with a token"))?;
            let answer = Answer { token, password, first_name, last_name, cookie };
            let session = answered(&entrance, answer).await?;
            return Ok(Registered::In(Json(Success { success: true, data: session })));
        }
        if !state.services.security.open_registration {
            let message = "an account takes an invitation: give its token, or ask an administrator for one";
            return Err(ApiError::forbidden("registration_closed", message));
        }
        if password.is_some() {
            let message = "is chosen with the link that is mailed to the address";
            return Err(ApiError::invalid("password", message));
        }
        let email = email.ok_or_else(|| ApiError::invalid("email", "is required without a token"))?;
        let email = address(&email)?;
        let first_name = name("firstName", first_name)?;
        let last_name = name("lastName", last_name)?;
        applied(&entrance, &email, &first_name, &last_name).await?;
        let crate::envelope::Accepted::Accepted(asked) = accepted(Asked { asked: true })?;
        Ok(Registered::Asked(asked))
    }
}

fn name(field: &str, given: Option<String>) -> ApiResult<String> {
    let given = given.ok_or_else(|| ApiError::invalid(field, "is required without a token"))?;
    line(field, &given)
}

fn line(field: &str, given: &str) -> ApiResult<String> {
    let name = given.trim();
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(ApiError::invalid(field, "must be a name on one line"));
    }
    Ok(name.to_owned())
}

/// Lets in who answers an invitation.
async fn answered(entrance: &Entrance<'_>, answer: Answer) -> ApiResult<Session> {
    let state = entrance.state;
    let token = secret_token::hash(&answer.token);
    let (holder, earlier) = by_token(state, &token, AccountTokenPurpose::Invitation).await?;
    if !holder.is_invited() {
        return Err(link_over());
    }
    let given = |field, given: Option<String>, kept: &str| match given {
        Some(given) => line(field, &given),
        None => Ok(kept.to_owned()),
    };
    let first_name = given("firstName", answer.first_name, &holder.first_name)?;
    let last_name = given("lastName", answer.last_name, &holder.last_name)?;
    let person = Person { email: &holder.email, first_name: &first_name, last_name: &last_name };
    let password: SecretString = answer.password.into();
    let password_hash = choose(state, &password, &person, earlier, "password").await?;
    let (user, now) = (holder.user(), state.services.clock.now());
    let mut connection = state.services.db.get().await?;
    connection
        .transaction::<_, ApiError, _>(async |connection| {
            let names = (first_name.as_str(), last_name.as_str());
            if !account_tokens::take(connection, &token, now).await?
                || !joining::answer(connection, user, &password_hash, names, now).await?
            {
                return Err(link_over());
            }
            let actor = Actor { user: Some(user), ..entrance.origin.anonymous() };
            let (action, entity) = ("user.invitation_accepted", Entity::of(user));
            audit::record(connection, &[Entry { actor, action, entity, before: None, after: None }]).await?;
            Ok(())
        })
        .await?;
    drop(connection);
    entrance.open(user, SignInMethod::Invitation, false).await
}

/// Has a mail sent to an address that an account is wanted for: to choose a password, or that there is one already.
async fn applied(entrance: &Entrance<'_>, email: &str, first_name: &str, last_name: &str) -> ApiResult<()> {
    let state = entrance.state;
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let enqueued = connection
        .transaction::<_, ApiError, _>(async |connection| {
            let role = roles::by_name(connection, SystemRole::ReadOnly.as_str()).await?;
            let role = role.ok_or_else(|| ApiError::internal("the role of whoever registers is not there"))?;
            let applicant = Applicant { email, first_name, last_name, role };
            let added = joining::apply(connection, &applicant).await?;
            // asked for in either case: an address that has an account must not be answered sooner or later
            let holder = holders::by_email(connection, email).await?.ok_or_else(|| ApiError::not_found("user"))?;
            let (action, purpose) = match (added, holder.is_invited()) {
                (Some(_), _) => ("user.registered", AccountMail::Invitation),
                (None, true) => ("user.registered_again", AccountMail::Invitation),
                (None, false) => ("user.registered_again", AccountMail::AddressTaken),
            };
            let (actor, entity) = (entrance.origin.anonymous(), Entity::of(holder.user()));
            audit::record(connection, &[Entry { actor, action, entity, before: None, after: None }]).await?;
            Ok(accounts::notice(connection, now, holder.user(), purpose, None).await?)
        })
        .await?;
    drop(connection);
    state.services.dispatcher.push(&[enqueued]).await;
    Ok(())
}
