//! What every service of AWS needs: a region, a key pair, and requests signed with them (Signature Version 4).
//!
//! Signing fails only for a request that cannot be sent either, so the caller takes it for a fault of the settings.

use crate::config::Settings;
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_runtime_api::client::identity::Identity;
use chrono::{DateTime, Utc};
use domain::messaging::{FailureClass, SendFailure};
use reqwest::{
    Request,
    header::{HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;

/// A region and the key pair that is used there.
#[derive(Debug, Clone)]
pub struct AwsConfig {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: SecretString,
    /// `AWS_SESSION_TOKEN`, of a temporary key pair.
    pub session_token: Option<SecretString>,
}

impl AwsConfig {
    /// Reads the settings; what is missing is a fault that says `why` it is needed.
    pub fn read(settings: &mut Settings<'_>, why: &str) -> Self {
        let region = settings.required("AWS_REGION", why);
        // it becomes part of a host's name
        let plain = |region: &str| region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !plain(&region) {
            settings.fault("AWS_REGION", "expected the name of a region, such as ap-south-1");
        }
        Self {
            region,
            access_key_id: settings.required("AWS_ACCESS_KEY_ID", why),
            secret_access_key: settings.required("AWS_SECRET_ACCESS_KEY", why).into(),
            session_token: settings.optional("AWS_SESSION_TOKEN").map(SecretString::from),
        }
    }

    /// Signs a request whose body is in memory, for a service such as `ses`. Headers that are set later are not covered.
    pub fn sign(&self, service: &str, request: &mut Request, now: DateTime<Utc>) -> Result<(), SigningFault> {
        let token = self.session_token.as_ref().map(|token| token.expose_secret().to_owned());
        let (id, secret) = (self.access_key_id.clone(), self.secret_access_key.expose_secret().to_owned());
        let identity: Identity = Credentials::new(id, secret, token, None, "settings").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(now.into())
            .settings(SigningSettings::default())
            .build()
            .map_err(SigningFault::of)?
            .into();
        let body = request.body().map_or(Some(&b""[..]), reqwest::Body::as_bytes).ok_or(SigningFault::Streamed)?;
        let mut headers = Vec::with_capacity(request.headers().len());
        for (name, value) in request.headers() {
            headers.push((name.as_str(), value.to_str().map_err(SigningFault::of)?));
        }
        let (method, url) = (request.method().as_str(), request.url().as_str());
        let signable = SignableRequest::new(method, url, headers.into_iter(), SignableBody::Bytes(body))
            .map_err(SigningFault::of)?;
        let (instructions, _) = sign(signable, &params).map_err(SigningFault::of)?.into_parts();
        for (name, value) in instructions.headers() {
            let mut value = HeaderValue::from_str(value).map_err(SigningFault::of)?;
            value.set_sensitive(true);
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(SigningFault::of)?;
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }
}

/// A request cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningFault {
    /// Its body is not in memory.
    #[error("a body that is streamed cannot be signed")]
    Streamed,
    /// Its address, its headers or the key pair cannot be used.
    #[error("the request cannot be signed: check AWS_REGION and the key pair")]
    Unusable(#[source] Box<dyn Error + Send + Sync>),
}

impl SigningFault {
    fn of(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unusable(error.into())
    }
}

impl From<SigningFault> for SendFailure {
    fn from(fault: SigningFault) -> Self {
        Self::new(FailureClass::Account, Some("signing".into()), &fault.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::{Method, Url};

    fn config(session_token: Option<&str>) -> AwsConfig {
        AwsConfig {
            region: "us-east-1".to_owned(),
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: session_token.map(SecretString::from),
        }
    }

    fn signed(method: Method, session_token: Option<&str>) -> Request {
        let mut request = Request::new(method, Url::parse("https://example.amazonaws.com/").unwrap());
        let at = DateTime::parse_from_rfc3339("2015-08-30T12:36:00Z").unwrap().to_utc();
        config(session_token).sign("service", &mut request, at).unwrap();
        request
    }

    /// The vendor's own test suite for Signature Version 4: get-vanilla and post-vanilla.
    #[test]
    fn a_signature_is_the_vendors() {
        for (method, signature) in [
            (Method::GET, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (Method::POST, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ] {
            let request = signed(method, None);
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature={signature}"
            );
            assert_eq!(request.headers()["authorization"].to_str().unwrap(), expected);
            assert_eq!(request.headers()["x-amz-date"], "20150830T123600Z");
            assert!(!format!("{request:?}").contains(signature), "what signs is not printed");
        }
    }

    #[test]
    fn a_temporary_key_pair_brings_its_token() {
        let request = signed(Method::GET, Some("token"));
        assert_eq!(request.headers()["x-amz-security-token"], "token");
        assert!(request.headers()["authorization"].to_str().unwrap().contains("x-amz-security-token"));
        assert!(!format!("{:?}", config(Some("token-of-mine"))).contains("mine"));
    }

    #[test]
    fn settings_are_asked_for_by_name() {
        let lookup = |name: &str| (name == "AWS_REGION").then(|| "Mumbai/1".to_owned());
        let mut settings = Settings::new(&lookup);
        let _partial = AwsConfig::read(&mut settings, "SES needs it");
        let faults = settings.finish(()).unwrap_err();
        let names: Vec<_> = faults.iter().map(|fault| fault.variable).collect();
        assert_eq!(names, ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
    }
}
