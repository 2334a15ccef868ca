//! Speaks with one issuer.

use super::{
    Identity,
    config::{OidcConfig, is_loopback},
    error::OidcError,
    token,
    wire::{Metadata, TokenRefusal, Tokens, UserInfo},
};
use crate::http;
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{PkceCodeChallenge, PkceCodeVerifier, core::CoreJsonWebKeySet};
use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};

/// The longest a call may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longer answers are not read.
const LONGEST_ANSWER: usize = 512 * 1024;
/// What an issuer says is asked for again after this time.
const FRESH: TimeDelta = TimeDelta::hours(1);
/// A key that is not known has the keys read again no sooner.
const PAUSE: TimeDelta = TimeDelta::seconds(10);
/// What we want to know of people.
const SCOPE: &str = "openid email profile";

/// What takes a browser to the issuer.
#[derive(Debug, Clone, Copy)]
pub struct Departure<'a> {
    /// Comes back with the answer.
    pub state: &'a str,
    /// Comes back in the token.
    pub nonce: &'a str,
    /// Shows, with the code, that it is us who asked (RFC 7636).
    pub verifier: &'a SecretString,
    /// Where it comes back to.
    pub redirect: &'a str,
}

/// What a browser comes back with.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Good for one token.
    pub code: &'a str,
    /// What the departure had.
    pub nonce: &'a str,
    /// What the departure had.
    pub verifier: &'a SecretString,
    /// What the departure had.
    pub redirect: &'a str,
}

type Kept<T> = Mutex<Option<(DateTime<Utc>, Arc<T>)>>;

/// One issuer.
pub struct OidcClient {
    /// Its settings.
    pub config: OidcConfig,
    http: Client,
    metadata: Kept<Metadata>,
    keys: Kept<CoreJsonWebKeySet>,
}

impl OidcClient {
    /// Of that issuer; calls nobody yet.
    pub fn new(config: OidcConfig) -> Result<Self, OidcError> {
        let http = http::client(TIMEOUT, is_loopback(&config.issuer))?;
        Ok(Self { config, http, metadata: Mutex::default(), keys: Mutex::default() })
    }

    /// Where to send the browser.
    pub async fn depart(&self, departure: &Departure<'_>, now: DateTime<Utc>) -> Result<Url, OidcError> {
        let metadata = self.metadata(now).await?;
        let verifier = PkceCodeVerifier::new(departure.verifier.expose_secret().to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let mut url = metadata.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", departure.redirect)
            .append_pair("scope", SCOPE)
            .append_pair("state", departure.state)
            .append_pair("nonce", departure.nonce)
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", "S256");
        if let Some(audience) = &self.config.audience {
            url.query_pairs_mut().append_pair("audience", audience);
        }
        Ok(url)
    }

    /// Who has come back.
    pub async fn arrive(&self, arrival: &Arrival<'_>, now: DateTime<Utc>) -> Result<Identity, OidcError> {
        let metadata = self.metadata(now).await?;
        let tokens = self.tokens(&metadata, arrival).await?;
        let check = |keys: &CoreJsonWebKeySet| {
            token::check(&self.config, &metadata.issuer, keys, &tokens.id_token, arrival.nonce, now)
        };
        let claims = match check(&*self.keys(&metadata, now, FRESH).await?) {
            // the issuer may have new keys
            Err(error) if token::lacks_key(&error) => check(&*self.keys(&metadata, now, PAUSE).await?),
            other => other,
        }?;
        let more = match (&metadata.userinfo_endpoint, &tokens.access_token) {
            (Some(endpoint), Some(access)) if !token::is_complete(&claims) => {
                let call = self.http.get(endpoint.clone()).bearer_auth(access);
                Some(self.json::<UserInfo>("user info", call).await?)
            }
            _ => None,
        };
        token::identity(&self.config, &claims, more.as_ref())
    }

    async fn tokens(&self, metadata: &Metadata, arrival: &Arrival<'_>) -> Result<Tokens, OidcError> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", arrival.code),
            ("redirect_uri", arrival.redirect),
            ("code_verifier", arrival.verifier.expose_secret()),
        ];
        let client = self.config.client_id.as_str();
        let call = self.http.post(metadata.token_endpoint.clone());
        let call = match &self.config.client_secret {
            Some(secret) if metadata.takes_secret_in_form() => {
                form.extend([("client_id", client), ("client_secret", secret.expose_secret())]);
                call
            }
            // encoded before it is put into the header (RFC 6749, 2.3.1)
            Some(secret) => call.basic_auth(encoded(client), Some(encoded(secret.expose_secret()))),
            None => {
                form.push(("client_id", client));
                call
            }
        };
        let response = call.form(&form).send().await?;
        let status = response.status();
        let body = http::bounded_body(response, LONGEST_ANSWER).await?;
        if status == StatusCode::OK {
            return serde_json::from_slice(&body).map_err(|source| OidcError::Form { what: "tokens", source });
        }
        match serde_json::from_slice::<TokenRefusal>(&body) {
            Ok(refusal) if refusal.error == "invalid_grant" => Err(OidcError::Refused(refusal.error)),
            _ => Err(OidcError::Status { what: "the code", status: status.as_u16() }),
        }
    }

    async fn metadata(&self, now: DateTime<Utc>) -> Result<Arc<Metadata>, OidcError> {
        let issuer = self.config.issuer.as_str().trim_end_matches('/');
        let call = self.http.get(format!("{issuer}/.well-known/openid-configuration"));
        let read = async { self.json::<Metadata>("metadata", call).await?.checked(&self.config.issuer) };
        kept(&self.metadata, now, FRESH, read).await
    }

    async fn keys(
        &self,
        metadata: &Metadata,
        now: DateTime<Utc>,
        age: TimeDelta,
    ) -> Result<Arc<CoreJsonWebKeySet>, OidcError> {
        let call = self.http.get(metadata.jwks_uri.clone());
        kept(&self.keys, now, age, self.json("keys", call)).await
    }

    async fn json<T: DeserializeOwned>(&self, what: &'static str, call: RequestBuilder) -> Result<T, OidcError> {
        let response = call.header(reqwest::header::ACCEPT, "application/json").send().await?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(OidcError::Status { what, status: status.as_u16() });
        }
        let body = http::bounded_body(response, LONGEST_ANSWER).await?;
        serde_json::from_slice(&body).map_err(|source| OidcError::Form { what, source })
    }
}

/// What is kept, unless it is older than that; read once, however many ask.
async fn kept<T>(
    kept: &Kept<T>,
    now: DateTime<Utc>,
    age: TimeDelta,
    read: impl Future<Output = Result<T, OidcError>>,
) -> Result<Arc<T>, OidcError> {
    let mut kept = kept.lock().await;
    if let Some((at, value)) = &*kept
        && (TimeDelta::zero()..age).contains(&(now - *at))
    {
        return Ok(Arc::clone(value));
    }
    let value = Arc::new(read.await?);
    *kept = Some((now, Arc::clone(&value)));
    Ok(value)
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
