//! A mail server, mailboxes, a database with messages in it, and workers that run the job.

use jobs::{
    NewJob,
    kinds::{read_bounces::ReadBounces, registry},
    services::SharedServices,
};
use std::time::Duration;
use tempfile::TempDir;
use tests::{
    base::Base,
    crew::Workers,
    peers::{
        certificate,
        dovecot::{Dovecot, PASSWORD},
    },
    wait::until,
};
use tokio_postgres::{Client, NoTls};
use workers::WorkerConfig;

/// Where mails that do not arrive come back to.
pub const BOUNCES: &str = "bounces@renewals.test";

pub struct Ground {
    pub dovecot: Dovecot,
    pub client: Client,
    pub services: SharedServices,
    _storage: TempDir,
    _base: Base,
}

impl Ground {
    /// Mailboxes for these people besides that for bounces, which is read with STARTTLS or, else, TLS from the start.
    pub async fn new(people: &[&str], starttls: bool) -> Self {
        let accounts: Vec<&str> = [BOUNCES].iter().chain(people).copied().collect();
        let dovecot = Dovecot::start(&accounts);
        let base = Base::new().await;
        let storage = tempfile::tempdir().unwrap();
        let port = if starttls { dovecot.imap_port } else { dovecot.imaps_port };
        let services = base.services(
            storage.path(),
            &[
                ("BOUNCE_IMAP_HOST", "localhost"),
                ("BOUNCE_IMAP_PORT", &port.to_string()),
                ("BOUNCE_IMAP_ENCRYPTION", if starttls { "starttls" } else { "implicit" }),
                ("BOUNCE_IMAP_USER", BOUNCES),
                ("BOUNCE_IMAP_PASS", PASSWORD),
                ("BOUNCE_IMAP_CA_FILE", &certificate().display().to_string()),
            ],
        );
        let (client, connection) = tokio_postgres::connect(base.database.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        Self { dovecot, client, services, _storage: storage, _base: base }
    }

    /// A mail that was sent to this address; its number.
    pub async fn sent(&self, address: &str) -> i64 {
        let insert = "INSERT INTO messages (channel, address, status, attempts, provider, sent_at) \
                      VALUES ('email', $1, 'sent', 1, 'smtp', now()) RETURNING id";
        self.client.query_one(insert, &[&address]).await.unwrap().get(0)
    }

    /// Runs the job, and what follows from it, to the end.
    pub async fn read(&self) {
        let job = NewJob::of(&ReadBounces {}).unwrap();
        self.services.enqueue_now(&[job]).await.unwrap();
        let workers = Workers::start(&self.services, registry::all(), WorkerConfig::all_queues());
        until("the job and what follows to be done", Duration::from_secs(20), async || {
            let open = "SELECT id FROM jobs WHERE state NOT IN ('succeeded', 'discarded')";
            self.client.query(open, &[]).await.unwrap().is_empty()
        })
        .await;
        workers.stop().await;
        let failed = self.texts("SELECT error FROM jobs WHERE error IS NOT NULL").await;
        assert_eq!(failed, [] as [String; 0]);
    }

    /// The first column of a query's rows.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        self.client.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// What is known of a mail: its status, why it failed.
    pub async fn stands(&self, id: i64) -> (String, Option<String>) {
        let query = "SELECT status::TEXT, error_code::TEXT FROM messages WHERE id = $1";
        let row = self.client.query_one(query, &[&id]).await.unwrap();
        (row.get(0), row.get(1))
    }
}
