//! The campaign, and what must hold at its end.

use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tests::fleet::Fleet;
use tests::meta::{Behaviour, Latency};
use tests::wait::{until, until_some};
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::NoTls;

/// How many are to be sent a message.
pub const RECIPIENTS: usize = 20_000;

/// Long enough for a debug build on two busy cores.
const END: Duration = Duration::from_secs(400);

/// One fleet at a time: each is several processes and two servers.
static ONE: Mutex<()> = Mutex::const_new(());

/// A fleet with a book of policies and a campaign over it that is being sent.
pub struct Campaign {
    pub fleet: Fleet,
    id: String,
    _one: MutexGuard<'static, ()>,
}

impl Campaign {
    /// Three workers; Meta takes some milliseconds a call.
    pub async fn start() -> Self {
        let one = ONE.lock().await;
        let latency = Latency { p50: Duration::from_millis(10), p99: Duration::from_millis(60) };
        let fleet = Fleet::start(Behaviour { latency, ..Behaviour::default() }, 3).await;
        let upload = write_book(&fleet).await;
        let template = json!({
            "name": "Renewal reminder",
            "type": "whatsapp",
            "content": "Dear {name}, policy {policy_number} ends on {expiry_date}.",
            "variables": ["name", "policy_number", "expiry_date"],
        });
        let template = fleet.post("/api/templates", template).await["templateId"].clone();
        let campaign = json!({
            "name": "Under fire",
            "type": ["whatsapp"],
            "uploadId": format!("upload-{upload}"),
            "templates": {"whatsapp": template},
            "scheduleType": "immediate",
            "targetAudience": "all",
        });
        let answer = fleet.post("/api/campaigns", campaign).await;
        let id = answer["campaigns"][0]["id"].as_str().expect("a campaign").to_owned();
        Self { fleet, id, _one: one }
    }

    /// Waits until Meta has accepted that many.
    pub async fn accepted(&self, count: usize) {
        until(&format!("{count} accepted"), END, || async { self.fleet.meta.accepted_count() >= count }).await;
    }

    /// Waits for the end, and checks it.
    pub async fn ends_well(self) {
        until_some("the campaign completes", END, || async {
            let campaign = self.fleet.get(&format!("/api/campaigns/{}", self.id)).await?;
            (campaign["status"] == "completed").then_some(())
        })
        .await;
        assert!(self.fleet.meta.webhooks_settled(Duration::from_secs(120)).await, "webhooks are taken");
        let doubles = self.fleet.meta.doubles();
        assert!(doubles.is_empty(), "accepted more than once: {doubles:?}");
        assert_eq!(self.fleet.meta.violations(), Vec::<String>::new());
        self.every_recipient_is_accounted_for().await;
        self.every_job_ends().await;
    }

    async fn every_recipient_is_accounted_for(&self) {
        let client = connect(&self.fleet).await;
        // webhooks that came last are still being applied
        until("the events are applied", Duration::from_secs(60), || async {
            let waiting = "SELECT count(*) FROM provider_events WHERE applied_at IS NULL";
            client.query_one(waiting, &[]).await.expect("a count").get::<_, i64>(0) == 0
        })
        .await;
        let rows = client
            .query("SELECT address, status, COALESCE(error_message, error_code) FROM messages", &[])
            .await
            .expect("messages");
        assert_eq!(rows.len(), RECIPIENTS);
        let accepted: BTreeSet<String> = self.fleet.meta.by_recipient().into_keys().collect();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for row in rows {
            let (address, status, reason): (String, String, Option<String>) = (row.get(0), row.get(1), row.get(2));
            let taken = accepted.contains(address.trim_start_matches('+'));
            match status.as_str() {
                "sent" | "delivered" | "read" => assert!(taken, "{address} is {status}, and Meta knows nothing of it"),
                "unconfirmed" => assert!(reason.is_some(), "{address} is unconfirmed without a reason"),
                other => panic!("{address} ended {other}: {reason:?}"),
            }
            *counts.entry(status).or_default() += 1;
        }
        eprintln!("{} accepted, messages by status: {counts:?}", accepted.len());
    }

    async fn every_job_ends(&self) {
        let client = connect(&self.fleet).await;
        let live = "SELECT kind, state, count(*) FROM jobs \
            WHERE state IN ('available', 'running') OR (state = 'scheduled' AND run_at < now() + interval '1 minute') \
            GROUP BY 1, 2";
        until("every job ends", Duration::from_secs(90), || async {
            client.query(live, &[]).await.expect("jobs").is_empty()
        })
        .await;
        let discarded =
            client.query("SELECT kind, error FROM jobs WHERE state = 'discarded'", &[]).await.expect("jobs");
        let discarded: Vec<(String, Option<String>)> = discarded.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert!(discarded.is_empty(), "{discarded:?}");
    }
}

async fn connect(fleet: &Fleet) -> tokio_postgres::Client {
    let (client, connection) =
        tokio_postgres::connect(fleet.cluster.database_url(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// A customer, a policy and a case for each recipient; answers the upload.
async fn write_book(fleet: &Fleet) -> i64 {
    let count = RECIPIENTS;
    let client = connect(fleet).await;
    let book = format!(
        "INSERT INTO file_uploads (filename, original_filename, file_size, file_type, upload_status) \
            VALUES ('book.csv', 'book.csv', 1, 'csv', 'completed'); \
         INSERT INTO upload_batches (upload_id, file_name, status) SELECT id, 'book.csv', 'completed' FROM file_uploads; \
         INSERT INTO customers (customer_code, first_name, last_name, phone, upload_id) \
            SELECT 'C' || n, 'First' || n, 'Last' || n, '+9198' || lpad(n::text, 8, '0'), u.id \
            FROM generate_series(1, {count}) n, file_uploads u; \
         INSERT INTO policies (policy_number, customer_id, policy_type, premium_amount, start_date, end_date, upload_id, \
                created_by_upload) \
            SELECT 'P' || c.id, c.id, 'motor', 10000, current_date - 335, current_date + 30, u.id, u.id \
            FROM customers c, file_uploads u; \
         INSERT INTO renewal_cases (policy_id, term_end, batch_id, renewal_amount) \
            SELECT p.id, p.end_date, b.id, 10000 FROM policies p, upload_batches b; \
         ANALYZE;"
    );
    client.batch_execute(&book).await.expect("a book");
    client.query_one("SELECT id FROM file_uploads", &[]).await.expect("an upload").get(0)
}
