//! Coming in for the first time: invitations and open registration; and what people are told of strange sign-ins.

use domain::{permissions::SystemRole, sign_in::AccountMail};
use jobs::{NewJob, kinds::send_account_mail::SendAccountMail};
use schema::people::{
    joining::{self, Applicant},
    roles,
};
use serde_json::{Value, json};
use tests::{
    diesel_schema::connect,
    http::{Answer, PASSWORD, TestApi},
    mail,
};

const CHOSEN: &str = "lamp otter violin 48 gravel";

/// The token of an invitation to that address.
async fn invited(api: &TestApi, email: &str) -> String {
    let mut connection = api.connection().await;
    let role = roles::by_name(&mut connection, SystemRole::Agent.as_str()).await.unwrap().unwrap();
    let who = Applicant { email, first_name: "Asha", last_name: "Rao", role };
    let user_id = joining::apply(&mut connection, &who).await.unwrap().unwrap();
    drop(connection);
    let mail = SendAccountMail { user_id, purpose: AccountMail::Invitation, event_id: None };
    api.state.services.enqueue_now(&[NewJob::of(&mail).unwrap()]).await.unwrap();
    mail::deliver(api).await.remove(0).token()
}

async fn register(api: &TestApi, body: &Value) -> Answer {
    api.post("/api/auth/register").json(body).send().await
}

#[tokio::test]
async fn an_invitation_is_answered_once_with_a_password_and_lets_in() {
    let api = TestApi::new().await;
    let token = invited(&api, "asha.rao@example.com").await;
    let login = async || {
        let body = json!({"email": "asha.rao@example.com", "password": CHOSEN});
        api.post("/api/auth/login").json(&body).send().await
    };
    login().await.error(401, "invalid_credentials");
    let accept = async |body: Value| api.post("/api/auth/invitation/accept").json(&body).send().await;
    let weak = accept(json!({"token": token, "password": "asharao12345"})).await.error(400, "validation_failed");
    assert_eq!(weak["details"]["fields"][0]["field"], "password");
    let session = accept(json!({"token": token, "password": CHOSEN, "lastName": "Rao-Iyer"})).await.data(200);
    let user = &session["user"];
    assert_eq!(
        (&user["role"], &user["firstName"], &user["lastName"]),
        (&json!("agent"), &json!("Asha"), &json!("Rao-Iyer"))
    );
    api.get("/api/auth/me").bearer(session["token"].as_str().unwrap()).send().await.data(200);
    accept(json!({"token": token, "password": CHOSEN})).await.error(422, "link_expired");
    login().await.data(200);
    let told = "SELECT count(*) FROM audit_log WHERE action = 'user.invitation_accepted' AND actor_id = entity_id";
    assert_eq!(connect(api.base.database.url()).await.query_one(told, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn registering_takes_an_invitation_unless_the_platform_is_open() {
    let api = TestApi::new().await;
    let asked = json!({"email": "new@example.com", "firstName": "N", "lastName": "W"});
    register(&api, &asked).await.error(403, "registration_closed");
    let token = invited(&api, "asha.rao@example.com").await;
    register(&api, &json!({"token": token})).await.error(400, "validation_failed");
    let session = register(&api, &json!({"token": token, "password": CHOSEN})).await.data(200);
    assert_eq!(session["user"]["email"], "asha.rao@example.com");
}

#[tokio::test]
async fn an_open_platform_proves_the_address_first_and_tells_nobody_whether_it_has_an_account() {
    let api = TestApi::with(&[("OPEN_REGISTRATION", "true")]).await;
    let taken = api.user(SystemRole::Administrator).await;
    let ask = |email: &str| json!({"email": email, "firstName": "Asha", "lastName": "Rao", "role": "administrator"});
    let new = register(&api, &ask("New@Example.com")).await.data(202);
    let other = register(&api, &ask(&taken.email)).await.data(202);
    assert_eq!(new, other);
    for wrong in [
        json!({"email": "new@example.com", "firstName": "A", "lastName": "B", "password": CHOSEN}),
        json!({"email": "nonsense", "firstName": "A", "lastName": "B"}),
        json!({"email": "new@example.com", "firstName": " ", "lastName": "B"}),
        json!({}),
    ] {
        register(&api, &wrong).await.error(400, "validation_failed");
    }
    let mut mails = mail::deliver(&api).await;
    mails.sort_by(|a, b| a.to.cmp(&b.to));
    let [invitation, notice] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((invitation.to.as_str(), notice.to.as_str()), ("new@example.com", taken.email.as_str()));
    assert_eq!(notice.subject, "You have an account already");
    let answer = json!({"token": invitation.token(), "password": CHOSEN});
    let session = api.post("/api/auth/invitation/accept").json(&answer).send().await.data(200);
    assert_eq!(session["user"]["role"], "read_only", "nobody chooses their own role");
    let told = "SELECT action::TEXT FROM audit_log WHERE action LIKE 'user.registered%' ORDER BY id";
    let rows = connect(api.base.database.url()).await.query(told, &[]).await.unwrap();
    let told: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(told, ["user.registered", "user.registered_again"]);
}

#[tokio::test]
async fn people_are_told_of_new_devices_and_copied_tokens() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let login = json!({"email": user.email, "password": PASSWORD});
    let sign_in = async || api.post("/api/auth/login").json(&login).send().await.data(200);
    let first = sign_in().await;
    assert!(mail::deliver(&api).await.is_empty(), "the first device is nothing to warn of");
    sign_in().await;
    let refresh = json!({"refreshToken": first["refreshToken"]});
    api.post("/api/auth/refresh").json(&refresh).send().await.data(200);
    api.post("/api/auth/refresh").json(&refresh).send().await.error(401, "token_reused");
    let mut subjects: Vec<String> = mail::deliver(&api).await.into_iter().map(|mail| mail.subject).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["A session of yours was ended", "New sign-in to your account"]);
}
