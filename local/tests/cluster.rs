//! A real cluster: started, connected to as the product does, restarted, broken, taken over, stopped.

use std::error::Error;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::{Duration, Instant};

use local::testing::temporary;
use local::{Cluster, LocalError, Options, Running};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::{Client, NoTls};

type Tested = Result<(), Box<dyn Error>>;

async fn postgres(url: &str) -> Result<Client, Box<dyn Error>> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn redis(url: &str) -> Result<redis::aio::MultiplexedConnection, Box<dyn Error>> {
    Ok(redis::Client::open(url)?.get_multiplexed_async_connection().await?)
}

async fn count(client: &Client) -> Result<i64, Box<dyn Error>> {
    Ok(client.query_one("SELECT count(*) FROM kept", &[]).await?.get(0))
}

async fn get(url: &str, key: &str) -> Result<Option<String>, Box<dyn Error>> {
    Ok(redis::cmd("GET").arg(key).query_async(&mut redis(url).await?).await?)
}

async fn set(url: &str, key: &str, value: &str) -> Tested {
    Ok(redis::cmd("SET").arg(key).arg(value).query_async(&mut redis(url).await?).await?)
}

fn is_alive(pid: i32) -> bool {
    // a process that ended and waits to be reaped has no command line
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

/// Of PostgreSQL and Redis.
fn pids(folder: &Path) -> Result<[i32; 2], Box<dyn Error>> {
    Ok([pid(&folder.join("postgres/postmaster.pid"))?, pid(&folder.join("redis/redis.pid"))?])
}

fn pid(file: &Path) -> Result<i32, Box<dyn Error>> {
    Ok(std::fs::read_to_string(file)?.lines().next().ok_or("empty pid file")?.trim().parse()?)
}

#[tokio::test]
async fn data_survives_a_stop_and_a_second_start_is_quick() -> Tested {
    let cluster = temporary(Options::for_run()).await?;
    let client = postgres(cluster.database_url()).await?;
    client.batch_execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)").await?;
    set(cluster.redis_url(), "kept", "yes").await?;
    let pids = pids(cluster.folder())?;
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    let folder = cluster.stop().await?;
    assert!(!pids.iter().any(|pid| is_alive(*pid)));
    assert!(!folder.path().join("cluster.env").exists());

    let began = Instant::now();
    let cluster = Cluster::start(folder.path(), Options::for_run()).await?;
    assert!(began.elapsed() < Duration::from_secs(10), "took {:?}", began.elapsed());
    assert_eq!(count(&postgres(cluster.database_url()).await?).await?, 1);
    assert_eq!(get(cluster.redis_url(), "kept").await?.as_deref(), Some("yes"));
    cluster.stop().await?;
    Ok(())
}

