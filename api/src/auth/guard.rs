//! What a handler's signature says about who may call it: [`Guard`] names a permission, [`SignedIn`] asks for none.
//!
//! Both list the security scheme in the document, which a test holds against every operation.

use super::{principals::Principal, token::TokenError};
use crate::{error::ApiError, state::SharedState};
use domain::permissions::Permit;
use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions, SecurityScheme,
    auth::{Bearer, BearerAuthorization},
    registry::Registry,
};
use std::{marker::PhantomData, ops::Deref, sync::Arc};

/// A token from `POST /api/auth/login`.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", bearer_format = "JWT", rename = "bearer")]
struct BearerScheme(#[expect(dead_code, reason = "read by name only, for the document")] Bearer);

/// Someone with the permission that `P` stands for.
pub struct Guard<P> {
    principal: Arc<Principal>,
    permission: PhantomData<P>,
}

impl<P> Deref for Guard<P> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

/// Anyone who is signed in.
pub struct SignedIn(pub Arc<Principal>);

impl Deref for SignedIn {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

/// Finds out who is asking; once a request.
pub async fn authenticate(request: &Request) -> Result<Arc<Principal>, ApiError> {
    if let Some(principal) = request.data::<Arc<Principal>>() {
        return Ok(Arc::clone(principal));
    }
    let bearer = Bearer::from_request(request)
        .map_err(|_| ApiError::unauthenticated("missing_token", "a bearer token is needed"))?;
    let state = request.data::<SharedState>().ok_or_else(|| ApiError::internal("the state is not installed"))?;
    let user = state.tokens.read(&bearer.token).map_err(|error| match error {
        TokenError::Expired => ApiError::unauthenticated("token_expired", "the token has expired; sign in again"),
        TokenError::Invalid => ApiError::unauthenticated("invalid_token", "the token is not valid"),
    })?;
    crate::edge::asked_by(user);
    let principal = state.principals.find(user).await?;
    principal.ok_or_else(|| ApiError::unauthenticated("account_not_active", "the account is not active any more"))
}

impl<'a, P: Permit> ApiExtractor<'a> for Guard<P> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <BearerScheme as ApiExtractor>::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        <BearerScheme as ApiExtractor>::security_schemes()
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        let principal = authenticate(request).await?;
        if !principal.may(P::PERMISSION) {
            let message = format!("this needs the permission {}", P::PERMISSION);
            let details = serde_json::json!({"permission": P::PERMISSION});
            return Err(ApiError::forbidden("permission_denied", message).with_details(details).into());
        }
        Ok(Self { principal, permission: PhantomData })
    }
}

impl<'a> ApiExtractor<'a> for SignedIn {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <BearerScheme as ApiExtractor>::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        <BearerScheme as ApiExtractor>::security_schemes()
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        Ok(Self(authenticate(request).await?))
    }
}
