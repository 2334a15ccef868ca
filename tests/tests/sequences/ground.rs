//! What ladders are tested on: the API, a book whose policies end when the test says, workers over the sandbox, and a
//! clock that is moved.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::permissions::SystemRole;
use jobs::{kinds::registry, services::SharedServices};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{
    crew::{Feeder, Workers},
    http::{Answer, TestApi, TestUser},
    wait::until,
};
use tokio_postgres::{Client, NoTls};
use workers::WorkerConfig;

/// Long enough for a debug build on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// The queues that take steps and send; what the sandbox tells of messages is left alone, so that a test decides it.
pub const SENDING: [&str; 4] = ["campaigns=1", "whatsapp=1", "email=1", "sms=1"];

/// The fields go in the order in which they may.
pub struct Ground {
    _feeder: Feeder,
    pub api: TestApi,
    pub client: Client,
    user: TestUser,
    /// Of email, WhatsApp and SMS.
    pub templates: [String; 3],
}

/// Somebody with a policy.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    pub number: i64,
    pub phone: Option<&'static str>,
    pub has_email: bool,
    pub ends: NaiveDate,
}

impl Person {
    pub fn new(number: i64, ends: NaiveDate) -> Self {
        Self { number, phone: None, has_email: true, ends }
    }
}

impl Ground {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With these settings.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        let api = TestApi::with(variables).await;
        let user = api.user(SystemRole::Administrator).await;
        let (client, connection) = tokio_postgres::connect(api.base.database.url(), NoTls).await.expect("a connection");
        tokio::spawn(connection);
        let mut ground =
            Self { _feeder: Feeder::start(&api.state.services), api, client, user, templates: Default::default() };
        for (index, channel) in ["email", "whatsapp", "sms"].into_iter().enumerate() {
            let mut template = json!({"name": channel, "type": channel, "content": "Dear {name}, please renew."});
            if channel == "email" {
                template["subject"] = json!("Renew");
            }
            if channel == "whatsapp" {
                template["providerName"] = json!("renewal_reminder");
            }
            let answer = ground.post("/api/templates", &template).await;
            let id = answer.data(201)["templateId"].as_str().map(str::to_owned);
            ground.templates[index] = id.expect("a template");
        }
        ground
    }

    pub fn services(&self) -> &SharedServices {
        &self.api.state.services
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.services().clock.now()
    }

    /// So many days from the present one.
    pub fn day(&self, ahead: i64) -> NaiveDate {
        (self.now() + TimeDelta::days(ahead)).date_naive()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let token = self.api.session(self.user.id).await;
        self.api.post(path).bearer(&token).json(body).send().await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        let token = self.api.session(self.user.id).await;
        self.api.put(path).bearer(&token).json(body).send().await
    }

    pub async fn get(&self, path: &str) -> Value {
        let token = self.api.session(self.user.id).await;
        self.api.get(path).bearer(&token).send().await.data(200)
    }

    pub async fn run(&self, statement: &str) {
        self.client.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }

    pub async fn number(&self, query: &str) -> i64 {
        self.client.query_one(query, &[]).await.unwrap_or_else(|error| panic!("{query}: {error:?}")).get(0)
    }

    pub async fn texts(&self, query: &str) -> Vec<String> {
        let rows = self.client.query(query, &[]).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Writes people, their policies and cases; a person's customer, policy and case have the person's number.
    pub async fn people(&self, people: &[Person]) {
        for person in people {
            let number = person.number;
            let phone = person.phone.map_or("NULL".to_owned(), |phone| format!("'{phone}'"));
            let email = if person.has_email { format!("'p{number}@example.com'") } else { "NULL".to_owned() };
            let ends = person.ends;
            self.run(&format!(
                "INSERT INTO customers (id, customer_code, first_name, last_name, phone, email) \
                    VALUES ({number}, 'C{number}', 'First', 'Last', {phone}, {email}); \
                 INSERT INTO policies (id, policy_number, customer_id, policy_type, premium_amount, start_date, end_date) \
                    VALUES ({number}, 'P{number}', {number}, 'motor', 10000, '{ends}'::DATE - 364, '{ends}'); \
                 INSERT INTO renewal_cases (id, policy_id, term_end, renewal_amount) \
                    VALUES ({number}, {number}, '{ends}', 10000)"
            ))
            .await;
        }
    }

    /// A step by e-mail, at ten.
    pub fn step(&self, days: i64) -> Value {
        json!({"days": days, "at": "10:00", "channel": "email", "templateId": self.templates[0]})
    }

    /// A step on a channel: 0 e-mail, 1 WhatsApp, 2 SMS.
    pub fn step_on(&self, days: i64, channel: usize) -> Value {
        let name = ["email", "whatsapp", "sms"][channel];
        json!({"days": days, "at": "10:00", "channel": name, "templateId": self.templates[channel]})
    }

    /// A ladder for everybody; its campaign's number.
    pub async fn ladder(&self, steps: &[Value], more: &Value) -> i64 {
        let mut request = json!({"name": "Ladder", "targetAudience": "all", "steps": steps});
        for (name, value) in more.as_object().into_iter().flatten() {
            request[name] = value.clone();
        }
        let answer = self.post("/api/campaigns/sequences", &request).await;
        let status = answer.status.as_u16();
        let id = answer.data(status)["id"].as_str().expect("a campaign").to_owned();
        id.trim_start_matches("campaign-").parse().expect("a number")
    }

    pub async fn ask(&self, campaign: i64, status: &str) {
        self.put(&format!("/api/campaigns/campaign-{campaign}/status"), &json!({"status": status})).await.data(200);
    }

    /// Workers of these queues.
    pub fn workers(&self, queues: &[&str]) -> Workers {
        let config = WorkerConfig::new(queues.iter().map(|queue| queue.parse().expect("a queue")).collect());
        Workers::start(self.services(), registry::all(), config)
    }

    /// Has done what is due, and waits until nothing is.
    pub async fn settle(&self) {
        let queues = "'campaigns', 'whatsapp', 'email', 'sms'";
        self.settle_on(queues).await;
    }

    /// As [`Self::settle`], on these queues only; messages may be left pending.
    pub async fn settle_on(&self, queues: &str) {
        until("nothing is due", SOON, || async move {
            jobs::sequences::wake(self.services()).await.expect("a look");
            let now = self.now().to_rfc3339();
            let idle = format!(
                "SELECT NOT EXISTS (SELECT 1 FROM jobs WHERE queue IN ({queues}) \
                            AND (state IN ('available', 'running') OR state = 'scheduled' AND run_at <= '{now}')) \
                    AND NOT EXISTS (SELECT 1 FROM campaigns c JOIN campaign_enrolments e ON e.campaign_id = c.id \
                            WHERE c.status = 'active' AND e.state = 'active' AND LEAST(e.next_at, e.fallback_at) <= '{now}') \
                    AND NOT EXISTS (SELECT 1 FROM enrolment_news)"
            );
            self.client.query_one(&idle, &[]).await.expect("an answer").get(0)
        })
        .await;
    }

    /// Moves the clock to that instant, and has done what is due then.
    pub async fn move_to(&self, at: DateTime<Utc>) {
        let by = at - self.now();
        assert!(by >= TimeDelta::zero(), "{at} is past");
        self.services().clock.advance(by);
        self.settle().await;
    }

    /// Ten o'clock in Kolkata, so many days from a day, and a minute.
    pub async fn move_to_day(&self, day: NaiveDate, days: i64) {
        let at = (day + TimeDelta::days(days)).and_hms_opt(4, 31, 0).expect("a time").and_utc();
        self.move_to(at).await;
    }

    /// Which messages there are, as `policy/step/channel/status`.
    pub async fn messages(&self) -> Vec<String> {
        self.texts(
            "SELECT policy_id || '/' || step || '/' || channel || '/' || status FROM messages ORDER BY policy_id, step, id",
        )
        .await
    }

    pub async fn enrolment(&self, policy: i64) -> String {
        let query = format!(
            "SELECT state || COALESCE(': ' || stopped_for, '') FROM campaign_enrolments WHERE policy_id = {policy} \
             ORDER BY id DESC LIMIT 1"
        );
        self.texts(&query).await.pop().unwrap_or_default()
    }

    pub async fn status(&self, campaign: i64) -> String {
        self.texts(&format!("SELECT status::TEXT FROM campaigns WHERE id = {campaign}")).await.remove(0)
    }
}
