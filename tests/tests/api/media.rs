//! Files for WhatsApp messages: what is taken, how it reaches Meta, and what comes of Meta's faults.

use domain::permissions::SystemRole;
use tests::{
    http::{Answer, TestApi, TestUser},
    meta::{Behaviour, MetaServer},
};

const PATH: &str = "/api/communication/whatsapp/media";

fn form(name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    [head.as_bytes(), content, b"\r\n--XX--\r\n"].concat()
}

async fn upload(api: &TestApi, user: &TestUser, body: Vec<u8>) -> Answer {
    api.post(PATH).by(user).body("multipart/form-data; boundary=XX", body).send().await
}

async fn ground(behaviour: Behaviour) -> (TestApi, TestUser, MetaServer) {
    let meta = MetaServer::start(behaviour).await.unwrap();
    let environment = meta.environment();
    let variables: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let api = TestApi::with(&variables).await;
    let user = api.user(SystemRole::Administrator).await;
    (api, user, meta)
}

fn files_left(api: &TestApi) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
    }
    count(api.storage.path())
}

#[tokio::test]
async fn a_file_reaches_meta_as_it_is_described() {
    let (api, user, meta) = ground(Behaviour::default()).await;
    let pdf = [b"%PDF-1.7 ".as_slice(), &[7; 300_000]].concat();
    let told = upload(&api, &user, form("May.pdf", &pdf)).await.data(200);
    assert_eq!((&told["mimeType"], &told["size"]), (&"application/pdf".into(), &pdf.len().into()));
    assert!(told["mediaId"].as_str().is_some_and(|id| id.starts_with("44907093273")), "{told}");
    // what it is called says nothing of what it is
    upload(&api, &user, form("x.exe", b"\xFF\xD8\xFF\xE0 a picture")).await.data(200);
    let uploads = meta.uploads();
    assert_eq!(uploads[0], ("May.pdf application/pdf".to_owned(), pdf.len()));
    assert_eq!(uploads[1].0, "x.exe image/jpeg");
    assert_eq!(meta.violations(), Vec::<String>::new());
    assert_eq!(files_left(&api), 0, "nothing stays in the store");
}

#[tokio::test]
async fn what_the_vendor_would_refuse_is_refused_here() {
    let (api, user, meta) = ground(Behaviour::default()).await;
    upload(&api, &user, form("a.pdf", b"MZ\x90\0 a program")).await.error(415, "unsupported_media");
    upload(&api, &user, form("a.pdf", b"")).await.error(400, "empty_file");
    let long = [b"\xFF\xD8\xFF\xE0".as_slice(), &vec![0; 5 << 20]].concat();
    let told = upload(&api, &user, form("a.jpg", &long)).await;
    assert_eq!(told.status.as_u16(), 413, "{told:?}");
    let nothing = b"--XX\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--XX--\r\n".to_vec();
    upload(&api, &user, nothing).await.error(400, "validation_failed");
    assert_eq!((meta.uploads().len(), files_left(&api)), (0, 0));
}

#[tokio::test]
async fn metas_faults_are_the_callers_to_try_again() {
    for behaviour in [
        Behaviour { token_expired: true, ..Behaviour::default() },
        Behaviour { server_errors: 1.0, ..Behaviour::default() },
        Behaviour { down: true, ..Behaviour::default() },
    ] {
        let (api, user, _meta) = ground(behaviour).await;
        let answer = upload(&api, &user, form("a.pdf", b"%PDF-1.7 x")).await;
        assert_eq!(answer.status.as_u16(), 503, "{answer:?}");
    }
}

#[tokio::test]
async fn without_an_account_the_sandbox_takes_it_and_only_senders_may() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Administrator).await;
    let told = upload(&api, &user, form("a.txt", "नीति".as_bytes())).await.data(200);
    assert!(told["mediaId"].as_str().is_some_and(|id| id.starts_with("sandbox-")), "{told}");
    api.post(PATH)
        .body("multipart/form-data; boundary=XX", form("a.txt", b"x"))
        .send()
        .await
        .error(401, "missing_token");
}
