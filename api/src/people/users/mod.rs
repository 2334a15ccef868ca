//! `/api/users`: who signs in, and what is done about their accounts.

mod account;
mod avatar;
mod directory;
mod image;
mod invite;
mod role;
mod standing;
mod view;

pub(crate) use avatar::{Avatar, keep as keep_avatar};
pub use image::ImageBody;
pub(crate) use view::{UserAccount, audited};

use poem_openapi::OpenApi;

/// Every part of the resource.
pub fn api() -> impl OpenApi + 'static {
    (directory::UsersApi, account::AccountApi, avatar::AvatarApi)
}
