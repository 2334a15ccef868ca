//! The helpers for tests: databases and Redis databases that do not see one another.

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};

use local::testing::{PrepareError, TestDatabase, database, redis};
use tokio_postgres::{Client, NoTls};

type Tested = Result<(), Box<dyn Error>>;

static PREPARED: AtomicU32 = AtomicU32::new(0);

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn prepare(url: String) -> Result<(), PrepareError> {
    PREPARED.fetch_add(1, Ordering::Relaxed);
    let client = connect(&url).await?;
    client.batch_execute("CREATE TABLE customers (id int PRIMARY KEY)").await?;
    Ok(())
}

async fn template_database() -> Result<TestDatabase, Box<dyn Error>> {
    Ok(database(&format!("template {}", std::process::id()), prepare).await?)
}

async fn row_is_seen_alone(id: i32) -> Tested {
    let database = template_database().await?;
    let client = connect(database.url()).await?;
    client.execute("INSERT INTO customers VALUES ($1)", &[&id]).await?;
    let rows: Vec<i32> = client.query("SELECT id FROM customers", &[]).await?.iter().map(|row| row.get(0)).collect();
    assert_eq!(rows, [id]);
    assert_eq!(PREPARED.load(Ordering::Relaxed), 1);
    Ok(())
}

// each #[tokio::test] has a runtime of its own: the shared servers must outlive the one that started them
#[tokio::test]
async fn databases_are_apart_first() -> Tested {
    row_is_seen_alone(1).await
}

#[tokio::test]
async fn databases_are_apart_second() -> Tested {
    row_is_seen_alone(2).await
}

#[tokio::test]
async fn databases_are_apart_third() -> Tested {
    row_is_seen_alone(3).await
}

#[tokio::test]
async fn a_failed_preparation_is_reported_and_tried_again() -> Tested {
    let name = format!("failing {}", std::process::id());
    let failed = database(&name, async |_| Err(PrepareError::from("no such migration"))).await;
    let error = failed.err().ok_or("must fail")?;
    assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("no such migration"));
    let database = database(&name, async |url| Ok(connect(&url).await?.batch_execute("CREATE TABLE t ()").await?));
    connect(database.await?.url()).await?.query("SELECT * FROM t", &[]).await?;
    Ok(())
}

#[tokio::test]
async fn redis_databases_are_apart() -> Tested {
    let (one, two) = (redis().await?, redis().await?);
    assert_ne!(one.url(), two.url());
    assert_ne!(one.namespace(), two.namespace());
    let mut first = ::redis::Client::open(one.url())?.get_multiplexed_async_connection().await?;
    let mut second = ::redis::Client::open(two.url())?.get_multiplexed_async_connection().await?;
    ::redis::cmd("SET").arg("a").arg(1).query_async::<()>(&mut first).await?;
    let seen: Option<i32> = ::redis::cmd("GET").arg("a").query_async(&mut second).await?;
    assert_eq!(seen, None);
    Ok(())
}
