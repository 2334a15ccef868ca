//! Access tokens that somebody made or changed: none of them counts.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chrono::TimeDelta;
use domain::permissions::SystemRole;
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use jobs::security::token_keys as making;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use schema::people::token_keys;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tests::http::{TestApi, TestUser};

/// The parts of a token.
fn parts(token: &str) -> (Value, Value) {
    let mut decoded = token.split('.').take(2).map(|part| {
        let bytes = BASE64.decode(part).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    });
    (decoded.next().expect("a header"), decoded.next().expect("claims"))
}

fn header(algorithm: Algorithm, kid: &str) -> Header {
    Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) }
}

async fn refused(api: &TestApi, token: &str, why: &str) {
    let answer = api.get("/api/auth/me").bearer(token).send().await;
    assert_eq!(answer.status, 401, "{why}: {answer:?}");
    let code = answer.json()["error"]["code"].clone();
    assert!(["invalid_token", "token_expired", "session_ended"].iter().any(|known| code == *known), "{why}: {code}");
}

struct Ground {
    api: TestApi,
    user: TestUser,
    kid: String,
    claims: Value,
    signing: EncodingKey,
    public: Vec<u8>,
}

async fn ground() -> Ground {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Administrator).await;
    let (header, claims) = parts(&user.token);
    assert_eq!(header["alg"], "EdDSA");
    let kid = header["kid"].as_str().unwrap().to_owned();
    let now = api.state.services.clock.now();
    let keys = token_keys::in_force(&mut *api.connection().await, now).await.unwrap();
    let row = keys.into_iter().find(|key| key.id == kid).expect("the key");
    let ring = &api.state.services.security.key_ring;
    let private = ring.open_bytes(&making::place(&kid), &row.private_key).unwrap();
    let signing = EncodingKey::from_ed_der(private.expose_secret());
    Ground { api, user, kid, claims, signing, public: row.public_key }
}

impl Ground {
    fn signed(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims.clone();
        change(&mut claims);
        encode(&header(Algorithm::EdDSA, &self.kid), &claims, &self.signing).unwrap()
    }
}

#[tokio::test]
async fn a_token_signed_otherwise_is_refused() {
    let ground = ground().await;
    let api = &ground.api;
    api.get("/api/auth/me").bearer(&ground.signed(|_| {})).send().await.data(200);
    let claims = ground.user.token.split('.').nth(1).unwrap().to_owned();
    for algorithm in ["none", "None", "NONE"] {
        let head = BASE64.encode(json!({"alg": algorithm, "typ": "JWT", "kid": ground.kid}).to_string());
        refused(api, &format!("{head}.{claims}."), "no signature").await;
        refused(api, &format!("{head}.{claims}.{}", ground.user.token.split('.').nth(2).unwrap()), "no algorithm")
            .await;
    }
    let public = EncodingKey::from_secret(&ground.public);
    let hmac = encode(&header(Algorithm::HS256, &ground.kid), &ground.claims, &public).unwrap();
    refused(api, &hmac, "the public key as a shared secret").await;
    let own = SigningKey::from_bytes(&[7; 32]).to_pkcs8_der().unwrap();
    let own = EncodingKey::from_ed_der(own.as_bytes());
    for kid in [ground.kid.as_str(), "another", ""] {
        refused(api, &encode(&header(Algorithm::EdDSA, kid), &ground.claims, &own).unwrap(), "another key").await;
    }
    let unnamed = encode(&Header::new(Algorithm::EdDSA), &ground.claims, &ground.signing).unwrap();
    refused(api, &unnamed, "no key named").await;
}

#[tokio::test]
async fn a_token_that_says_something_else_is_refused() {
    let ground = ground().await;
    let api = &ground.api;
    let now = api.state.services.clock.now().timestamp();
    let other = ground.api.user(SystemRole::Administrator).await;
    let changed = [
        ground.signed(|claims| claims["aud"] = json!("another-api")),
        ground.signed(|claims| claims["aud"] = json!(["another-api"])),
        ground.signed(|claims| claims["iss"] = json!("somebody")),
        ground.signed(|claims| claims["exp"] = json!(now - 60)),
        ground.signed(|claims| claims["iat"] = json!(now + 3600)),
        ground.signed(|claims| claims["sub"] = json!(other.id)),
        ground.signed(|claims| claims["sid"] = json!(uuid::Uuid::now_v7())),
        ground.signed(|claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
        ground.signed(|claims| drop(claims.as_object_mut().unwrap().remove("aud"))),
    ];
    for token in changed {
        let (_, claims) = parts(&token);
        refused(api, &token, &claims.to_string()).await;
    }
    let (head, rest) = ground.user.token.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let mut forged: Value = serde_json::from_slice(&BASE64.decode(claims).unwrap()).unwrap();
    forged["sub"] = json!(other.id);
    refused(api, &format!("{head}.{}.{signature}", BASE64.encode(forged.to_string())), "changed claims").await;
    refused(api, &"a".repeat(5000), "endless").await;
}

#[tokio::test]
async fn clocks_may_differ_by_half_a_minute_and_no_more() {
    let ground = ground().await;
    let lifetime = ground.claims["exp"].as_i64().unwrap() - ground.claims["iat"].as_i64().unwrap();
    ground.api.state.services.clock.advance(TimeDelta::seconds(lifetime + 20));
    ground.api.get("/api/auth/me").by(&ground.user).send().await.data(200);
    ground.api.state.services.clock.advance(TimeDelta::seconds(20));
    ground.api.get("/api/auth/me").by(&ground.user).send().await.error(401, "token_expired");
}
