//! Single sign-on: the whole flow against a certified OpenID provider, and an issuer that lies.

#[path = "oidc/browser.rs"]
mod browser;
#[path = "oidc/issuer.rs"]
mod issuer;
#[path = "oidc/lies.rs"]
mod lies;
#[path = "oidc/people.rs"]
mod people;
#[path = "oidc/provider.rs"]
mod provider;
