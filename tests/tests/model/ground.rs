//! What a world stands on: the API over a socket, real workers that can be killed, a scheduler that can sleep, stand-ins
//! for the providers, and a clock that is moved.

use crate::{
    chance::Chance,
    moves::Moves,
    peers::{PUBLIC, Peers},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::permissions::SystemRole;
use jobs::{kinds::registry, services::SharedServices};
use scheduler::ticks;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tests::{
    base::services,
    crew::{Doomed, Feeder},
    http::{Answer, TestApi, TestUser, config},
};
use tokio_postgres::{Client, NoTls, Row};
use tokio_util::sync::CancellationToken;
use workers::WorkerConfig;

/// The fields go in the order in which they may.
pub struct Ground {
    stop: CancellationToken,
    _feeder: Feeder,
    crew: Option<Doomed>,
    is_awake: Arc<AtomicBool>,
    variables: Vec<(&'static str, String)>,
    pub api: TestApi,
    pub client: Client,
    user: TestUser,
    second: TestUser,
    pub peers: Peers,
    pub moves: Moves,
    /// Of WhatsApp, e-mail and SMS; two each.
    pub templates: Vec<(&'static str, [String; 2])>,
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Ground {
    pub async fn new(seed: u64, chance: &mut Chance, threshold: Option<usize>) -> Self {
        let peers = Peers::start(seed).await;
        let mut variables = peers.environment(chance);
        variables.push(("PUBLIC_URL", PUBLIC.to_owned()));
        variables.extend(threshold.map(|most| ("CAMPAIGN_APPROVAL_RECIPIENTS", most.to_string())));
        let given: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let api = TestApi::with(&given).await;
        let port: Vec<_> = given.iter().copied().chain([("PORT", "0")]).collect();
        let listening = api::listen(config(&api.base, api.storage.path(), &port), api.state.services.clone()).await;
        let listening = listening.expect("a socket");
        peers.tell(&format!("http://{}", listening.address()));
        let stop = CancellationToken::new();
        tokio::spawn(listening.serve(stop.clone()));
        let (client, connection) = tokio_postgres::connect(api.base.database.url(), NoTls).await.expect("a connection");
        tokio::spawn(connection);
        // a day on which clocks are about to change somewhere, or an ordinary one
        let clock = &api.state.services.clock;
        let days = ["2027-03-12", "2027-03-26", "2027-04-02", "2027-06-10", "2027-09-24", "2027-10-30", "2027-11-05"];
        let begin: DateTime<Utc> = format!("{}T00:00:00Z", chance.of(&days)).parse().unwrap();
        let ahead = begin + TimeDelta::minutes(chance.below(24 * 60)) - clock.now();
        clock.advance(ahead);
        peers.advance(ahead);
        let moves = Moves::new(clock.now());
        let user = api.user(SystemRole::Administrator).await;
        let second = api.user(SystemRole::Administrator).await;
        let (feeder, is_awake) = (Feeder::start(&api.state.services), Arc::new(AtomicBool::new(true)));
        tick(&api.state.services, is_awake.clone(), stop.clone());
        let mut ground = Self {
            stop,
            _feeder: feeder,
            crew: None,
            is_awake,
            variables,
            api,
            client,
            user,
            second,
            peers,
            moves,
            templates: Vec::new(),
        };
        ground.write_templates().await;
        ground.hire();
        ground
    }

    async fn write_templates(&mut self) {
        for channel in ["whatsapp", "email", "sms"] {
            let mut ids = Vec::new();
            for text in ["Dear {name}, please renew.", "Hello {name}, it is time."] {
                let mut template = json!({"name": text, "type": channel, "content": text});
                match channel {
                    "email" => template["subject"] = json!("Renew"),
                    "whatsapp" => template["providerName"] = json!("renewal_reminder"),
                    _ => {}
                }
                let written = self.post("/api/templates", &template).await.data(201);
                ids.push(written["templateId"].as_str().unwrap().to_owned());
            }
            self.templates.push((channel, ids.try_into().unwrap()));
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.api.state.services.clock.now()
    }

    pub fn advance(&mut self, by: TimeDelta) {
        self.moves.note(by);
        self.peers.advance(by);
        self.api.state.services.clock.advance(by);
    }

    /// Starts workers of all queues, with connections of their own and the common clock.
    pub fn hire(&mut self) {
        let base = &self.api.base;
        let servers = [("DATABASE_URL", base.database.url()), ("REDIS_URL", base.redis.url())];
        let given = self.variables.iter().map(|(name, value)| (*name, value.as_str()));
        let all: Vec<(&str, &str)> = servers.into_iter().chain(given).collect();
        let (clock, storage) = (self.api.state.services.clock.clone(), self.api.storage.path());
        let made = || {
            let mut made = services(storage, &all);
            Arc::get_mut(&mut made).expect("nobody else has them yet").clock = clock;
            made
        };
        self.crew = Some(Doomed::start(made, registry::all(), WorkerConfig::all_queues()));
    }

    /// Kills the workers as SIGKILL would, lets the leases of their jobs run out, and starts others.
    pub async fn crash(&mut self) {
        self.crew = None;
        self.execute("UPDATE jobs SET leased_until = now() - interval '1 second' WHERE state = 'running'").await;
        self.hire();
    }

    /// Redis loses everything it had.
    pub async fn flush_redis(&self) {
        let client = redis::Client::open(self.api.base.redis.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        redis::cmd("FLUSHDB").query_async::<()>(&mut connection).await.unwrap();
    }

    /// The scheduler does nothing until it is woken.
    pub fn wake(&self, awake: bool) {
        self.is_awake.store(awake, Ordering::SeqCst);
    }

    async fn token(&self) -> String {
        self.api.session(self.user.id).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.api.post(path).bearer(&self.token().await).json(body).send().await
    }

    /// As somebody who writes no campaigns.
    pub async fn post_as_second(&self, path: &str, body: &Value) -> Answer {
        self.api.post(path).bearer(&self.api.session(self.second.id).await).json(body).send().await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.api.put(path).bearer(&self.token().await).json(body).send().await
    }

    pub async fn get(&self, path: &str) -> Value {
        self.api.get(path).bearer(&self.token().await).send().await.data(200)
    }

    pub async fn execute(&self, statement: &str) {
        self.client.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }

    pub async fn rows(&self, query: &str) -> Vec<Row> {
        self.client.query(query, &[]).await.unwrap_or_else(|error| panic!("{query}: {error:?}"))
    }

    pub async fn number(&self, query: &str) -> i64 {
        self.rows(query).await[0].get(0)
    }

    /// What is left to do now; empty when there is nothing.
    pub async fn undone(&self) -> Vec<String> {
        let now = self.now().to_rfc3339();
        let query = format!(
            "SELECT count(*) || ' ' || kind || ' ' || state FROM jobs WHERE state IN ('available', 'running') \
                OR (state = 'scheduled' AND run_at <= '{now}') GROUP BY kind, state \
             UNION ALL SELECT count(*) || ' events' FROM provider_events \
                WHERE applied_at IS NULL AND apply_after <= '{now}' HAVING count(*) > 0"
        );
        self.rows(&query).await.iter().map(|row| row.get(0)).collect()
    }
}

/// What the scheduler does for campaigns, over and over.
fn tick(services: &SharedServices, is_awake: Arc<AtomicBool>, stop: CancellationToken) {
    let services = services.clone();
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(60));
        loop {
            tick.tick().await;
            if is_awake.load(Ordering::SeqCst) {
                let _due = ticks::campaigns::due(&services).await;
                let _ladders = ticks::campaigns::ladders(&services).await;
                let _events = ticks::campaigns::events(&services).await;
            }
        }
    }));
}
