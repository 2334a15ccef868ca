//! An API over the sandbox with a book, a template and workers, and looks behind them.

use crate::book::{self, Entry};
use domain::permissions::SystemRole;
use jobs::kinds::registry;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{
    crew::{Feeder, Workers},
    http::{Answer, TestApi, TestUser},
    wait::until,
};
use tokio_postgres::Client;
use workers::WorkerConfig;

/// Long enough for a debug build on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

pub struct Ground {
    _feeder: Feeder,
    pub api: TestApi,
    pub client: Client,
    pub manager: TestUser,
    pub upload: i64,
    pub template: i64,
}

impl Ground {
    pub async fn new(entries: &[Entry]) -> Self {
        Self::with(entries, &[]).await
    }

    pub async fn with(entries: &[Entry], variables: &[(&str, &str)]) -> Self {
        // days go by while somebody is signed in
        let lifetimes =
            [("ACCESS_TOKEN_LIFETIME", "90d"), ("SESSION_IDLE_TIMEOUT", "90d"), ("SESSION_LIFETIME", "90d")];
        let api = TestApi::with(&[variables, &lifetimes].concat()).await;
        let client = book::connect(&api.base).await;
        let manager = api.user(SystemRole::Administrator).await;
        let upload = book::write(&client, entries).await;
        let template = book::template(&client, "Dear {name}").await;
        let feeder = Feeder::start(&api.state.services);
        Self { _feeder: feeder, api, client, manager, upload, template }
    }

    pub fn workers(&self) -> Workers {
        Workers::start(&self.api.state.services, registry::all(), WorkerConfig::all_queues())
    }

    /// An immediate campaign over WhatsApp to everybody of the book, with other fields.
    pub fn request(&self, other: &Value) -> Value {
        let mut request = json!({
            "name": "May",
            "type": ["whatsapp"],
            "uploadId": format!("upload-{}", self.upload),
            "templates": {"whatsapp": format!("template-{}", self.template)},
            "targetAudience": "all"
        });
        let fields = request.as_object_mut().unwrap();
        fields.extend(other.as_object().unwrap().clone());
        request
    }

    /// Writes a campaign; its id.
    pub async fn create(&self, other: &Value) -> String {
        let answer = self.post("/api/campaigns", &self.request(other)).await;
        assert!(answer.status.is_success(), "{answer:?}");
        answer.json()["data"]["campaigns"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Days go by between requests: the manager signs in for each.
    async fn token(&self) -> String {
        self.api.session(self.manager.id).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.api.post(path).bearer(&self.token().await).json(body).send().await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.api.put(path).bearer(&self.token().await).json(body).send().await
    }

    pub async fn get(&self, path: &str) -> Value {
        self.api.get(path).bearer(&self.token().await).send().await.data(200)
    }

    pub async fn status(&self, id: &str) -> String {
        self.get(&format!("/api/campaigns/{id}")).await["status"].as_str().unwrap().to_owned()
    }

    pub async fn until_status(&self, id: &str, status: &str) {
        until(&format!("{id} is {status}"), SOON, || async { self.status(id).await == status }).await;
    }

    pub async fn until_number(&self, what: &str, query: &str, number: i64) {
        until(what, SOON, || async { book::number(&self.client, query).await == number }).await;
    }

    /// Waits until nothing is left to do now.
    pub async fn until_idle(&self) {
        let now = self.api.state.services.clock.now();
        let query = format!(
            "SELECT count(*) FROM jobs WHERE state IN ('available', 'running') OR (state = 'scheduled' AND run_at <= '{now}')"
        );
        self.until_number("no job is due", &query, 0).await;
    }
}

/// The number of a typed id.
pub fn number(id: &str) -> i64 {
    id.rsplit('-').next().unwrap().parse().unwrap()
}
