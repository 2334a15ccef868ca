//! People of a test's own making: roles that are not the system's, offices, and holders of them.
//!
//! Panics when they cannot be made.

use crate::{
    diesel_schema::connect,
    http::{PASSWORD, TestApi, TestUser},
};
use domain::{
    ids::{BranchId, UserId},
    permissions::{Permission, Scope},
};
use jobs::security::password::hash_password;
use std::sync::atomic::{AtomicU32, Ordering};

/// Adds a role.
pub async fn role(api: &TestApi, name: &str, permissions: &[Permission], scope: Scope) {
    let permissions = serde_json::json!(permissions);
    let client = connect(api.base.database.url()).await;
    client
        .execute(
            "INSERT INTO roles (name, display_name, permissions, scope) VALUES ($1, $1, $2, $3)",
            &[&name, &permissions, &scope.as_str()],
        )
        .await
        .expect("a role");
}

/// Adds an office.
pub async fn branch(api: &TestApi, code: &str) -> BranchId {
    let client = connect(api.base.database.url()).await;
    let made = client.query_one("INSERT INTO branches (code, name) VALUES ($1, $1) RETURNING id", &[&code]).await;
    BranchId(made.expect("a branch").get(0))
}

/// Adds an active user with that role and [`PASSWORD`], and signs them in.
pub async fn holder(api: &TestApi, role: &str, branch: Option<BranchId>) -> TestUser {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let email = format!("holder{}@example.com", COUNT.fetch_add(1, Ordering::Relaxed));
    let hash = hash_password(&PASSWORD.into()).await.expect("a hash");
    let client = connect(api.base.database.url()).await;
    let made = client
        .query_one(
            "INSERT INTO users (email, password_hash, first_name, last_name, role_id, branch_id) \
             VALUES ($1, $2, 'Holly', 'Holder', (SELECT id FROM roles WHERE name = $3), $4) RETURNING id",
            &[&email, &hash, &role, &branch.map(|branch| branch.0)],
        )
        .await;
    let id = UserId(made.expect("a user").get(0));
    TestUser { id, email, token: api.session(id).await }
}

/// The actions that the audit log holds about an entity, oldest first.
pub async fn audited(api: &TestApi, kind: &str, id: i64) -> Vec<String> {
    let client = connect(api.base.database.url()).await;
    let query = "SELECT action FROM audit_log WHERE entity_type = $1 AND entity_id = $2 ORDER BY id";
    let rows = client.query(query, &[&kind, &id]).await.expect("entries");
    rows.iter().map(|row| row.get(0)).collect()
}

/// The kinds of security events of an account, oldest first.
pub async fn events(api: &TestApi, user: UserId) -> Vec<String> {
    let client = connect(api.base.database.url()).await;
    let rows = client.query("SELECT kind FROM security_events WHERE user_id = $1 ORDER BY id", &[&user.0]).await;
    rows.expect("events").iter().map(|row| row.get(0)).collect()
}
