//! Guessing passwords is slow from everywhere, and keeps nobody out of their own devices.

use domain::permissions::SystemRole;
use serde_json::{Value, json};
use tests::http::{Answer, PASSWORD, TestApi, TestUser};

async fn attempt(api: &TestApi, email: &str, password: &str, address: &str, device: Option<&Value>) -> Answer {
    let body = json!({"email": email, "password": password, "deviceToken": device});
    api.post("/api/auth/login").from(address).json(&body).send().await
}

/// Fails from ever other addresses until strangers have to wait.
async fn attack(api: &TestApi, user: &TestUser) -> u32 {
    for number in 0..100_u32 {
        let address = format!("198.51.100.{number}");
        let answer = attempt(api, &user.email, "guess", &address, None).await;
        if answer.status == 429 {
            answer.error(429, "too_many_attempts");
            return number;
        }
        answer.error(401, "invalid_credentials");
    }
    panic!("a hundred addresses were let through");
}

#[tokio::test]
async fn an_attacker_closes_an_account_to_strangers_and_not_to_its_holders_devices() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let session = attempt(&api, &user.email, PASSWORD, "203.0.113.7", None).await.data(200);
    let device = &session["deviceToken"];
    assert_eq!(attack(&api, &user).await, 50);
    attempt(&api, &user.email, PASSWORD, "203.0.113.8", None).await.error(429, "too_many_attempts");
    let own = attempt(&api, &user.email, PASSWORD, "203.0.113.7", Some(device)).await.data(200);
    assert_eq!(own["deviceToken"], Value::Null, "the device is known");
    let kinds = kinds(&api, &user).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "locked").count(), 1, "{kinds:?}");
}

#[tokio::test]
async fn a_device_token_of_somebody_else_or_made_up_opens_nothing() {
    let api = TestApi::new().await;
    let (user, attacker) = (api.user(SystemRole::Agent).await, api.user(SystemRole::Agent).await);
    let session = attempt(&api, &attacker.email, PASSWORD, "203.0.113.7", None).await.data(200);
    attack(&api, &user).await;
    for device in [&session["deviceToken"], &json!("rnd_made-up")] {
        attempt(&api, &user.email, PASSWORD, "203.0.113.9", Some(device)).await.error(429, "too_many_attempts");
    }
}

#[tokio::test]
async fn a_known_device_cannot_guess_for_ever_either() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let session = attempt(&api, &user.email, PASSWORD, "203.0.113.7", None).await.data(200);
    let device = &session["deviceToken"];
    for _ in 0..5 {
        attempt(&api, &user.email, "guess", "203.0.113.7", Some(device)).await.error(401, "invalid_credentials");
    }
    attempt(&api, &user.email, PASSWORD, "203.0.113.7", Some(device)).await.error(429, "too_many_attempts");
    // the holder's other ways in are not closed by it
    attempt(&api, &user.email, PASSWORD, "203.0.113.8", None).await.data(200);
}

#[tokio::test]
async fn one_address_cannot_try_a_password_on_every_account() {
    let api = TestApi::new().await;
    let own = api.user(SystemRole::Agent).await;
    for number in 0..100 {
        if number % 25 == 24 {
            // signing in to an account of one's own does not make the others free
            attempt(&api, &own.email, PASSWORD, "203.0.113.7", None).await.data(200);
        }
        let email = format!("nobody{number}@example.com");
        attempt(&api, &email, "Summer2026!", "203.0.113.7", None).await.error(401, "invalid_credentials");
    }
    let next = attempt(&api, "another@example.com", "Summer2026!", "203.0.113.7", None).await;
    next.error(429, "too_many_attempts");
    attempt(&api, &own.email, PASSWORD, "203.0.113.8", None).await.data(200);
}

#[tokio::test]
async fn an_address_that_a_stranger_made_up_does_not_count() {
    let api = TestApi::with(&[("TRUSTED_PROXIES", "10.0.0.0/8")]).await;
    let user = api.user(SystemRole::Agent).await;
    let forged = async |number: u32, peer: &str| {
        let body = json!({"email": user.email, "password": "guess"});
        let call = api.post("/api/auth/login").from(peer).header("x-forwarded-for", &format!("192.0.2.{number}"));
        call.json(&body).send().await.status.as_u16()
    };
    let mut statuses = Vec::new();
    for number in 0..6 {
        statuses.push(forged(number, "203.0.113.7").await);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429], "each forged address counted as the peer's");
    assert_eq!(forged(6, "10.0.0.1").await, 401, "a trusted proxy's word is taken");
}

/// What happened to the account, the newest first.
async fn kinds(api: &TestApi, user: &TestUser) -> Vec<String> {
    let mut connection = api.connection().await;
    let events = schema::people::security_events::of_user(&mut connection, user.id, None, 1000).await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

#[tokio::test]
async fn a_device_that_was_never_seen_is_noted() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let first = attempt(&api, &user.email, PASSWORD, "203.0.113.7", None).await.data(200);
    attempt(&api, &user.email, PASSWORD, "203.0.113.7", Some(&first["deviceToken"])).await.data(200);
    attempt(&api, &user.email, PASSWORD, "203.0.113.9", None).await.data(200);
    assert_eq!(kinds(&api, &user).await, ["new_device", "signed_in", "signed_in"]);
}
