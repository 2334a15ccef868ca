//! Who is asking, and what they may do.
//!
//! An endpoint states its permission in its signature: `caller: Guard<permit::UploadsCreate>`. Whoever has no token,
//! or one that is not valid any more, is answered 401; whoever lacks the permission 403. Roles are read again within a
//! second, so that a suspension works at once.

pub mod attempts;
mod confirm;
mod cookie;
pub mod guard;
mod joining;
mod known;
mod login;
mod mfa;
pub mod oidc;
mod origin;
mod passwords;
pub mod principals;
mod proof;
pub mod session;
mod sessions;
pub mod token;
pub mod token_keys;
mod user;

pub use confirm::ConfirmApi;
pub use domain::permissions::permit;
pub use guard::{API_KEY_PREFIX, Confirmed, Guard, SignedIn};
pub use joining::JoiningApi;
pub use login::AuthApi;
pub(crate) use login::tell;
pub use mfa::{MfaApi, VerifyApi};
pub use oidc::OidcApi;
pub use origin::Origin;
pub use passwords::PasswordsApi;
pub use principals::{Principal, Via};
pub use sessions::SessionsApi;
