//! Looking after people: inviting, changing, suspending, and who may do it to whom.

use chrono::TimeDelta;
use domain::{
    ids::UserId,
    permissions::{Permission, Scope, SystemRole},
};
use poem::http::Method;
use serde_json::{Value, json};
use tests::{
    http::{Answer, PASSWORD, TestApi, TestUser},
    people::{audited, branch, events, holder, role},
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";

async fn invite(api: &TestApi, by: &TestUser, email: &str, role: &str) -> Answer {
    let body = json!({"email": email, "firstName": "Asha", "lastName": "Rao", "role": role});
    api.post("/api/users").by(by).json(&body).send().await
}

async fn patch(api: &TestApi, by: &TestUser, path: &str, body: Value) -> Answer {
    api.call(Method::PATCH, path).by(by).json(&body).send().await
}

async fn set_role(api: &TestApi, by: &TestUser, user: UserId, role: &str) -> Answer {
    api.put(&format!("/api/users/{user}/role")).by(by).json(&json!({"role": role})).send().await
}

async fn post(api: &TestApi, by: &TestUser, user: UserId, action: &str) -> Answer {
    api.post(&format!("/api/users/{user}/{action}")).by(by).send().await
}

fn id(user: &Value) -> UserId {
    user["id"].as_str().unwrap().parse().unwrap()
}

/// Somebody who looks after people and may do little else.
async fn keeper(api: &TestApi) -> TestUser {
    let permissions = [Permission::UsersView, Permission::UsersManage, Permission::CasesView];
    role(api, "keeper", &permissions, Scope::All).await;
    role(api, "looker", &[Permission::CasesView], Scope::All).await;
    holder(api, "keeper", None).await
}

#[tokio::test]
async fn somebody_is_invited_found_and_changed() {
    let api = TestApi::new().await;
    let admin = api.user(SystemRole::Administrator).await;
    let office = branch(&api, "BLR").await;
    let body = json!({
        "email": " Asha.Rao@Example.com ", "firstName": "Asha", "lastName": "Rao", "role": "agent",
        "phone": "98765 43210", "department": "Renewals", "branchId": office,
    });
    let made = api.post("/api/users").by(&admin).json(&body).send().await.data(201);
    assert_eq!((&made["email"], &made["status"]), (&json!("asha.rao@example.com"), &json!("invited")));
    assert_eq!((&made["phone"], &made["role"]), (&json!("+919876543210"), &json!("agent")));
    assert_eq!(api.get(&format!("/api/users/{}", id(&made))).by(&admin).send().await.data(200), made);
    let found = async |query: &str| {
        let found = api.get(&format!("/api/users?{query}")).by(&admin).send().await.data(200);
        found["users"].as_array().unwrap().iter().map(|user| user["id"].clone()).collect::<Vec<_>>()
    };
    let queries = [
        "search=ASHA.r",
        "search=asha%20ra",
        "search=rao",
        "status=invited",
        "role=agent",
        "sort=-lastLogin&role=agent",
    ];
    for query in queries {
        assert_eq!(found(query).await, [made["id"].clone()], "{query}");
    }
    assert_eq!(found(&format!("department=Renewals&branchId={office}&sort=name")).await, [made["id"].clone()]);
    assert_eq!(found("search=ash%25").await, Vec::<Value>::new());
    let departments = api.get("/api/users/departments").by(&admin).send().await.data(200);
    assert_eq!(departments, json!({"departments": [{"name": "Renewals", "users": 1}]}));
    let path = format!("/api/users/{}", id(&made));
    let change = json!({"lastName": "Iyer", "department": null, "jobTitle": "Agent"});
    let changed = patch(&api, &admin, &path, change).await.data(200);
    assert_eq!((&changed["lastName"], &changed["department"]), (&json!("Iyer"), &Value::Null));
    assert_eq!((&changed["jobTitle"], &changed["firstName"]), (&json!("Agent"), &json!("Asha")));
    post(&api, &admin, id(&made), "invite").await.data(200);
    let client = tests::diesel_schema::connect(api.base.database.url()).await;
    let asked = "SELECT count(*) FROM jobs WHERE kind = 'send_account_mail' \
        AND payload = jsonb_build_object('userId', $1::text, 'purpose', 'invitation')";
    let mails: i64 = client.query_one(asked, &[&id(&made).to_string()]).await.unwrap().get(0);
    assert_eq!(mails, 1, "one that is still to be sent is as good as two");
    let actions = audited(&api, "user", id(&made).0).await;
    assert_eq!(actions, ["user.invited", "user.changed", "user.invited_again"]);
    post(&api, &admin, admin.id, "invite").await.error(409, "not_invited");
}

#[tokio::test]
async fn an_invitation_with_faults_is_told_all_of_them() {
    let api = TestApi::new().await;
    let admin = api.user(SystemRole::Administrator).await;
    let body = json!({"email": "nobody", "firstName": " ", "lastName": "a\nb", "role": "agent", "phone": "12"});
    let refused = api.post("/api/users").by(&admin).json(&body).send().await.error(400, "validation_failed");
    let fields: Vec<_> =
        refused["details"]["fields"].as_array().unwrap().iter().map(|one| one["field"].clone()).collect();
    assert_eq!(fields, ["email", "firstName", "lastName", "phone"]);
    invite(&api, &admin, "a@example.com", "king").await.error(400, "validation_failed");
    invite(&api, &admin, &admin.email.to_uppercase(), "agent").await.error(409, "email_taken");
    let manager = api.user(SystemRole::OperationsManager).await;
    invite(&api, &manager, "b@example.com", "agent").await.error(403, "permission_denied");
}

#[tokio::test]
async fn what_is_not_theirs_to_set_is_refused_by_name() {
    let api = TestApi::new().await;
    let agent = api.user(SystemRole::Agent).await;
    let admin = api.user(SystemRole::Administrator).await;
    for field in ["role", "branchId", "status", "email", "department", "permissions", "mfaEnabled", "passwordHash"] {
        let refused = patch(&api, &agent, "/api/auth/me", json!({"firstName": "New", field: "administrator"})).await;
        assert_eq!(refused.error(400, "validation_failed")["details"]["fields"][0]["field"], field);
    }
    for field in ["role", "status", "email", "passwordHash"] {
        let path = format!("/api/users/{}", agent.id);
        let refused = patch(&api, &admin, &path, json!({"firstName": "New", field: "administrator"})).await;
        assert_eq!(refused.error(400, "validation_failed")["details"]["fields"][0]["field"], field);
    }
    let body =
        json!({"email": "a@example.com", "firstName": "A", "lastName": "B", "role": "agent", "status": "active"});
    api.post("/api/users").by(&admin).json(&body).send().await.error(400, "validation_failed");
    let me = api.get("/api/auth/me").by(&agent).send().await.data(200);
    assert_eq!((&me["role"], &me["firstName"]), (&json!("agent"), &json!("Test")));
    let change = json!({"firstName": "Mira", "jobTitle": "Agent", "phone": null});
    let changed = patch(&api, &agent, "/api/auth/me", change).await.data(200);
    assert_eq!(
        (&changed["firstName"], &changed["jobTitle"], &changed["role"]),
        (&json!("Mira"), &json!("Agent"), &json!("agent"))
    );
    assert_eq!(api.get("/api/auth/me").by(&agent).send().await.data(200)["firstName"], "Mira");
    assert_eq!(audited(&api, "user", agent.id.0).await, ["user.changed"]);
}

#[tokio::test]
async fn nobody_gives_more_than_they_hold_or_touches_who_holds_more() {
    let api = TestApi::new().await;
    let keeper = keeper(&api).await;
    let refused = invite(&api, &keeper, "a@example.com", "agent").await.error(403, "not_held");
    assert!(refused["details"]["permissions"].as_array().unwrap().contains(&json!("customers.view")), "{refused}");
    let made = invite(&api, &keeper, "a@example.com", "looker").await.data(201);
    set_role(&api, &keeper, id(&made), "administrator").await.error(403, "not_held");
    set_role(&api, &keeper, id(&made), "keeper").await.data(200);
    let admin = api.user(SystemRole::Administrator).await;
    for action in ["suspend", "unlock", "sessions/end", "mfa/disable", "activate", "invite"] {
        post(&api, &keeper, admin.id, action).await.error(403, "holds_more");
    }
    set_role(&api, &keeper, admin.id, "looker").await.error(403, "holds_more");
    patch(&api, &keeper, &format!("/api/users/{}", admin.id), json!({"lastName": "X"})).await.error(403, "holds_more");
    let picture = api.put(&format!("/api/users/{}/avatar", admin.id)).by(&keeper).body("image/png", PNG).send().await;
    picture.error(403, "holds_more");
}

#[tokio::test]
async fn whoever_sees_a_branch_looks_after_that_branch_only() {
    let api = TestApi::new().await;
    let permissions = [Permission::UsersView, Permission::UsersManage];
    role(&api, "branch_keeper", &permissions, Scope::Branch).await;
    role(&api, "wide", &[Permission::UsersView], Scope::All).await;
    role(&api, "narrow", &[Permission::UsersView], Scope::Branch).await;
    let (here, there) = (branch(&api, "HERE").await, branch(&api, "THERE").await);
    let keeper = holder(&api, "branch_keeper", Some(here)).await;
    let stranger = holder(&api, "narrow", Some(there)).await;
    let listed = api.get("/api/users").by(&keeper).send().await.data(200);
    assert_eq!(listed["pagination"]["total"], 1);
    api.get(&format!("/api/users/{}", stranger.id)).by(&keeper).send().await.error(404, "not_found");
    post(&api, &keeper, stranger.id, "suspend").await.error(404, "not_found");
    invite(&api, &keeper, "a@example.com", "wide").await.error(403, "wider_scope");
    let made = invite(&api, &keeper, "a@example.com", "narrow").await.data(201);
    assert_eq!(made["branchId"], json!(here));
    let path = format!("/api/users/{}", id(&made));
    patch(&api, &keeper, &path, json!({"branchId": there})).await.error(403, "other_branch");
    patch(&api, &keeper, &path, json!({"branchId": null})).await.error(403, "other_branch");
}

#[tokio::test]
async fn nobody_suspends_or_demotes_themself() {
    let api = TestApi::new().await;
    let admin = api.user(SystemRole::Administrator).await;
    let _second = api.user(SystemRole::Administrator).await;
    post(&api, &admin, admin.id, "suspend").await.error(403, "own_account");
    post(&api, &admin, admin.id, "mfa/disable").await.error(403, "own_account");
    set_role(&api, &admin, admin.id, "agent").await.error(403, "own_account");
}

#[tokio::test]
async fn another_role_and_a_suspension_work_at_once() {
    let api = TestApi::new().await;
    let (admin, agent) = (api.user(SystemRole::Administrator).await, api.user(SystemRole::Agent).await);
    let works = async |token: &str| api.get("/api/auth/me").bearer(token).send().await;
    works(&agent.token).await.data(200);
    let changed = set_role(&api, &admin, agent.id, "analyst").await.data(200);
    assert_eq!(changed["role"], "analyst");
    api.state.services.clock.advance(TimeDelta::seconds(1));
    works(&agent.token).await.error(401, "session_ended");
    let again = api.session(agent.id).await;
    works(&again).await.data(200);
    assert_eq!(post(&api, &admin, agent.id, "suspend").await.data(200)["status"], "suspended");
    post(&api, &admin, agent.id, "suspend").await.error(409, "already_suspended");
    api.state.services.clock.advance(TimeDelta::seconds(1));
    works(&again).await.error(401, "session_ended");
    assert_eq!(post(&api, &admin, agent.id, "activate").await.data(200)["status"], "active");
    post(&api, &admin, agent.id, "activate").await.error(409, "already_active");
    let again = api.session(agent.id).await;
    works(&again).await.data(200);
    assert_eq!(post(&api, &admin, agent.id, "sessions/end").await.data(200), json!({"ended": 1}));
    api.state.services.clock.advance(TimeDelta::seconds(1));
    works(&again).await.error(401, "session_ended");
    let expected = ["user.role_changed", "user.suspended", "user.activated", "user.sessions_ended"];
    assert_eq!(audited(&api, "user", agent.id.0).await, expected);
    assert_eq!(events(&api, agent.id).await, ["sessions_ended"; 3]);
    let made = invite(&api, &admin, "new@example.com", "agent").await.data(201);
    post(&api, &admin, id(&made), "activate").await.error(409, "invited");
    post(&api, &admin, id(&made), "suspend").await.data(200);
    assert_eq!(post(&api, &admin, id(&made), "activate").await.data(200)["status"], "invited");
}

#[tokio::test]
async fn rights_take_a_recent_proof_of_presence() {
    let api = TestApi::new().await;
    let (admin, agent) = (api.user(SystemRole::Administrator).await, api.user(SystemRole::Agent).await);
    api.state.services.clock.advance(TimeDelta::minutes(11));
    set_role(&api, &admin, agent.id, "analyst").await.error(403, "step_up_required");
    post(&api, &admin, agent.id, "mfa/disable").await.error(403, "step_up_required");
}

#[tokio::test]
async fn who_is_locked_out_is_let_try_again() {
    let api = TestApi::new().await;
    let (admin, agent) = (api.user(SystemRole::Administrator).await, api.user(SystemRole::Agent).await);
    let login = async |password: &str| {
        let body = json!({"email": agent.email, "password": password});
        api.post("/api/auth/login").json(&body).send().await
    };
    for _ in 0..5 {
        login("wrong").await.error(401, "invalid_credentials");
    }
    login(PASSWORD).await.error(429, "too_many_attempts");
    post(&api, &admin, agent.id, "unlock").await.data(200);
    login(PASSWORD).await.data(200);
    assert!(events(&api, agent.id).await.contains(&"unlocked".to_owned()));
    assert_eq!(audited(&api, "user", agent.id.0).await, ["user.unlocked"]);
}

#[tokio::test]
async fn a_lost_second_factor_is_taken_away() {
    let api = TestApi::new().await;
    let (admin, agent) = (api.user(SystemRole::Administrator).await, api.user(SystemRole::Agent).await);
    post(&api, &admin, agent.id, "mfa/disable").await.error(409, "mfa_not_enabled");
    let client = tests::diesel_schema::connect(api.base.database.url()).await;
    let set = "UPDATE users SET mfa_enabled = TRUE, mfa_secret = 'sealed', mfa_last_step = 7 WHERE id = $1";
    client.execute(set, &[&agent.id.0]).await.unwrap();
    let code = "INSERT INTO mfa_recovery_codes (user_id, code_hash) VALUES ($1, sha256('x'))";
    client.execute(code, &[&agent.id.0]).await.unwrap();
    assert_eq!(post(&api, &admin, agent.id, "mfa/disable").await.data(200)["mfaEnabled"], false);
    let left = "SELECT mfa_secret IS NULL AND mfa_last_step IS NULL AND NOT mfa_enabled \
        AND NOT EXISTS (SELECT 1 FROM mfa_recovery_codes WHERE user_id = users.id) FROM users WHERE id = $1";
    assert!(client.query_one(left, &[&agent.id.0]).await.unwrap().get::<_, bool>(0));
    assert_eq!(events(&api, agent.id).await, ["mfa_disabled"]);
}

/// Two administrators who take each other away at the same moment: one stays.
#[tokio::test]
async fn the_last_administrator_stays_whoever_is_faster() {
    let api = TestApi::new().await;
    for round in 0..6 {
        let (one, two) = (api.user(SystemRole::Administrator).await, api.user(SystemRole::Administrator).await);
        let (first, second) = match round % 3 {
            0 => tokio::join!(post(&api, &one, two.id, "suspend"), post(&api, &two, one.id, "suspend")),
            1 => tokio::join!(set_role(&api, &one, two.id, "agent"), set_role(&api, &two, one.id, "agent")),
            _ => tokio::join!(post(&api, &one, two.id, "suspend"), set_role(&api, &two, one.id, "agent")),
        };
        let done = [&first, &second].iter().filter(|answer| answer.status.as_u16() == 200).count();
        assert_eq!(done, 1, "{first:?} {second:?}");
        let refused = if first.status.as_u16() == 200 { &second } else { &first };
        // whoever was taken away first may not be known any more
        assert!([401, 409].contains(&refused.status.as_u16()), "{refused:?}");
        let client = tests::diesel_schema::connect(api.base.database.url()).await;
        client.batch_execute("UPDATE users SET status = 'suspended'").await.unwrap();
    }
}

#[tokio::test]
async fn a_picture_is_kept_by_what_it_is() {
    let api = TestApi::new().await;
    let (admin, agent) = (api.user(SystemRole::Administrator).await, api.user(SystemRole::Agent).await);
    let path = format!("/api/users/{}/avatar", agent.id);
    api.get(&path).by(&agent).send().await.error(404, "not_found");
    let own = api.put("/api/auth/me/avatar").by(&agent).body("image/jpeg", PNG).send().await.data(200);
    assert_eq!(own, json!({"avatarUrl": path}));
    let shown = api.get(&path).by(&agent).send().await;
    assert_eq!((shown.status.as_u16(), shown.body.as_ref()), (200, PNG));
    assert_eq!(shown.header("content-type"), "image/png");
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    assert!(shown.header("cache-control").starts_with("private"));
    let jpeg: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
    api.put(&path).by(&admin).body("application/octet-stream", jpeg).send().await.data(200);
    assert_eq!(api.get(&path).by(&admin).send().await.header("content-type"), "image/jpeg");
    let stored: Vec<_> =
        std::fs::read_dir(api.storage.path().join(format!("avatars/{}", agent.id.0))).unwrap().collect();
    assert_eq!(stored.len(), 1, "the one before is gone");
    for (kind, body) in
        [("image/svg+xml", &b"<svg onload='alert(1)'/>"[..]), ("image/png", b"GIF89a......"), ("image/png", b"")]
    {
        api.put(&path).by(&admin).body(kind, body).send().await.error(415, "unsupported_image");
    }
    let long = [PNG, &vec![0; 1 << 20]].concat();
    api.put(&path).by(&admin).body("image/png", long).send().await.error(413, "body_too_large");
    let analyst = api.user(SystemRole::Analyst).await;
    api.get(&path).by(&analyst).send().await.error(403, "permission_denied");
    api.put(&path).by(&analyst).body("image/png", PNG).send().await.error(403, "permission_denied");
    assert_eq!(audited(&api, "user", agent.id.0).await, ["user.avatar_changed"; 2]);
}
