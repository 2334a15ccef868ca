//! Who is asking, and what they may do.
//!
//! An endpoint states its permission in its signature: `caller: Guard<permit::UploadsCreate>`. Whoever has no token,
//! or one that is not valid any more, is answered 401; whoever lacks the permission 403. Roles are read again within a
//! second, so that a suspension works at once.

pub mod attempts;
pub mod guard;
mod login;
pub mod principals;
pub mod token;

pub use domain::permissions::permit;
pub use guard::{Guard, SignedIn};
pub use login::AuthApi;
pub use principals::Principal;
