//! Second factors: setting one up, signing in with it, and what does not count.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::permissions::SystemRole;
use jobs::security::totp::TotpSecret;
use schema::{
    people::challenges,
    tables::{audit_log, login_challenges, mfa_recovery_codes, roles, security_events, users},
};
use serde_json::{Value, json};
use tests::http::{Answer, PASSWORD, TestApi, TestUser};

/// Somebody with an authenticator app.
struct Enrolled {
    user: TestUser,
    recovery_codes: Vec<String>,
}

async fn enroll(api: &TestApi, user: &TestUser) -> Answer {
    api.post("/api/auth/mfa/enroll").by(user).json(&json!({})).send().await
}

async fn activate(api: &TestApi, user: &TestUser, code: &str) -> Answer {
    api.post("/api/auth/mfa/activate").by(user).json(&json!({"code": code})).send().await
}

async fn enrolled(api: &TestApi) -> Enrolled {
    let user = api.user(SystemRole::Agent).await;
    enroll(api, &user).await.data(200);
    let codes = activate(api, &user, &code(api, &user, 0).await).await.data(200);
    // the code of the activation has been used
    api.state.services.clock.advance(TimeDelta::seconds(30));
    Enrolled { user, recovery_codes: texts(&codes["recoveryCodes"]) }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

async fn sealed(api: &TestApi, user: &TestUser) -> String {
    let secret = users::table.find(user.id.0).select(users::mfa_secret);
    secret.first::<Option<String>>(&mut *api.connection().await).await.unwrap().unwrap()
}

fn now(api: &TestApi) -> DateTime<Utc> {
    api.state.services.clock.now()
}

/// What the app shows, that many steps from now.
async fn code(api: &TestApi, user: &TestUser, steps: i32) -> String {
    let ring = &api.state.services.security.key_ring;
    let secret = TotpSecret::open(ring, user.id.0, &sealed(api, user).await).unwrap();
    secret.code(now(api) + TimeDelta::seconds(30) * steps)
}

fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

async fn challenge(api: &TestApi, user: &TestUser) -> String {
    let login = api.post("/api/auth/login").json(&json!({"email": user.email, "password": PASSWORD})).send().await;
    let challenged = login.data(202);
    assert_eq!((&challenged["mfaRequired"], &challenged["expiresIn"]), (&json!(true), &json!(300)));
    assert!(challenged["token"].is_null() && login.header("set-cookie").is_empty());
    challenged["challenge"].as_str().unwrap().to_owned()
}

async fn verify(api: &TestApi, challenge: &str, code: &str) -> Answer {
    api.post("/api/auth/mfa/verify").json(&json!({"challenge": challenge, "code": code})).send().await
}

async fn recover(api: &TestApi, challenge: &str, code: &str) -> Answer {
    api.post("/api/auth/mfa/verify").json(&json!({"challenge": challenge, "recoveryCode": code})).send().await
}

async fn confirm(api: &TestApi, token: &str, body: &Value) -> Answer {
    api.post("/api/auth/confirm").bearer(token).json(body).send().await
}

async fn new_codes(api: &TestApi, token: &str) -> Answer {
    api.post("/api/auth/mfa/recovery-codes").bearer(token).send().await
}

async fn actions(api: &TestApi, user: &TestUser) -> Vec<String> {
    let listed = audit_log::table.filter(audit_log::entity_id.eq(user.id.0).and(audit_log::entity_type.eq("user")));
    let listed = listed.order(audit_log::id).select(audit_log::action);
    listed.load(&mut *api.connection().await).await.unwrap()
}

async fn events(api: &TestApi, user: &TestUser) -> Vec<String> {
    let listed = security_events::table.filter(security_events::user_id.eq(user.id.0));
    let listed = listed.order(security_events::id).select(security_events::kind);
    listed.load(&mut *api.connection().await).await.unwrap()
}

#[tokio::test]
async fn an_app_is_set_up_and_asked_for_from_then_on() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let enrolment = enroll(&api, &user).await.data(200);
    let (secret, svg) = (enrolment["secret"].as_str().unwrap(), enrolment["qrSvg"].as_str().unwrap());
    let account = user.email.replace('@', "%40");
    let uri = format!(
        "otpauth://totp/Intelipro%20Renewals:{account}?secret={secret}&issuer=Intelipro%20Renewals&algorithm=SHA1&digits=6&period=30"
    );
    assert_eq!((secret.len(), enrolment["otpauthUri"].as_str().unwrap()), (32, uri.as_str()));
    let mut xml = quick_xml::Reader::from_str(svg);
    let mut paths = 0;
    loop {
        match xml.read_event().unwrap() {
            quick_xml::events::Event::Empty(element) if element.name().as_ref() == "path" => paths += 1,
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert!(svg.contains("<svg") && paths > 0, "{svg}");
    // sealed in the table, and not asked for before it is activated
    let kept = sealed(&api, &user).await;
    assert!(kept.starts_with("v1.") && !kept.contains(secret), "{kept}");
    let login = json!({"email": user.email, "password": PASSWORD});
    api.post("/api/auth/login").json(&login).send().await.data(200);
    let right = code(&api, &user, 0).await;
    activate(&api, &user, &wrong(&right)).await.error(403, "wrong_code");
    let codes = texts(&activate(&api, &user, &right).await.data(200)["recoveryCodes"]);
    assert_eq!(codes.len(), 10);
    let hashes: Vec<Vec<u8>> = mfa_recovery_codes::table
        .select(mfa_recovery_codes::code_hash)
        .load(&mut *api.connection().await)
        .await
        .unwrap();
    assert!(codes.iter().all(|code| hashes.iter().all(|hash| hash.as_slice() != code.as_bytes())));
    let me = api.get("/api/auth/me").by(&user).send().await.data(200);
    assert_eq!(me["mfaEnabled"], true);
    activate(&api, &user, &right).await.error(409, "mfa_enabled_already");
    enroll(&api, &user).await.error(409, "mfa_enabled_already");
    api.state.services.clock.advance(TimeDelta::seconds(30));
    let session = verify(&api, &challenge(&api, &user).await, &code(&api, &user, 0).await).await.data(200);
    let me = api.get("/api/auth/me").bearer(session["token"].as_str().unwrap()).send().await.data(200);
    assert_eq!(me["email"], user.email);
    assert_eq!(actions(&api, &user).await, ["mfa.enrolment_begun", "mfa.enabled"]);
    let expected = ["new_device", "sign_in_failed", "mfa_enabled", "new_device"];
    let got = events(&api, &user).await;
    assert!(got[1..] == expected[1..], "{got:?}");
}

#[tokio::test]
async fn setting_up_takes_the_password_or_a_recent_sign_in() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    activate(&api, &user, "123456").await.error(409, "mfa_not_enrolled");
    api.state.services.clock.advance(TimeDelta::minutes(11));
    enroll(&api, &user).await.error(403, "step_up_required");
    let with = async |password: &str| {
        api.post("/api/auth/mfa/enroll").by(&user).json(&json!({"password": password})).send().await
    };
    with("wrong").await.error(403, "wrong_password");
    with(PASSWORD).await.data(200);
    api.post("/api/auth/mfa/enroll").json(&json!({"password": PASSWORD})).send().await.error(401, "missing_token");
}

#[tokio::test]
async fn a_code_counts_once_and_near_its_time_only() {
    let api = TestApi::new().await;
    let Enrolled { user, .. } = enrolled(&api).await;
    let first = challenge(&api, &user).await;
    let right = code(&api, &user, 0).await;
    verify(&api, &first, &wrong(&right)).await.error(401, "wrong_code");
    for steps in [-2, 2] {
        verify(&api, &first, &code(&api, &user, steps).await).await.error(401, "wrong_code");
    }
    verify(&api, &first, &right).await.data(200);
    // the challenge is gone, and with another one the code does not count again, nor an older one
    verify(&api, &first, &right).await.error(401, "challenge_over");
    let second = challenge(&api, &user).await;
    verify(&api, &second, &right).await.error(401, "wrong_code");
    verify(&api, &second, &code(&api, &user, -1).await).await.error(401, "wrong_code");
    // a phone's clock may be half a minute ahead
    verify(&api, &second, &code(&api, &user, 1).await).await.data(200);
}

#[tokio::test]
async fn of_two_who_show_one_code_at_once_one_comes_in() {
    let api = TestApi::new().await;
    let Enrolled { user, recovery_codes } = enrolled(&api).await;
    let (first, second) = (challenge(&api, &user).await, challenge(&api, &user).await);
    let right = code(&api, &user, 0).await;
    let (one, two) = tokio::join!(verify(&api, &first, &right), verify(&api, &second, &right));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    let (first, second) = (challenge(&api, &user).await, challenge(&api, &user).await);
    let recovery = &recovery_codes[0];
    let (one, two) = tokio::join!(recover(&api, &first, recovery), recover(&api, &second, recovery));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn a_recovery_code_counts_once() {
    let api = TestApi::new().await;
    let Enrolled { user, recovery_codes } = enrolled(&api).await;
    let typed = recovery_codes[3].to_lowercase().replace('-', " ");
    let session = recover(&api, &challenge(&api, &user).await, &typed).await.data(200);
    let next = challenge(&api, &user).await;
    recover(&api, &next, &recovery_codes[3]).await.error(401, "wrong_code");
    // new ones make the old ones void
    let made = texts(&new_codes(&api, session["token"].as_str().unwrap()).await.data(200)["recoveryCodes"]);
    recover(&api, &next, &recovery_codes[4]).await.error(401, "wrong_code");
    recover(&api, &next, &made[4]).await.data(200);
    assert!(actions(&api, &user).await.contains(&"mfa.recovery_codes_made".to_owned()));
    assert!(events(&api, &user).await.contains(&"recovery_code_used".to_owned()));
}

#[tokio::test]
async fn a_challenge_is_for_one_person_five_attempts_and_five_minutes() {
    let api = TestApi::new().await;
    let Enrolled { user, .. } = enrolled(&api).await;
    let other = enrolled(&api).await;
    let theirs = challenge(&api, &other.user).await;
    verify(&api, &theirs, &code(&api, &user, 0).await).await.error(401, "wrong_code");
    verify(&api, "rnc_nonsense", &code(&api, &user, 0).await).await.error(401, "challenge_over");
    let late = challenge(&api, &user).await;
    api.state.services.clock.advance(TimeDelta::minutes(5));
    verify(&api, &late, &code(&api, &user, 0).await).await.error(401, "challenge_over");
    let tried = challenge(&api, &user).await;
    let right = code(&api, &user, 0).await;
    let most = login_challenges::table.filter(login_challenges::user_id.eq(user.id.0));
    diesel::update(most)
        .set(login_challenges::attempts.eq(challenges::MOST_ATTEMPTS - 1))
        .execute(&mut *api.connection().await)
        .await
        .unwrap();
    verify(&api, &tried, &wrong(&right)).await.error(401, "wrong_code");
    verify(&api, &tried, &right).await.error(401, "challenge_over");
    let both = json!({"challenge": tried, "code": "1", "recoveryCode": "2"});
    api.post("/api/auth/mfa/verify").json(&both).send().await.error(400, "validation_failed");
}

#[tokio::test]
async fn signing_in_again_does_not_make_guessing_codes_free() {
    let api = TestApi::new().await;
    let Enrolled { user, .. } = enrolled(&api).await;
    let guess = wrong(&code(&api, &user, 0).await);
    for _ in 0..5 {
        let challenge = challenge(&api, &user).await;
        verify(&api, &challenge, &guess).await.error(401, "wrong_code");
    }
    let next = challenge(&api, &user).await;
    let slowed = verify(&api, &next, &code(&api, &user, 0).await).await;
    slowed.error(429, "too_many_attempts");
    assert!(slowed.header("retry-after").parse::<u32>().is_ok());
    api.state.attempts.unlock(&user.email).await.unwrap();
    verify(&api, &next, &code(&api, &user, 0).await).await.data(200);
}

#[tokio::test]
async fn what_is_dangerous_takes_a_recent_proof() {
    let api = TestApi::new().await;
    let Enrolled { user, .. } = enrolled(&api).await;
    new_codes(&api, &user.token).await.data(200);
    api.state.services.clock.advance(TimeDelta::minutes(11));
    let refused = new_codes(&api, &user.token).await.error(403, "step_up_required");
    assert_eq!(refused["details"]["means"], "code");
    // with a second factor the password does not count any more
    confirm(&api, &user.token, &json!({"password": PASSWORD})).await.error(400, "validation_failed");
    let right = code(&api, &user, 0).await;
    confirm(&api, &user.token, &json!({"code": wrong(&right)})).await.error(403, "wrong_code");
    new_codes(&api, &user.token).await.error(403, "step_up_required");
    assert_eq!(confirm(&api, &user.token, &json!({"code": right})).await.data(200)["expiresIn"], 600);
    confirm(&api, &user.token, &json!({"code": right})).await.error(403, "wrong_code");
    new_codes(&api, &user.token).await.data(200);
    assert!(events(&api, &user).await.contains(&"confirmed".to_owned()));

    let plain = api.user(SystemRole::Agent).await;
    new_codes(&api, &plain.token).await.error(409, "mfa_not_enabled");
    api.state.services.clock.advance(TimeDelta::minutes(11));
    let refused = new_codes(&api, &plain.token).await.error(403, "step_up_required");
    assert_eq!(refused["details"]["means"], "password");
    confirm(&api, &plain.token, &json!({"password": "wrong"})).await.error(403, "wrong_password");
    confirm(&api, &plain.token, &json!({})).await.error(400, "validation_failed");
    confirm(&api, &plain.token, &json!({"password": PASSWORD})).await.data(200);
    new_codes(&api, &plain.token).await.error(409, "mfa_not_enabled");
}

#[tokio::test]
async fn taking_it_away_is_confirmed_and_the_sign_in_asks_no_more() {
    let api = TestApi::new().await;
    let Enrolled { user, recovery_codes } = enrolled(&api).await;
    let disable = async || api.post("/api/auth/mfa/disable").by(&user).send().await;
    api.state.services.clock.advance(TimeDelta::minutes(11));
    disable().await.error(403, "step_up_required");
    confirm(&api, &user.token, &json!({"code": code(&api, &user, 0).await})).await.data(200);
    let pending = challenge(&api, &user).await;
    assert_eq!(disable().await.data(200)["mfaEnabled"], false);
    disable().await.error(409, "mfa_not_enabled");
    recover(&api, &pending, &recovery_codes[0]).await.error(401, "wrong_code");
    let login = json!({"email": user.email, "password": PASSWORD});
    api.post("/api/auth/login").json(&login).send().await.data(200);
    let kept = users::table.find(user.id.0).select((users::mfa_secret, users::mfa_last_step));
    let kept: (Option<String>, Option<i64>) = kept.first(&mut *api.connection().await).await.unwrap();
    assert_eq!(kept, (None, None));
    assert_eq!(actions(&api, &user).await.last().unwrap(), "mfa.disabled");
}

#[tokio::test]
async fn a_role_may_take_a_second_factor() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::CampaignManager).await;
    let role = roles::table.filter(roles::name.eq(SystemRole::CampaignManager.as_str()));
    diesel::update(role).set(roles::requires_mfa.eq(true)).execute(&mut *api.connection().await).await.unwrap();
    let templates = async |token: &str| api.get("/api/templates").bearer(token).send().await;
    templates(&user.token).await.error(403, "mfa_required");
    let me = api.get("/api/auth/me").by(&user).send().await.data(200);
    assert_eq!((&me["mfaRequired"], &me["mfaEnabled"]), (&json!(true), &json!(false)));
    enroll(&api, &user).await.data(200);
    activate(&api, &user, &code(&api, &user, 0).await).await.data(200);
    templates(&user.token).await.data(200);
    api.post("/api/auth/mfa/disable").by(&user).send().await.error(409, "mfa_required_by_role");
    // a session that was opened before owes it still, and another sign-in shows it
    templates(&api.session(user.id).await).await.error(403, "mfa_required");
    api.state.services.clock.advance(TimeDelta::seconds(30));
    let session = verify(&api, &challenge(&api, &user).await, &code(&api, &user, 0).await).await.data(200);
    assert_eq!(session["user"]["mfaRequired"], false);
    templates(session["token"].as_str().unwrap()).await.data(200);
}

#[tokio::test]
async fn browsers_keep_what_they_get_in_a_cookie() {
    let api = TestApi::new().await;
    let Enrolled { user, .. } = enrolled(&api).await;
    let body = json!({"challenge": challenge(&api, &user).await, "code": code(&api, &user, 0).await, "cookie": true});
    let answer = api.post("/api/auth/mfa/verify").json(&body).send().await;
    let session = answer.data(200);
    assert!(session["refreshToken"].is_null() && session["csrfToken"].is_string(), "{session}");
    assert!(answer.header("set-cookie").contains("renewals_refresh="));
}
