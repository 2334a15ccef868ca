//! The initial data: there after the first load, untouched by the next, and whole when several load at once.

use domain::permissions::{Permission, SystemRole};
use jobs::{
    initial::{self, ADMINISTRATOR},
    security::password::verify_password,
};
use schema::people::{access, users};
use tests::{base::Base, diesel_schema::connect};

async fn count(base: &Base, table: &str) -> i64 {
    let client = connect(base.database.url()).await;
    client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.expect("a count").get(0)
}

#[tokio::test]
async fn the_administrator_can_sign_in_and_do_everything() {
    let base = Base::new().await;
    let db = base.db();
    let loaded = initial::load(&db, "Boss@Example.com").await.expect("loaded");
    let login = loaded.administrator.expect("a first user");
    assert_eq!(login.email, "boss@example.com");
    let mut connection = db.get().await.expect("a connection");
    let found = users::credentials(&mut connection, &login.email).await.expect("a query").expect("the user");
    assert!(verify_password(&login.password, found.password_hash.as_deref()).await.expect("a check"));
    let account = access::by_user(&mut connection, found.user()).await.expect("a query");
    let (account, role) = account.expect("active");
    let role = role.expect("a role");
    assert_eq!(role.name, SystemRole::Administrator.as_str());
    assert!(account.branch_id.is_some());
    assert_eq!(role.permissions.as_array().map(Vec::len), Some(Permission::ALL.len()));
}

#[tokio::test]
async fn loading_again_changes_nothing_that_people_have_changed() {
    let base = Base::new().await;
    let db = base.db();
    initial::load(&db, ADMINISTRATOR).await.expect("loaded");
    let client = connect(base.database.url()).await;
    client
        .batch_execute(
            "UPDATE users SET email = 'renamed@example.com'; \
             UPDATE roles SET permissions = '[]'; \
             DELETE FROM templates WHERE template_type <> 'sms'; \
             UPDATE branches SET name = 'Elsewhere'",
        )
        .await
        .expect("changes");
    let again = initial::load(&db, ADMINISTRATOR).await.expect("loaded again");
    assert!(again.administrator.is_none());
    assert_eq!((again.templates, again.schedules), (0, 0));
    assert_eq!((count(&base, "users").await, count(&base, "branches").await), (1, 1));
    assert_eq!(count(&base, "templates WHERE template_type <> 'sms'").await, 0);
    assert_eq!(count(&base, "roles").await, i64::try_from(SystemRole::ALL.len()).expect("few"));
    let whole = "roles WHERE jsonb_array_length(permissions) > 0";
    assert_eq!(count(&base, whole).await, 1, "only the administrator's role is completed");
}

#[tokio::test]
async fn several_programs_may_load_at_once() {
    let base = Base::new().await;
    let db = base.db();
    let load = || initial::load(&db, ADMINISTRATOR);
    let (a, b, c) = tokio::join!(load(), load(), load());
    let logins = [a, b, c].into_iter().filter_map(|loaded| loaded.expect("loaded").administrator).count();
    assert_eq!((logins, count(&base, "users").await, count(&base, "branches").await), (1, 1, 1));
}
