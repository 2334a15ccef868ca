//! What the tests of uploads over HTTP share: forms, the store's files, looks behind the API.

use domain::permissions::SystemRole;
use futures_util::stream;
use poem::Body;
use serde_json::Value;
use std::{io, path::Path, time::Duration};
use tests::{
    http::{Call, TestApi, TestUser},
    wait,
};
use tokio_postgres::{Client, NoTls, types::ToSql};

/// A book of one policy; `number` tells books apart.
pub fn book(number: u32) -> Vec<u8> {
    format!(
        "Policy Number,Customer Name,Policy Type,Premium,Start Date,End Date\r\n\
         P-{number},Asha Rao,motor,12500.00,01/04/2025,31/03/2026\r\n"
    )
    .into_bytes()
}

/// One part of a form.
pub struct FormPart<'a> {
    /// What the form calls it.
    pub name: &'a str,
    /// For files.
    pub file_name: Option<&'a str>,
    /// Its content.
    pub content: Vec<u8>,
}

/// A file's part.
pub fn file<'a>(file_name: &'a str, content: impl Into<Vec<u8>>) -> FormPart<'a> {
    FormPart { name: "file", file_name: Some(file_name), content: content.into() }
}

/// A text's part.
pub fn text<'a>(name: &'a str, content: impl Into<String>) -> FormPart<'a> {
    FormPart { name, file_name: None, content: content.into().into_bytes() }
}

/// The form's bytes.
pub fn form(parts: Vec<FormPart<'_>>) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        let file_name = part.file_name.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        let head = format!("--XX\r\nContent-Disposition: form-data; name=\"{}\"{file_name}\r\n\r\n", part.name);
        body.extend(head.into_bytes());
        body.extend(part.content);
        body.extend(b"\r\n");
    }
    body.extend(b"--XX--\r\n");
    body
}

/// The form's type.
pub const FORM: &str = "multipart/form-data; boundary=XX";

/// A form with that file, being sent.
pub fn upload(api: &TestApi, query: &str, by: &TestUser, parts: Vec<FormPart<'_>>) -> Call {
    api.post(&format!("/api/upload/file{query}")).by(by).body(FORM, form(parts))
}

/// Uploads a book; answers what was told of it.
pub async fn uploaded(api: &TestApi, by: &TestUser, number: u32) -> Value {
    upload(api, "", by, vec![file("policies.csv", book(number))]).send().await.data(202)
}

/// Someone who may upload, look, and undo.
pub async fn manager(api: &TestApi) -> TestUser {
    api.user(SystemRole::OperationsManager).await
}

/// A body that comes in these pieces and then breaks off.
pub fn breaking_off(pieces: Vec<Vec<u8>>) -> Body {
    let broken = Err(io::Error::from(io::ErrorKind::ConnectionReset));
    Body::from_bytes_stream(stream::iter(pieces.into_iter().map(Ok).chain([broken])))
}

/// Every file in the store.
pub fn stored(api: &TestApi) -> Vec<String> {
    fn collect(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() { collect(&path, found) } else { found.push(path.display().to_string()) }
        }
    }
    let mut found = Vec::new();
    collect(api.storage.path(), &mut found);
    found
}

/// Waits until the store holds that many files: what is refused is removed beside the answer.
pub async fn stored_become(api: &TestApi, count: usize) {
    wait::until(&format!("{count} files in the store"), Duration::from_secs(10), || async {
        stored(api).len() == count
    })
    .await;
}

/// A connection beside the API's.
pub async fn beside(api: &TestApi) -> Client {
    let (client, connection) = tokio_postgres::connect(api.base.database.url(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// One number behind the API.
pub async fn number(api: &TestApi, query: &str) -> i64 {
    beside(api).await.query_one(query, &[]).await.expect("an answer").get(0)
}

/// Changes something behind the API.
pub async fn execute(api: &TestApi, statement: &str, binds: &[&(dyn ToSql + Sync)]) {
    beside(api).await.execute(statement, binds).await.expect("done");
}

/// The number in an id such as `upload-7`.
pub fn number_of(id: &Value) -> i64 {
    id.as_str().and_then(|id| id.rsplit('-').next()).and_then(|number| number.parse().ok()).expect("an id")
}