#[tokio::test]
async fn no_standard_port_and_no_root() -> Tested {
    let cluster = temporary(Options::for_tests()).await?;
    assert!(cluster.database_url().contains("host=%2F"), "{}", cluster.database_url());
    assert!(cluster.redis_url().starts_with("redis+unix:///"), "{}", cluster.redis_url());
    for pid in pids(cluster.folder())? {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")).ok_or("no Uid")?;
        assert!(!uid.split_whitespace().any(|id| id == "0"), "process {pid} runs as root");
    }
    cluster.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_folder_closed_to_others_is_no_obstacle() -> Tested {
    let outer = temporary(Options::for_tests()).await?.stop().await?;
    let closed = outer.path().join("closed");
    std::fs::DirBuilder::new().mode(0o700).create(&closed)?;
    let cluster = Cluster::start(&closed, Options::for_tests()).await?;
    assert!(closed.join("postgres/PG_VERSION").exists(), "the data must be where it was asked for");
    cluster.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_path_too_long_for_sockets_gets_a_guarded_port() -> Tested {
    let outer = temporary(Options::for_tests()).await?.stop().await?;
    let long = outer.path().join("x".repeat(100));
    let cluster = Cluster::start(&long, Options::for_tests()).await?;
    let url = cluster.database_url().to_owned();
    assert!(url.contains("@127.0.0.1:") && !url.contains(":5432"), "{url}");
    assert!(!cluster.redis_url().contains(":6379"), "{}", cluster.redis_url());
    postgres(&url).await?;
    set(cluster.redis_url(), "a", "b").await?;

    let mut wrong: tokio_postgres::Config = url.parse()?;
    wrong.password("wrong");
    assert!(wrong.connect(NoTls).await.is_err(), "a wrong password must be refused");
    let port = redis::Client::open(cluster.redis_url())?.get_connection_info().addr().to_string();
    assert!(get(&format!("redis://{port}/0"), "a").await.is_err(), "no password must be refused");
    cluster.stop().await?;
    Ok(())
}

#[tokio::test]
async fn servers_restart_under_the_same_url() -> Tested {
    let cluster = temporary(Options::for_tests()).await?;
    let (database_url, redis_url) = (cluster.database_url().to_owned(), cluster.redis_url().to_owned());
    let before = postgres(&database_url).await?;
    before.batch_execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)").await?;
    cluster.postgres()?.restart().await?;
    assert!(count(&before).await.is_err(), "the connection must have been ended");
    assert_eq!(count(&postgres(&database_url).await?).await?, 1);
    cluster.postgres()?.crash_and_restart().await?;
    assert_eq!(count(&postgres(&database_url).await?).await?, 1);

    set(&redis_url, "kept", "yes").await?;
    cluster.redis()?.restart_with_data().await?;
    assert_eq!(get(&redis_url, "kept").await?.as_deref(), Some("yes"));
    cluster.redis()?.restart_without_data().await?;
    assert_eq!(get(&redis_url, "kept").await?, None);
    set(&redis_url, "again", "yes").await?;
    cluster.redis()?.restart_with_data().await?;
    assert_eq!(get(&redis_url, "again").await?.as_deref(), Some("yes"));
    cluster.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_frozen_redis_is_silent_until_thawed_and_can_be_stopped_frozen() -> Tested {
    let cluster = temporary(Options::for_tests()).await?;
    let url = cluster.redis_url().to_owned();
    set(&url, "a", "1").await?;
    cluster.redis()?.freeze()?;
    let silent = tokio::time::timeout(Duration::from_millis(300), get(&url, "a")).await;
    assert!(silent.is_err() || silent.is_ok_and(|answer| answer.is_err()), "a frozen server answered");
    cluster.redis()?.thaw()?;
    assert_eq!(get(&url, "a").await?.as_deref(), Some("1"));
    cluster.redis()?.freeze()?;
    cluster.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_second_start_is_refused_and_the_running_servers_are_found() -> Tested {
    let cluster = temporary(Options::for_tests()).await?;
    let error = Cluster::start(cluster.folder(), Options::for_tests()).await.err().ok_or("must be refused")?;
    assert!(matches!(&error, LocalError::InUse { owner, .. } if *owner == std::process::id().to_string()), "{error}");
    let running = Running::find(cluster.folder())?.ok_or("must be found")?;
    assert_eq!(running.database_url.expose_secret(), cluster.database_url());
    assert_eq!(running.redis_url.expose_secret(), cluster.redis_url());
    let folder = cluster.stop().await?;
    assert!(Running::find(folder.path())?.is_none());
    Ok(())
}

#[tokio::test]
async fn dropping_a_cluster_stops_its_servers() -> Tested {
    let cluster = temporary(Options::for_tests()).await?;
    let pids = pids(cluster.folder())?;
    drop(cluster);
    assert!(!pids.iter().any(|pid| is_alive(*pid)));
    Ok(())
}

#[tokio::test]
async fn external_servers_replace_embedded_ones() -> Tested {
    let cluster = temporary(Options::for_tests()).await?;
    let untouched = tempfile::tempdir()?;
    let secret = |url: &str| Some(SecretString::from(url));

    let both = Options::for_run()
        .with_database_url(secret(cluster.database_url()))
        .with_redis_url(secret(cluster.redis_url()));
    let external = Cluster::start(&untouched.path().join("new"), both).await?;
    assert_eq!(external.database_url(), cluster.database_url());
    assert_eq!(external.redis_url(), cluster.redis_url());
    assert!(matches!(external.redis().err(), Some(LocalError::External { .. })));
    external.stop().await?;
    assert!(!untouched.path().join("new").exists(), "nothing is written when nothing is embedded");
    postgres(cluster.database_url()).await?;

    let half = temporary(Options::for_tests().with_database_url(secret(cluster.database_url()))).await?;
    assert!(half.postgres().is_err() && half.redis().is_ok());
    assert_eq!(half.database_url(), cluster.database_url());
    set(half.redis_url(), "a", "1").await?;
    assert!(!half.folder().join("postgres").exists());
    half.stop().await?;
    cluster.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why_and_the_other_is_stopped() -> Tested {
    let folder = temporary(Options::for_tests()).await?.stop().await?;
    let mut options = Options::for_tests();
    options.postgres_settings.push(("shared_buffers".to_owned(), "nonsense".to_owned()));
    let error = Cluster::start(folder.path(), options).await.err().ok_or("must fail")?;
    assert!(matches!(error, LocalError::StartFailed { server: "PostgreSQL", .. }), "{error}");
    assert!(error.to_string().contains("shared_buffers"), "{error}");
    let redis_pid = folder.path().join("redis/redis.pid");
    assert!(!redis_pid.exists() || !is_alive(pid(&redis_pid)?));
    // and nothing stays behind that would be in the way
    Cluster::start(folder.path(), Options::for_tests()).await?.stop().await?;
    Ok(())
}
