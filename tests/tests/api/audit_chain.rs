//! The audit log is append-only, and what is done to it past the database's rules is found.

use domain::{ids::AuditId, permissions::SystemRole};
use schema::audit::{self, Fault, Verified};
use tests::{diesel_schema::connect, http::TestApi};
use tokio_postgres::Client;

/// An API in which some things were done, and a connection of somebody who may do anything to the database.
async fn ground(entries: usize) -> (TestApi, Client) {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Administrator).await;
    for number in 0..entries {
        let mapping = serde_json::json!({"name": format!("bank {number}"), "mapping": {"Policy": "policyNumber"}});
        api.post("/api/upload/mappings").by(&user).json(&mapping).send().await.data(201);
    }
    let client = connect(api.base.database.url()).await;
    (api, client)
}

async fn verify(api: &TestApi) -> Verified {
    audit::verify(&mut *api.connection().await).await.unwrap()
}

/// Past the rules, as somebody who owns the database could.
async fn tamper(client: &Client, statement: &str) {
    let statement =
        format!("SET session_replication_role = replica; {statement}; SET session_replication_role = origin");
    client.batch_execute(&statement).await.unwrap();
}

/// The chain of the last entry, its length, and its links in order: place and entry.
async fn longest(client: &Client) -> (i16, Vec<(i64, i64)>) {
    let chain: i16 = client
        .query_one("SELECT chain FROM audit_links GROUP BY chain ORDER BY count(*) DESC LIMIT 1", &[])
        .await
        .unwrap()
        .get(0);
    let rows = client.query("SELECT seq, audit_id FROM audit_links WHERE chain = $1 ORDER BY seq", &[&chain]).await;
    (chain, rows.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect())
}

#[tokio::test]
async fn the_database_refuses_every_change() {
    let (_api, client) = ground(1).await;
    for table in ["audit_log", "audit_links"] {
        let column = if table == "audit_log" { "action = 'nothing'" } else { "hash = decode(repeat('00', 32), 'hex')" };
        for statement in [
            format!("UPDATE {table} SET {column}"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
            format!("DELETE FROM {table} WHERE false"),
        ] {
            let refused = client.batch_execute(&statement).await.unwrap_err();
            let told = refused.as_db_error().unwrap().message().to_owned();
            assert!(told.contains("is append-only"), "{statement}: {told}");
        }
    }
}

#[tokio::test]
async fn an_untouched_log_is_found_so() {
    let (api, client) = ground(5).await;
    let found = verify(&api).await;
    assert_eq!((found.faults.clone(), found.links, found.more), (Vec::new(), 5, false));
    assert_eq!(found.heads.len(), 8);
    assert_eq!(found.heads.iter().map(|head| head.seq).sum::<i64>(), 5);
    let (_, links) = longest(&client).await;
    assert!(!links.is_empty());
}

#[tokio::test]
async fn a_changed_row_is_found() {
    let (api, client) = ground(6).await;
    let (chain, links) = longest(&client).await;
    let (seq, entry) = links[links.len() / 2];
    for change in ["action = 'upload.created'", "actor_id = NULL", "after = '{}'", "at = at - interval '1 second'"] {
        tamper(&client, &format!("UPDATE audit_log SET {change} WHERE id = {entry}")).await;
        let fault = Fault::ChangedRow { chain, seq, entry: AuditId(entry) };
        assert_eq!(verify(&api).await.faults, [fault], "{change}: one row, told once");
    }
}

#[tokio::test]
async fn a_removed_row_is_found_with_and_without_its_link() {
    let (api, client) = ground(8).await;
    let (chain, links) = longest(&client).await;
    let (seq, entry) = links[0];
    tamper(&client, &format!("DELETE FROM audit_log WHERE id = {entry}")).await;
    assert_eq!(verify(&api).await.faults, [Fault::MissingRow { chain, seq, entry: AuditId(entry) }]);
    tamper(&client, &format!("DELETE FROM audit_links WHERE audit_id = {entry}")).await;
    assert_eq!(verify(&api).await.faults, [Fault::MissingLinks { chain, from: seq, to: seq }]);
}

#[tokio::test]
async fn a_tail_that_was_cut_off_is_found_by_the_head() {
    let (api, client) = ground(8).await;
    let (chain, links) = longest(&client).await;
    let (from, to) = (links[links.len() - 1].0, links[links.len() - 1].0);
    let entry = links[links.len() - 1].1;
    tamper(
        &client,
        &format!("DELETE FROM audit_links WHERE audit_id = {entry}; DELETE FROM audit_log WHERE id = {entry}"),
    )
    .await;
    assert_eq!(verify(&api).await.faults, [Fault::MissingLinks { chain, from, to }]);
    // even when the head is set back: its hash is the hash of what is gone
    client.execute("UPDATE audit_chains SET seq = $2 WHERE chain = $1", &[&chain, &(from - 1)]).await.unwrap();
    assert_eq!(verify(&api).await.faults, [Fault::WrongHead { chain, head: from - 1, last: from - 1 }]);
}

#[tokio::test]
async fn a_row_that_was_put_in_past_the_chain_is_found() {
    let (api, client) = ground(2).await;
    tamper(&client, "INSERT INTO audit_log (action, entity_type) VALUES ('upload.created', 'upload')").await;
    let entry: i64 = client.query_one("SELECT max(id) FROM audit_log", &[]).await.unwrap().get(0);
    assert_eq!(verify(&api).await.faults, [Fault::RowWithoutLink { entry: AuditId(entry) }]);
    // or its link was taken away, with the head
    assert!(verify(&api).await.faults[0].to_string().contains(&format!("audit-{entry} is in no chain")));
}

#[tokio::test]
async fn writers_at_once_make_one_unbroken_chain_each() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Administrator).await;
    let calls = (0..24).map(|number| {
        let mapping = serde_json::json!({"name": format!("bank {number}"), "mapping": {"Policy": "policyNumber"}});
        api.post("/api/upload/mappings").by(&user).json(&mapping).send()
    });
    for answer in futures_util::future::join_all(calls).await {
        answer.data(201);
    }
    let found = verify(&api).await;
    assert_eq!((found.faults, found.links), (Vec::new(), 24));
}
