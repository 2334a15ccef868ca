//! Reading the mails of a test: they are in the storage, since there is no mail server.
//!
//! Panics when a job fails or a mail cannot be read: the test has failed.

use crate::{crew::Workers, http::TestApi, wait};
use jobs::kinds::registry;
use schema::ledger::Ready;
use std::{collections::BTreeSet, path::Path, time::Duration};
use workers::WorkerConfig;

/// A mail that was sent.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The recipient.
    pub to: String,
    /// The subject, decoded where it is plain.
    pub subject: String,
    /// The text part, decoded.
    pub text: String,
    /// All of it, as it went out.
    pub raw: String,
}

impl Mail {
    /// The token of its link.
    #[track_caller]
    pub fn token(&self) -> String {
        let (_, rest) = self.text.split_once("#token=").expect("a link with a token");
        rest.lines().next().unwrap_or_default().trim().to_owned()
    }
}

/// Runs all jobs that are due, and those that follow, then answers the mails that have been sent since the last time, in
/// the order of their jobs.
pub async fn deliver(api: &TestApi) -> Vec<Mail> {
    let before = kept(api.storage.path());
    let workers = Workers::start(&api.state.services, registry::all(), WorkerConfig::all_queues());
    let (client, connection) =
        tokio_postgres::connect(api.base.database.url(), tokio_postgres::NoTls).await.expect("a connection");
    let driver = tokio::spawn(connection);
    // whoever committed a job without telling of it has the relay do so, which takes its time
    let untold = "SELECT id, queue, priority FROM jobs WHERE state = 'available'";
    let untold = client.query(untold, &[]).await.expect("an answer");
    let ready = untold.iter().map(|row| Ready { id: row.get(0), queue: row.get(1), priority: row.get(2) });
    api.state.services.dispatcher.push_ready(&ready.collect::<Vec<_>>()).await;
    wait::until("all jobs to be done", Duration::from_secs(30), async || {
        let open =
            "SELECT id FROM jobs WHERE state IN ('available', 'running') OR (state = 'scheduled' AND attempt = 0)";
        client.query(open, &[]).await.expect("an answer").is_empty()
    })
    .await;
    workers.stop().await;
    let failed = client.query("SELECT kind, error FROM jobs WHERE error IS NOT NULL", &[]).await.expect("an answer");
    let failed: Vec<(String, String)> = failed.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert!(failed.is_empty(), "{failed:?}");
    driver.abort();
    let new = kept(api.storage.path());
    new.difference(&before).map(|name| read(&api.storage.path().join("outbox").join(name))).collect()
}

fn kept(storage: &Path) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(storage.join("outbox")) else { return BTreeSet::new() };
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn read(path: &Path) -> Mail {
    let raw = std::fs::read_to_string(path).expect("a mail");
    parse(&raw)
}

/// Reads a mail of ours: an alternative of text and page.
pub fn parse(raw: &str) -> Mail {
    let header = |name: &str| {
        let line = raw.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    let part = raw.split("text/plain; charset=utf-8").nth(1).expect("a text part");
    let (headers, body) = part.split_once("\r\n\r\n").expect("an end of the headers");
    let body = body.split("\r\n--").next().unwrap_or_default();
    let text = if headers.contains("quoted-printable") { decoded(body) } else { body.replace("\r\n", "\n") };
    Mail { to: header("To:"), subject: header("Subject:"), text, raw: raw.to_owned() }
}

/// Quoted-printable (RFC 2045, 6.7).
fn decoded(text: &str) -> String {
    let text = text.replace("=\r\n", "").replace("\r\n", "\n");
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let digits = [rest.next(), rest.next()].map(|digit| char::from(digit.expect("two digits")));
            let code = digits.iter().collect::<String>();
            bytes.push(u8::from_str_radix(&code, 16).expect("hexadecimal digits"));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
