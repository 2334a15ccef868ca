//! What tests of channels stand on: the API over a socket, workers of the real engine, stand-ins for the vendors.

use domain::permissions::SystemRole;
use jobs::{kinds::registry, services::SharedServices};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tests::{
    crew::{Feeder, Workers},
    http::{TestApi, TestUser, config},
    meta::MetaServer,
    vendors::{
        Behaviour, SendgridServer, SesServer, SmtpSink, SnsServer, TextlocalServer, TwilioServer, WebhookBehaviour,
    },
    wait::until,
};
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;
use workers::WorkerConfig;

/// Long enough for a debug build on a busy machine.
pub const SOON: Duration = Duration::from_secs(90);
/// What our links and callbacks begin with.
pub const PUBLIC: &str = "https://renewals.example.com";

/// A stand-in for a vendor, whichever it is.
pub trait Peer {
    /// The settings of a process that is to send here.
    fn environment(&self) -> Vec<(&'static str, String)>;
    /// Where the API is, which is told what becomes of messages.
    fn tell(&self, api: &str);
    /// How many it took.
    fn taken(&self) -> usize;
    /// Correlations it took more than once.
    fn doubles(&self) -> BTreeMap<String, usize>;
    /// How many messages each recipient was sent.
    fn by_recipient(&self) -> BTreeMap<String, usize>;
    /// Requests its description does not allow.
    fn violations(&self) -> Vec<String>;
    /// Whether everything was told in time.
    async fn settled(&self, within: Duration) -> bool;
}

/// A stand-in that tells everything of every message.
pub fn open_book() -> Behaviour {
    let webhooks = WebhookBehaviour { read: 1.0, ..WebhookBehaviour::default() };
    Behaviour { webhooks, ..Behaviour::default() }
}

macro_rules! peer {
    ($($server:ty: $path:literal, $public:expr);+) => {$(
        impl Peer for $server {
            fn environment(&self) -> Vec<(&'static str, String)> { self.environment() }
            fn tell(&self, api: &str) {
                let public: fn(&Self) = $public;
                public(self);
                self.set_callback(Some(format!("{api}{}", $path)));
            }
            fn taken(&self) -> usize { self.accepted_count() }
            fn doubles(&self) -> BTreeMap<String, usize> { self.doubles() }
            fn by_recipient(&self) -> BTreeMap<String, usize> { self.by_recipient() }
            fn violations(&self) -> Vec<String> { self.violations() }
            async fn settled(&self, within: Duration) -> bool { self.webhooks_settled(within).await }
        }
    )+};
}
peer!(
    MetaServer: "/api/webhooks/whatsapp", |_| {};
    TwilioServer: "", |server| server.set_public_url(PUBLIC);
    SendgridServer: "", |_| {};
    TextlocalServer: "", |server| server.set_public_url(PUBLIC);
    SnsServer: "", |_| {};
    SesServer: "", |_| {}
);

impl Peer for SmtpSink {
    fn environment(&self) -> Vec<(&'static str, String)> {
        self.environment()
    }
    fn tell(&self, _api: &str) {}
    fn taken(&self) -> usize {
        self.accepted_count()
    }
    fn doubles(&self) -> BTreeMap<String, usize> {
        self.doubles()
    }
    fn by_recipient(&self) -> BTreeMap<String, usize> {
        self.by_recipient()
    }
    fn violations(&self) -> Vec<String> {
        self.violations()
    }
    async fn settled(&self, _within: Duration) -> bool {
        true
    }
}

/// The API, its database, and somebody who may do everything; the fields go in the order in which they may.
pub struct Ground {
    stop: CancellationToken,
    _feeder: Feeder,
    pub address: String,
    pub api: TestApi,
    pub user: TestUser,
    pub client: Client,
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Ground {
    /// Over these settings.
    pub async fn new(variables: &[(&'static str, String)]) -> Self {
        let public = [("PUBLIC_URL", PUBLIC.to_owned())];
        let all: Vec<(&str, &str)> =
            public.iter().chain(variables).map(|(name, value)| (*name, value.as_str())).collect();
        let api = TestApi::with(&all).await;
        let port: Vec<_> = all.iter().copied().chain([("PORT", "0")]).collect();
        let listening = api::listen(config(&api.base, api.storage.path(), &port), api.state.services.clone()).await;
        let listening = listening.expect("a socket");
        let (address, stop) = (format!("http://{}", listening.address()), CancellationToken::new());
        tokio::spawn(listening.serve(stop.clone()));
        let user = api.user(SystemRole::Administrator).await;
        let (client, connection) = tokio_postgres::connect(api.base.database.url(), NoTls).await.expect("a connection");
        tokio::spawn(connection);
        let feeder = Feeder::start(&api.state.services);
        wake(&api.state.services, stop.clone());
        Self { stop, _feeder: feeder, address, api, user, client }
    }

    /// Over a stand-in.
    pub async fn over(peer: &impl Peer) -> Self {
        let ground = Self::new(&peer.environment()).await;
        peer.tell(&ground.address);
        ground
    }

    /// Workers of all queues.
    pub fn workers(&self) -> Workers {
        Workers::start(&self.api.state.services, registry::all(), WorkerConfig::all_queues())
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.api.post(path).by(&self.user).json(&body).send().await;
        let status = answer.status.as_u16();
        answer.data(status)
    }

    pub async fn get(&self, path: &str) -> Value {
        self.api.get(path).by(&self.user).send().await.data(200)
    }

    /// A customer with a policy, a case, a number and an address; answers their number.
    pub async fn customers(&self, count: i64) -> i64 {
        let book = format!(
            "INSERT INTO file_uploads (filename, original_filename, file_size, file_type, upload_status) \
                VALUES ('book.csv', 'book.csv', 1, 'csv', 'completed'); \
             INSERT INTO customers (customer_code, first_name, last_name, phone, email, upload_id) \
                SELECT 'C' || n, 'First' || n, 'Last' || n, '+9198' || lpad(n::text, 8, '0'), \
                    'c' || n || '@example.com', u.id FROM generate_series(1, {count}) n, file_uploads u; \
             INSERT INTO policies (policy_number, customer_id, policy_type, premium_amount, start_date, end_date, \
                    upload_id, created_by_upload) \
                SELECT 'P' || c.id, c.id, 'motor', 10000, current_date - 335, current_date + 30, u.id, u.id \
                FROM customers c, file_uploads u; \
             INSERT INTO renewal_cases (policy_id, term_end, renewal_amount) \
                SELECT p.id, p.end_date, 10000 FROM policies p; \
             ANALYZE;"
        );
        self.client.batch_execute(&book).await.expect("a book");
        self.number("SELECT id FROM file_uploads").await
    }

    /// A campaign of that channel to everybody of the upload; answers its id.
    pub async fn campaign(&self, channel: &str, upload: i64, template: Value) -> String {
        let template = self.post("/api/templates", template).await["templateId"].clone();
        let campaign = json!({
            "name": "Renewals", "type": [channel], "uploadId": format!("upload-{upload}"),
            "templates": {channel: template}, "scheduleType": "immediate", "targetAudience": "all",
        });
        let answer = self.post("/api/campaigns", campaign).await;
        answer["campaigns"][0]["id"].as_str().expect("a campaign").to_owned()
    }

    pub async fn number(&self, query: &str) -> i64 {
        self.client.query_one(query, &[]).await.expect("an answer").get(0)
    }

    pub async fn texts(&self, query: &str) -> Vec<String> {
        let rows = self.client.query(query, &[]).await.expect("an answer");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Waits until a query answers true.
    pub async fn until_true(&self, what: &str, query: &str) {
        until(what, SOON, async || self.client.query_one(query, &[]).await.expect("an answer").get::<_, bool>(0)).await;
    }

    /// How many messages have which status.
    pub async fn by_status(&self) -> BTreeMap<String, i64> {
        let rows = self.client.query("SELECT status::TEXT, count(*) FROM messages GROUP BY 1", &[]).await;
        rows.expect("counts").iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Waits until a message stands there; answers how far it got.
    pub async fn until_status(&self, message: &str, status: &str) -> Value {
        let path = format!("/api/communication/delivery-status/{message}");
        until(&format!("{message} is {status}"), SOON, async || self.get(&path).await["status"] == status).await;
        self.get(&path).await
    }
}

/// As the scheduler does: events that come just as the job that applies them ends are applied all the same.
fn wake(services: &SharedServices, stop: CancellationToken) {
    let services = services.clone();
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        loop {
            tick.tick().await;
            // a server that a test breaks answers again later
            let _woken = jobs::provider_events::wake(&services).await;
        }
    }));
}
