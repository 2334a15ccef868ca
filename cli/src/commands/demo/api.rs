//! The HTTP API as the demo calls it: requests out, the envelope opened, errors told by their message.

use anyhow::{Context, bail};
use reqwest::{Client, RequestBuilder, StatusCode, multipart::Form};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// Longer than any answer that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The API, as one user.
pub struct Api {
    client: Client,
    base: String,
    token: SecretString,
}

impl Api {
    /// Signs in. `base` is a URL such as `http://127.0.0.1:8000`.
    pub async fn sign_in(base: &str, email: &str, password: &SecretString) -> anyhow::Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        let loopback = ["//127.", "//localhost", "//[::1]"].iter().any(|host| base.contains(host));
        let client = providers::http::client(PATIENCE, loopback)?;
        let mut api = Self { client, base, token: SecretString::default() };
        let session = api
            .post("/api/auth/login", &json!({"email": email, "password": password.expose_secret()}))
            .await
            .context("signing in")?;
        let token = session["token"].as_str().context("the answer holds no token")?;
        api.token = token.into();
        Ok(api)
    }

    /// A GET; the answer's data.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.client.get(self.url(path))).await
    }

    /// A POST of JSON; the answer's data.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(self.client.post(self.url(path)).json(body)).await
    }

    /// A POST of a form with a file; the answer's data.
    pub async fn post_form(&self, path: &str, form: Form) -> anyhow::Result<Value> {
        self.send(self.client.post(self.url(path)).multipart(form)).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let request = match self.token.expose_secret() {
            "" => request,
            token => request.bearer_auth(token),
        };
        let answer = request.send().await.with_context(|| format!("no answer from {}: is it running?", self.base))?;
        let status = answer.status();
        let body = answer.bytes().await.context("the answer broke off")?;
        open(status, &body)
    }
}

/// What the envelope holds, or its error.
fn open(status: StatusCode, body: &[u8]) -> anyhow::Result<Value> {
    let mut envelope: Value =
        serde_json::from_slice(body).with_context(|| format!("{status}: the answer is not JSON"))?;
    if status.is_success() && envelope["success"] == true {
        return Ok(envelope["data"].take());
    }
    let error = &envelope["error"];
    let message = error["message"].as_str().unwrap_or("no reason given");
    match error.get("details") {
        Some(details) if !details.is_null() => bail!("{status}: {message} ({details})"),
        _ => bail!("{status}: {message}"),
    }
}

/// A field of an answer.
pub fn field<T: DeserializeOwned>(data: &Value, name: &str) -> anyhow::Result<T> {
    let value = data.get(name).cloned().unwrap_or_default();
    serde_json::from_value(value).with_context(|| format!("the answer's {name:?} is missing or of another kind"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_opened_and_its_error_told() {
        let data = open(StatusCode::OK, br#"{"success": true, "data": {"id": "upload-1"}}"#).unwrap();
        assert_eq!(field::<String>(&data, "id").unwrap(), "upload-1");
        assert!(field::<u64>(&data, "total").is_err());
        let refused = br#"{"success": false, "error": {"code": "conflict", "message": "not now"}}"#;
        assert_eq!(open(StatusCode::CONFLICT, refused).unwrap_err().to_string(), "409 Conflict: not now");
        assert!(open(StatusCode::BAD_GATEWAY, b"<html>").is_err());
    }
}
