//! Checks ID tokens (OpenID Connect Core, 3.1.3.7). Pure: keys and time are passed in.

use super::{Identity, config::OidcConfig, error::OidcError, wire::UserInfo};
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{
    AdditionalClaims, ClaimsVerificationError, ClientId, IdToken, IdTokenClaims, IssuerUrl, Nonce,
    SignatureVerificationError,
    core::{
        CoreGenderClaim, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// By how much clocks may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// No shared secrets, and nothing that is not signed at all.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 3] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Claims that the standard does not name: groups.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Others {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for Others {}

type Token = IdToken<Others, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
/// What a checked token says.
pub type Claims = IdTokenClaims<Others, CoreGenderClaim>;

/// Whether a check failed for want of a key.
pub fn lacks_key(error: &OidcError) -> bool {
    let lacking = |error: &SignatureVerificationError| matches!(error, SignatureVerificationError::NoMatchingKey);
    matches!(error, OidcError::Token(ClaimsVerificationError::SignatureVerification(error)) if lacking(error))
}

/// What a token says, if it counts.
pub fn check(
    config: &OidcConfig,
    issuer: &str,
    keys: &CoreJsonWebKeySet,
    token: &str,
    nonce: &str,
    now: DateTime<Utc>,
) -> Result<Claims, OidcError> {
    let form = |source| OidcError::Form { what: "ID token", source };
    let token: Token = serde_json::from_value(Value::from(token)).map_err(form)?;
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|_| OidcError::Metadata("the issuer is no address"))?;
    let verifier =
        CoreIdTokenVerifier::new_public_client(ClientId::new(config.client_id.clone()), issuer, keys.clone())
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || now - LEEWAY)
            .set_issue_time_verifier_fn(move |at| {
                if at <= now + LEEWAY { Ok(()) } else { Err("it was issued in the future".to_owned()) }
            });
    let claims = token.into_claims(&verifier, &Nonce::new(nonce.to_owned()))?;
    if claims.authorized_party().is_some_and(|party| **party != config.client_id) {
        return Err(OidcError::Claims("it was made for another client"));
    }
    if claims.subject().is_empty() || claims.subject().len() > 255 {
        return Err(OidcError::Claims("its subject is not of one to 255 characters"));
    }
    Ok(claims)
}

/// Whether more has to be asked for: the address may be told elsewhere.
pub fn is_complete(claims: &Claims) -> bool {
    claims.email().is_some() && claims.email_verified().is_some()
}

/// Who that is, with what the issuer tells elsewhere of the same person.
pub fn identity(config: &OidcConfig, claims: &Claims, more: Option<&UserInfo>) -> Result<Identity, OidcError> {
    let subject = claims.subject().as_str().to_owned();
    if more.is_some_and(|more| more.get("sub").and_then(Value::as_str) != Some(subject.as_str())) {
        return Err(OidcError::Claims("the issuer tells of somebody else than the token"));
    }
    let other = |name: &str| more.and_then(|more| more.get(name));
    let text = |name: &str| other(name).and_then(Value::as_str).map(str::to_owned);
    // an address and whether it is verified come from one place
    let (email, email_verified) = match claims.email() {
        Some(email) if is_complete(claims) || more.is_none() => {
            (Some(email.as_str().to_owned()), claims.email_verified() == Some(true))
        }
        _ => (text("email"), other("email_verified").is_some_and(is_true)),
    };
    let groups = claims.additional_claims().all.get(&config.groups_claim).or_else(|| other(&config.groups_claim));
    let given = claims.given_name().and_then(|name| name.get(None)).map(|name| name.as_str().to_owned());
    let family = claims.family_name().and_then(|name| name.get(None)).map(|name| name.as_str().to_owned());
    let references = claims.auth_method_refs().map(Vec::as_slice).unwrap_or_default();
    Ok(Identity {
        issuer: claims.issuer().as_str().to_owned(),
        subject,
        email: email.map(|email| email.trim().to_lowercase()).filter(|email| !email.is_empty()),
        email_verified,
        first_name: given.or_else(|| text("given_name")),
        last_name: family.or_else(|| text("family_name")),
        groups: groups.map(listed).unwrap_or_default(),
        with_mfa: references.iter().any(|reference| reference.as_str() == "mfa"),
    })
}

/// Cognito writes it as a text.
fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true) || value.as_str() == Some("true")
}

fn listed(groups: &Value) -> Vec<String> {
    match groups {
        Value::Array(groups) => groups.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(group) => vec![group.clone()],
        _ => Vec::new(),
    }
}
