//! An issuer that signs whatever a test wants.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use poem::{
    EndpointExt, Route, Server, get, handler,
    listener::{Acceptor, Listener, TcpListener},
    post,
    web::{Data, Form, Json},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// A key that tokens are signed with.
pub struct Key {
    id: &'static str,
    key: SigningKey,
}

impl Key {
    /// A new one.
    pub fn new(id: &'static str) -> Self {
        Self { id, key: SigningKey::from_bytes(&rand::random()) }
    }

    /// As it is published.
    pub fn public(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.id, "x": self.x()})
    }

    /// The public half.
    pub fn x(&self) -> String {
        BASE64.encode(self.key.verifying_key().as_bytes())
    }

    /// A token.
    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(Algorithm::EdDSA) };
        let der = self.key.to_pkcs8_der().unwrap();
        encode(&header, claims, &EncodingKey::from_ed_der(der.as_bytes())).unwrap()
    }
}

/// What the issuer does next, and what it was asked.
#[derive(Default)]
pub struct Says {
    /// What it says of itself, instead of its address.
    pub name: Option<String>,
    /// Its published keys.
    pub keys: Vec<Value>,
    /// The next ID token.
    pub token: String,
    /// How often the keys were read.
    pub reads: usize,
    /// What came to the token endpoint.
    pub form: HashMap<String, String>,
}

/// The issuer.
pub struct Issuer {
    /// Its address.
    pub address: String,
    /// What it does.
    pub says: Arc<Mutex<Says>>,
}

impl Issuer {
    /// With that key published.
    pub async fn new(key: &Key) -> Self {
        let says = Arc::new(Mutex::new(Says { keys: vec![key.public()], ..Says::default() }));
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
        let address = format!("http://{}", acceptor.local_addr()[0].as_socket_addr().unwrap());
        let app = Route::new()
            .at("/.well-known/openid-configuration", get(metadata))
            .at("/keys", get(keys))
            .at("/token", post(token))
            .data(Arc::clone(&says))
            .data(address.clone());
        tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
        Self { address, says }
    }

    /// What an honest token says.
    pub fn claims(&self, nonce: &str, now: i64) -> Value {
        json!({
            "iss": self.address, "aud": "renewals", "sub": "subject-1", "nonce": nonce, "iat": now, "exp": now + 300,
            "email": "alice@example.com", "email_verified": true, "given_name": "Alice", "family_name": "Ng",
        })
    }
}

#[handler]
fn metadata(Data(says): Data<&Arc<Mutex<Says>>>, Data(address): Data<&String>) -> Json<Value> {
    let name = says.lock().unwrap().name.clone();
    Json(json!({
        "issuer": name.as_ref().unwrap_or(address), "authorization_endpoint": format!("{address}/authorize"),
        "token_endpoint": format!("{address}/token"), "jwks_uri": format!("{address}/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }))
}

#[handler]
fn keys(Data(says): Data<&Arc<Mutex<Says>>>) -> Json<Value> {
    let mut says = says.lock().unwrap();
    says.reads += 1;
    Json(json!({"keys": says.keys}))
}

#[handler]
fn token(Data(says): Data<&Arc<Mutex<Says>>>, Form(form): Form<HashMap<String, String>>) -> Json<Value> {
    let mut says = says.lock().unwrap();
    says.form = form;
    Json(json!({"access_token": "access", "token_type": "Bearer", "id_token": says.token}))
}
