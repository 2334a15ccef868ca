//! TLS without a proxy, over a real socket: handshakes, a certificate that is replaced, and clients that never begin.

use std::{fs, net::SocketAddr, path::Path, time::Duration};
use tests::{
    http::{TestApi, config},
    wait,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tls");

/// Puts a pair in place.
fn install(folder: &Path, name: &str) {
    for kind in ["crt", "key"] {
        fs::copy(format!("{FIXTURES}/{name}.{kind}"), folder.join(format!("tls.{kind}"))).unwrap();
    }
}

/// A client that trusts one certificate only.
fn client(name: &str) -> reqwest::Client {
    let pem = fs::read(format!("{FIXTURES}/{name}.crt")).unwrap();
    let trusted = reqwest::Certificate::from_pem(&pem).unwrap();
    let builder = reqwest::Client::builder().tls_certs_only([trusted]).timeout(Duration::from_secs(20));
    builder.pool_max_idle_per_host(0).build().unwrap()
}

async fn served(api: &TestApi, folder: &Path) -> (SocketAddr, CancellationToken) {
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    let files = [("TLS_CERT_FILE", certificate.to_str().unwrap()), ("TLS_KEY_FILE", key.to_str().unwrap())];
    let config = config(&api.base, api.storage.path(), &[files[0], files[1], ("PORT", "0")]);
    let listening = api::listen(config, api.state.services.clone()).await.unwrap();
    let (address, stop) = (listening.address(), CancellationToken::new());
    tokio::spawn(listening.serve(stop.clone()));
    (address, stop)
}

#[tokio::test]
async fn it_serves_tls_and_nothing_else_on_its_port() {
    let api = TestApi::new().await;
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), "one");
    let (address, stop) = served(&api, folder.path()).await;
    // somebody connects and never says anything: nobody else is held up
    let _silent = TcpStream::connect(address).await.unwrap();
    let answer = client("one").get(format!("https://localhost:{}/health", address.port())).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    assert!(client("two").get(format!("https://localhost:{}/health", address.port())).send().await.is_err());
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _closed = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    stop.cancel();
}

#[tokio::test]
async fn a_replaced_certificate_is_used_and_a_broken_one_is_not() {
    use api::edge::tls::Certificate;
    tests::base::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), "one");
    let (cert_file, key_file) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    let certificate = Certificate::load(cert_file.clone(), key_file.clone()).unwrap();
    let acceptor = certificate.acceptor().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _sent = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
                    let _closed = stream.shutdown().await;
                }
            });
        }
    });
    let answers = async |name: &str| {
        let client = reqwest::Client::builder()
            .tls_certs_only([
                reqwest::Certificate::from_pem(&fs::read(format!("{FIXTURES}/{name}.crt")).unwrap()).unwrap()
            ])
            .http1_only();
        client.build().unwrap().get(format!("https://localhost:{}/", address.port())).send().await.is_ok()
    };
    assert!(answers("one").await && !answers("two").await);
    assert!(!certificate.refresh(), "nothing has changed");
    fs::write(&cert_file, "nonsense").unwrap();
    wait::until("the change to be seen", Duration::from_secs(5), async || {
        fs::write(&cert_file, "nonsense").unwrap();
        !certificate.refresh()
    })
    .await;
    assert!(answers("one").await, "the one before stays");
    wait::until("the new pair", Duration::from_secs(5), async || {
        install(folder.path(), "two");
        certificate.refresh()
    })
    .await;
    assert!(answers("two").await && !answers("one").await);
}

#[tokio::test]
async fn files_that_cannot_be_used_stop_the_start() {
    let api = TestApi::new().await;
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), "one");
    fs::copy(format!("{FIXTURES}/two.key"), folder.path().join("tls.key")).unwrap();
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    let files = [("TLS_CERT_FILE", certificate.to_str().unwrap()), ("TLS_KEY_FILE", key.to_str().unwrap())];
    let config = config(&api.base, api.storage.path(), &[files[0], files[1], ("PORT", "0")]);
    let refused = api::listen(config, api.state.services.clone()).await.err().unwrap();
    assert_eq!(refused.to_string(), "setting up TLS");
}
