//! Asking somebody in: an account without a password, and a message with a token to set one.

use super::{directory::check_branch, view::audited};
use crate::{
    auth::SignedIn,
    error::{ApiError, ApiResult},
    people::{
        rules::{self, holding},
        text::Faults,
    },
    request::Id,
    state::SharedState,
};
use domain::{
    contact::Email,
    ids::{BranchId, UserId},
    people::{UserStatus, rules::give},
    permissions::Reach,
    sign_in::AccountMail,
};
use jobs::accounts::notice;
use poem_openapi::Object;
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    people::{
        accounts::{self, AccountRow, NewInvited},
        roles,
    },
};

/// Somebody to be asked in.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct NewUser {
    /// The address they will sign in with.
    #[oai(validator(min_length = 3, max_length = 255))]
    email: String,
    /// Their first name.
    #[oai(validator(min_length = 1, max_length = 100))]
    first_name: String,
    /// Their last name.
    #[oai(validator(min_length = 1, max_length = 100))]
    last_name: String,
    /// With the country's prefix, or of India.
    #[oai(validator(max_length = 30))]
    phone: Option<String>,
    /// Where they work.
    #[oai(validator(max_length = 100))]
    department: Option<String>,
    /// As what they work.
    #[oai(validator(max_length = 100))]
    job_title: Option<String>,
    /// The name of the role they get.
    #[oai(validator(min_length = 1, max_length = 50))]
    role: String,
    /// Their office; by default the caller's, for a caller who sees only that.
    branch_id: Option<Id<BranchId>>,
}

/// Makes the account and has the message sent.
pub(super) async fn invite(state: &SharedState, caller: &SignedIn, given: NewUser) -> ApiResult<AccountRow> {
    let mut faults = Faults::default();
    let email = match given.email.parse::<Email>() {
        Ok(email) => email.as_str().to_lowercase(),
        Err(error) => {
            faults.add("email", error.to_string());
            String::new()
        }
    };
    let own = caller.branch_id.filter(|_| caller.reach != Reach::All);
    let branch = given.branch_id.map(|id| id.0).or(own);
    let mut user = NewInvited {
        email,
        first_name: faults.line("firstName", &given.first_name),
        last_name: faults.line("lastName", &given.last_name),
        phone: faults.phone("phone", given.phone),
        department: faults.optional_line("department", given.department),
        job_title: faults.optional_line("jobTitle", given.job_title),
        role_id: 0,
        branch_id: branch.map(|branch| branch.0),
    };
    faults.none()?;
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let (row, mail) = connection
        .transaction::<_, ApiError, _>(async |connection| {
            let role = roles::to_give(connection, given.role.trim()).await?;
            let role = role.ok_or_else(|| ApiError::invalid("role", "there is no such role"))?;
            give(holding(caller), role.holding())?;
            check_branch(connection, caller, branch).await?;
            user.role_id = role.id;
            let id =
                accounts::invite(connection, &user, now).await.map_err(|error| match error.unique_violation() {
                    Some(_) => ApiError::conflict("email_taken", "there is an account of that address already"),
                    None => error.into(),
                })?;
            let row = accounts::get(connection, id, Reach::All).await?;
            let row = row.ok_or_else(|| ApiError::not_found("user"))?;
            let entry = caller.entry("user.invited", Entity::of(id)).after(audited(&row));
            audit::record(connection, &[entry]).await?;
            Ok((row, notice(connection, now, id, AccountMail::Invitation, None).await?))
        })
        .await?;
    drop(connection);
    state.services.dispatcher.push(&[mail]).await;
    Ok(row)
}

/// Has the message sent again.
pub(super) async fn invite_again(state: &SharedState, caller: &SignedIn, id: UserId) -> ApiResult<AccountRow> {
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let (row, mail) = connection
        .transaction::<_, ApiError, _>(async |connection| {
            let row = rules::lock(connection, caller, id).await?;
            if row.status()? != UserStatus::Invited {
                return Err(ApiError::conflict("not_invited", "the invitation has been answered, or taken back"));
            }
            audit::record(connection, &[caller.entry("user.invited_again", Entity::of(id))]).await?;
            Ok((row, notice(connection, now, id, AccountMail::Invitation, None).await?))
        })
        .await?;
    drop(connection);
    state.services.dispatcher.push(&[mail]).await;
    Ok(row)
}
