//! What campaign tests stand on: the stand-in for Meta, workers of the real engine, and looks behind them.

use crate::book;
use domain::{
    campaigns::{Audience, CampaignStatus},
    messaging::Channel,
};
use jobs::{campaigns::request, kinds::registry, queue::dispatch::Enqueued, services::SharedServices};
use schema::{
    AsyncConnection, DbError,
    audit::Actor,
    campaigns::{NewCampaign, Schedule, StatusChange},
};
use std::{collections::BTreeMap, time::Duration};
use tests::{
    base::Base,
    crew::{Feeder, Workers},
    meta::{Behaviour, Latency, MetaServer},
    wait::until,
};
use tokio_postgres::Client;
use workers::WorkerConfig;

/// Long enough for a debug build on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// A database, a Redis, a provider; the fields go in the order in which they may.
pub struct Ground {
    _feeder: Feeder,
    pub services: SharedServices,
    pub client: Client,
    pub meta: MetaServer,
    _files: tempfile::TempDir,
    _base: Base,
}

impl Ground {
    /// Over the stand-in.
    pub async fn new(behaviour: Behaviour) -> Self {
        Self::with(behaviour, true).await
    }

    /// Over the sandbox.
    pub async fn sandbox() -> Self {
        Self::with(Behaviour::default(), false).await
    }

    async fn with(behaviour: Behaviour, over_meta: bool) -> Self {
        let base = Base::new().await;
        let files = tempfile::tempdir().expect("a folder");
        let client = book::connect(&base).await;
        let meta = MetaServer::start(behaviour).await.expect("a stand-in for Meta");
        let mut variables = vec![("WHATSAPP_RATE_PER_SECOND", "5000".to_owned())];
        if over_meta {
            variables.extend(meta.environment());
        }
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let services = base.services(files.path(), &variables);
        Self { _feeder: Feeder::start(&services), services, client, meta, _files: files, _base: base }
    }

    /// Workers of these queues, such as `whatsapp=1`; of all when none is named.
    pub fn workers(&self, queues: &[&str]) -> Workers {
        let config = match queues {
            [] => WorkerConfig::all_queues(),
            some => WorkerConfig::new(some.iter().map(|queue| queue.parse().expect("a queue")).collect()),
        };
        Workers::start(&self.services, registry::all(), config)
    }

    /// A campaign to everybody of the upload.
    pub async fn campaign(&self, upload: i64, content: &str, schedule: Schedule) -> i64 {
        let template = book::template(&self.client, content).await;
        let new = NewCampaign {
            upload_id: Some(upload),
            status: match schedule {
                Schedule::Immediate => CampaignStatus::Preparing,
                Schedule::At { .. } => CampaignStatus::Scheduled,
                Schedule::Recurring { .. } => CampaignStatus::Active,
            },
            schedule,
            estimate: Some(7),
            ..NewCampaign::new("May", Channel::Whatsapp, template, Audience::All)
        };
        let now = self.services.clock.now();
        let mut connection = self.services.db.get().await.expect("a connection");
        let (ids, enqueued) = connection
            .transaction::<_, DbError, _>(async |connection| request::create(connection, now, &[new]).await)
            .await
            .expect("a campaign");
        self.services.dispatcher.push(&enqueued).await;
        ids[0]
    }

    /// A campaign to `count` people, at once.
    pub async fn to_many(&self, count: i64) -> i64 {
        let upload = book::write_many(&self.client, count).await;
        self.campaign(upload, "Dear {name}", Schedule::Immediate).await
    }

    /// A person's request, judged at this status.
    pub async fn change(&self, campaign: i64, from: CampaignStatus, to: CampaignStatus) -> Option<Vec<Enqueued>> {
        let change = StatusChange { campaign, from, to, actor: Actor::default() };
        let now = self.services.clock.now();
        let mut connection = self.services.db.get().await.expect("a connection");
        let follows = connection
            .transaction::<_, DbError, _>(async |connection| request::change_status(connection, now, &change).await)
            .await
            .expect("a judgement");
        self.services.dispatcher.push(follows.as_deref().unwrap_or_default()).await;
        follows
    }

    pub async fn status(&self, campaign: i64) -> String {
        let query = format!("SELECT status::TEXT FROM campaigns WHERE id = {campaign}");
        book::texts(&self.client, &query).await.remove(0)
    }

    pub async fn until_status(&self, campaign: i64, status: &str) {
        until(&format!("the campaign is {status}"), SOON, || async { self.status(campaign).await == status }).await;
    }

    pub async fn until_accepted(&self, count: usize) {
        until(&format!("{count} accepted"), SOON, || async { self.meta.accepted_count() >= count }).await;
    }

    /// Waits until a query answers true.
    pub async fn until_true(&self, what: &str, query: &str) {
        until(what, SOON, || async { self.client.query_one(query, &[]).await.expect("an answer").get::<_, bool>(0) })
            .await;
    }

    /// How many messages of the campaign have which status.
    pub async fn by_status(&self, campaign: i64) -> BTreeMap<String, i64> {
        let query = "SELECT status::TEXT, count(*) FROM messages WHERE campaign_id = $1 GROUP BY 1";
        let rows = self.client.query(query, &[&campaign]).await.expect("counts");
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// That nobody got more than one message, and no call broke the contract.
    pub fn assert_once(&self) {
        assert!(self.meta.doubles().is_empty(), "accepted more than once: {:?}", self.meta.doubles());
        assert!(self.meta.by_recipient().values().all(|count| *count == 1));
        assert_eq!(self.meta.violations(), Vec::<String>::new());
    }

    /// The figure of that name, as it is kept.
    pub async fn figure(&self, campaign: i64, name: &str) -> i64 {
        let query = "SELECT COALESCE((metrics -> 'metrics' ->> $2)::BIGINT, -1) FROM campaigns WHERE id = $1";
        self.client.query_one(query, &[&campaign, &name]).await.expect("a campaign").get(0)
    }

    pub async fn until_figure(&self, campaign: i64, name: &str, value: i64) {
        until(&format!("{name} is {value}"), SOON, || async { self.figure(campaign, name).await == value }).await;
    }
}

/// Statuses and how often.
pub fn counts<const N: usize>(expected: [(&str, i64); N]) -> BTreeMap<String, i64> {
    expected.into_iter().map(|(status, count)| (status.to_owned(), count)).collect()
}

/// A provider whose calls take so long.
pub fn slow(milliseconds: u64) -> Behaviour {
    let time = Duration::from_millis(milliseconds);
    Behaviour { latency: Latency { p50: time, p99: time }, ..Behaviour::default() }
}
