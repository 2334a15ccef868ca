//! What people change about themselves: how they are called and reached. Not what they may do, or where.

use super::{text::Faults, users::audited};
use crate::{
    auth::SignedIn,
    error::{ApiError, ApiResult},
    state::SharedState,
};
use domain::permissions::Reach;
use poem_openapi::{Object, types::MaybeUndefined};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    people::accounts::{self, Change},
};

pub use super::users::ImageBody;
pub(crate) use super::users::{Avatar, UserAccount, keep_avatar};

/// What somebody says about themself. What is left out stays; `null` clears.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub struct OwnChange {
    /// First name.
    #[oai(validator(max_length = 100))]
    first_name: Option<String>,
    /// Last name.
    #[oai(validator(max_length = 100))]
    last_name: Option<String>,
    /// With the country's prefix, or of India.
    #[oai(validator(max_length = 30))]
    phone: MaybeUndefined<String>,
    /// As what one works.
    #[oai(validator(max_length = 100))]
    job_title: MaybeUndefined<String>,
}

/// Changes what somebody says about themself.
pub(crate) async fn change(state: &SharedState, caller: &SignedIn, given: OwnChange) -> ApiResult<UserAccount> {
    let mut faults = Faults::default();
    let change = Change {
        first_name: given.first_name.map(|name| faults.line("firstName", &name)),
        last_name: given.last_name.map(|name| faults.line("lastName", &name)),
        phone: faults.clearable("phone", given.phone, Faults::phone),
        job_title: faults.clearable("jobTitle", given.job_title, Faults::optional_line),
        ..Change::default()
    };
    faults.none()?;
    let (id, now) = (caller.user_id, state.services.clock.now());
    let gone = || ApiError::not_found("user");
    let mut connection = state.services.db.get().await?;
    let row = connection
        .transaction::<_, ApiError, _>(async |connection| {
            let before = accounts::lock(connection, id, Reach::Own(id)).await?.ok_or_else(gone)?;
            accounts::change(connection, id, &change, now).await?;
            let after = accounts::get(connection, id, Reach::Own(id)).await?.ok_or_else(gone)?;
            let entry = caller.entry("user.changed", Entity::of(id));
            audit::record(connection, &[entry.before(audited(&before)).after(audited(&after))]).await?;
            Ok(after)
        })
        .await?;
    if let Some(session) = caller.session() {
        state.principals.forget(session);
    }
    row.try_into()
}
