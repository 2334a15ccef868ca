//! The API behind a real socket: what HTTP itself brings, and a graceful stop.

use domain::permissions::SystemRole;
use futures_util::stream;
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tests::{
    http::{PASSWORD, TestApi, config},
    wait,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_postgres::NoTls;
use tokio_util::sync::CancellationToken;

struct Served {
    api: TestApi,
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

async fn serve() -> Served {
    let api = TestApi::new().await;
    let config = config(&api.base, api.storage.path(), &[("PORT", "0"), ("DRAIN_TIMEOUT", "5s")]);
    let listening = api::listen(config, api.state.services.clone()).await.unwrap();
    let (address, stop) = (listening.address(), CancellationToken::new());
    let stopping = stop.clone();
    let server = tokio::spawn(async move { listening.serve(stopping).await.unwrap() });
    Served { api, address, stop, server }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap()
}

#[tokio::test]
async fn it_serves_over_a_socket_and_limits_chunked_bodies() {
    let Served { api, address, stop, server } = serve().await;
    let user = api.user(SystemRole::Agent).await;
    let url = format!("http://{address}/api/auth/login/");
    let login = json!({"email": user.email, "password": PASSWORD});
    let session: Value = client().post(&url).json(&login).send().await.unwrap().json().await.unwrap();
    assert_eq!(session["data"]["user"]["email"], user.email.as_str());

    let chunks = stream::iter((0..2000).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024])));
    let request = client().post(&url).header("content-type", "application/json");
    let answer = request.body(reqwest::Body::wrap_stream(chunks)).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], "body_too_large");
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(10), server).await.expect("a prompt stop").unwrap();
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_stop() {
    let Served { api, address, stop, server } = serve().await;
    let user = api.user(SystemRole::CampaignManager).await;
    let (mut beside, connection) = tokio_postgres::connect(api.base.database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let (watcher, connection) = tokio_postgres::connect(api.base.database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let lock = beside.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE templates IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let body = json!({"name": "a", "type": "sms", "content": "Hi {name}"}).to_string();
    let request = format!(
        "POST /api/templates HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        user.token,
        body.len()
    );
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'templates'::regclass";
    let is_waiting = async || !watcher.query(waiting, &[]).await.unwrap().is_empty();
    wait::until("the request at the lock", Duration::from_secs(20), is_waiting).await;
    stop.cancel();
    wait::until("the end of listening", Duration::from_secs(20), async || TcpStream::connect(address).await.is_err())
        .await;
    lock.rollback().await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    tokio::time::timeout(Duration::from_secs(10), server).await.expect("a prompt stop").unwrap();
}
