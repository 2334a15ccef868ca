//! What a handler's signature says about who may call it: [`Guard`] names a permission, [`Confirmed`] one that takes a
//! recent proof of presence as well, [`SignedIn`] asks for none.
//!
//! All list the security scheme in the document, which a test holds against every operation.

use super::{
    origin::Origin,
    principals::{Principal, Via},
    token::TokenError,
};
use crate::{edge::ClientAddress, error::ApiError, state::SharedState};
use chrono::TimeDelta;
use domain::permissions::{Permission, Permit};
use jobs::security::secret_token;
use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions, SecurityScheme,
    auth::{Bearer, BearerAuthorization},
    registry::Registry,
};
use schema::audit::{Actor, Entity, Entry};
use std::{marker::PhantomData, ops::Deref, sync::Arc};
use uuid::Uuid;

/// What a machine's key begins with.
pub const API_KEY_PREFIX: &str = "rnk_";

/// A token from `POST /api/auth/login`, or a machine's key.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", bearer_format = "JWT", rename = "bearer")]
struct BearerScheme(#[expect(dead_code, reason = "read by name only, for the document")] Bearer);

/// Someone with the permission that `P` stands for.
pub struct Guard<P> {
    caller: SignedIn,
    permission: PhantomData<P>,
}

impl<P> Deref for Guard<P> {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.caller
    }
}

/// Someone with the permission that `P` stands for, who has just shown that it is them: for what does damage in the hands
/// of whoever finds an open browser, or a stolen token.
pub struct Confirmed<P>(Guard<P>);

impl<P> Deref for Confirmed<P> {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

/// Anyone who is signed in.
pub struct SignedIn {
    principal: Arc<Principal>,
    /// Where the request comes from.
    pub origin: Origin,
}

impl Deref for SignedIn {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl SignedIn {
    async fn of(request: &Request) -> Result<Self, ApiError> {
        Ok(Self { principal: authenticate(request).await?, origin: Origin::of(request) })
    }

    /// Who does something, for the audit log.
    pub fn actor(&self) -> Actor {
        let api_key = match self.via {
            Via::ApiKey(key) => Some(key),
            Via::Session { .. } => None,
        };
        Actor { user: Some(self.user_id), api_key, ..self.origin.anonymous() }
    }

    /// What they do to something, in the past tense: `campaign.paused`.
    pub fn entry(&self, action: &'static str, entity: Entity) -> Entry {
        self.actor().entry(action, entity)
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
    if bearer.token.starts_with(API_KEY_PREFIX) {
        let principal = state.principals.find_key(&secret_token::hash(&bearer.token)).await?;
        let message = "the key is not known, or has ended";
        let principal = principal.ok_or_else(|| ApiError::unauthenticated("invalid_api_key", message))?;
        crate::edge::asked_by(principal.user_id);
        return Ok(principal);
    }
    let claims = state.tokens.read(&bearer.token).await.map_err(|error| match error {
        TokenError::Expired => ApiError::unauthenticated("token_expired", "the token has expired; refresh it"),
        TokenError::Invalid => ApiError::unauthenticated("invalid_token", "the token is not valid"),
        TokenError::Keys(source) => ApiError::from(source),
    })?;
    crate::edge::asked_by(claims.sub);
    let address = request.data::<ClientAddress>().and_then(|client| client.0);
    let principal = state.principals.find(claims.sid, address).await?;
    let principal = principal.filter(|principal| principal.user_id == claims.sub);
    principal.ok_or_else(|| ApiError::unauthenticated("session_ended", "the session has ended; sign in again"))
}

/// Extractors of callers differ in what they demand only.
macro_rules! extractor {
    (impl<$($generic:ident: $bound:path)?> $name:ty, $request:ident => $extract:expr) => {
        impl<'a $(, $generic: $bound)?> ApiExtractor<'a> for $name {
            const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
            type ParamType = ();
            type ParamRawType = ();

            fn register(registry: &mut Registry) {
                <BearerScheme as ApiExtractor>::register(registry);
            }

            fn security_schemes() -> Vec<&'static str> {
                <BearerScheme as ApiExtractor>::security_schemes()
            }

            async fn from_request(
                $request: &'a Request,
                _: &mut RequestBody,
                _: ExtractParamOptions<()>,
            ) -> Result<Self> {
                Ok($extract)
            }
        }
    };
}

extractor!(impl<> SignedIn, request => Self::of(request).await?);
extractor!(impl<P: Permit> Guard<P>, request => Self::of(request).await?);
extractor!(impl<P: Permit> Confirmed<P>, request => Self::of(request).await?);

impl<P: Permit> Guard<P> {
    async fn of(request: &Request) -> Result<Self, ApiError> {
        let caller = SignedIn::of(request).await?;
        caller.demand(P::PERMISSION)?;
        Ok(Self { caller, permission: PhantomData })
    }
}

impl<P: Permit> Confirmed<P> {
    async fn of(request: &Request) -> Result<Self, ApiError> {
        let guard = Guard::of(request).await?;
        let state = request.data::<SharedState>().ok_or_else(|| ApiError::internal("the state is not installed"))?;
        guard.demand_presence(state)?;
        Ok(Self(guard))
    }
}

impl SignedIn {
    /// 403 while they owe a second factor.
    pub fn demand_factor(&self) -> Result<(), ApiError> {
        if self.owes_mfa {
            let message = "your role takes a second factor: set one up, or sign in with it";
            return Err(ApiError::forbidden("mfa_required", message));
        }
        Ok(())
    }

    /// 403 unless they may do that.
    pub fn demand(&self, permission: Permission) -> Result<(), ApiError> {
        self.demand_factor()?;
        if !self.may(permission) {
            let message = format!("this needs the permission {permission}");
            let details = serde_json::json!({"permission": permission});
            return Err(ApiError::forbidden("permission_denied", message).with_details(details));
        }
        Ok(())
    }

    /// The session of a person, or 403: a key must not be able to make, change or end what its owner comes in with.
    pub fn demand_person(&self) -> Result<Uuid, ApiError> {
        self.session().ok_or_else(person_needed)
    }

    /// 403 unless they have just shown that it is them. A machine cannot.
    pub fn demand_presence(&self, state: &SharedState) -> Result<(), ApiError> {
        let shown = match self.via {
            Via::Session { mfa_at, .. } if self.mfa_enabled => mfa_at,
            Via::Session { confirmed_at, .. } => confirmed_at,
            Via::ApiKey(_) => return Err(person_needed()),
        };
        let lifetime = TimeDelta::from_std(state.services.security.sessions.step_up).unwrap_or(TimeDelta::MAX);
        let now = state.services.clock.now();
        if shown.is_some_and(|shown| now - shown < lifetime) {
            return Ok(());
        }
        let means = if self.mfa_enabled { "code" } else { "password" };
        let message = "show that it is you with POST /api/auth/confirm, then try again";
        Err(ApiError::forbidden("step_up_required", message).with_details(serde_json::json!({"means": means})))
    }
}

fn person_needed() -> ApiError {
    ApiError::forbidden("person_needed", "this takes a person; a key cannot do it")
}
