//! The scheduler: what is due is fired once, whoever and how many look; what cannot be fired stops nothing else.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use jobs::{Clock, Decision, Job, JobContext, JobError, Queue, kinds::registry::Registry, services::SharedServices};
use scheduler::{Tick, run_ticks, ticks::cron};
use schema::schedules::{NewSchedule, add_missing};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use tests::{base::Base, diesel_schema::connect, wait::until_some};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

fn now() -> DateTime<Utc> {
    Clock::default().now()
}

#[derive(Serialize, Deserialize)]
struct Chime {}

impl Job for Chime {
    const KIND: &'static str = "chime";
    const QUEUE: Queue = Queue::Maintenance;

    async fn run(self, _: JobContext) -> Result<Decision, JobError> {
        Ok(Decision::done())
    }
}

struct Ground {
    base: Base,
    client: Client,
    files: tempfile::TempDir,
    registry: Arc<Registry>,
}

impl Ground {
    async fn new() -> Self {
        let base = Base::new().await;
        let client = connect(base.database.url()).await;
        let files = tempfile::tempdir().expect("a folder");
        Self { base, client, files, registry: Arc::new(Registry::new().with::<Chime>()) }
    }

    /// As a process of its own would have them.
    fn services(&self) -> SharedServices {
        self.base.services(self.files.path(), &[("DB_POOL", "4")])
    }

    async fn add(&self, name: &str, kind: &str, cron: &str) {
        let mut connection = self.base.db().get().await.expect("a connection");
        let schedule = NewSchedule { name, kind, cron, time_zone: "Asia/Kolkata" };
        assert_eq!(add_missing(&mut connection, &[schedule]).await.expect("added"), 1);
    }

    async fn due_at(&self, name: &str, at: DateTime<Utc>) {
        self.client
            .execute("UPDATE schedules SET next_fire_at = $2 WHERE name = $1", &[&name, &at])
            .await
            .expect("set");
    }

    async fn next(&self, name: &str) -> Option<DateTime<Utc>> {
        let row = self.client.query_one("SELECT next_fire_at FROM schedules WHERE name = $1", &[&name]).await;
        row.expect("the schedule").get(0)
    }

    async fn jobs(&self) -> i64 {
        self.client.query_one("SELECT count(*) FROM jobs", &[]).await.expect("a count").get(0)
    }

    /// As if workers had done them.
    async fn finish_jobs(&self) {
        let finish = "UPDATE jobs SET state = 'succeeded', finished_at = now() WHERE state = 'available'";
        self.client.execute(finish, &[]).await.expect("finished");
    }
}

#[tokio::test]
async fn of_many_schedulers_exactly_one_fires() {
    const ROUNDS: i64 = 15;
    let ground = Ground::new().await;
    ground.add("chime", Chime::KIND, "0 * * * *").await;
    let schedulers: Vec<_> = (0..4).map(|_| ground.services()).collect();
    for round in 1..=ROUNDS {
        ground.due_at("chime", now() - TimeDelta::seconds(1)).await;
        let fires = schedulers.iter().chain(&schedulers).map(|services| cron::fire_due(services, &ground.registry));
        for fired in join_all(fires).await {
            fired.expect("a look");
        }
        assert_eq!(ground.jobs().await, round);
        assert!(ground.next("chime").await > Some(now()));
        ground.finish_jobs().await;
    }
    let last = "SELECT count(*) FROM schedules s JOIN jobs j ON j.id = s.last_job_id WHERE s.last_fire_at IS NOT NULL";
    assert_eq!(ground.client.query_one(last, &[]).await.expect("a count").get::<_, i64>(0), 1);
}

#[tokio::test]
async fn it_fires_within_a_second_of_its_time() {
    let ground = Ground::new().await;
    ground.add("chime", Chime::KIND, "@yearly").await;
    let due = now() + TimeDelta::milliseconds(700);
    ground.due_at("chime", due).await;
    let shutdown = CancellationToken::new();
    let schedulers: Vec<_> = (0..2)
        .map(|_| {
            let (services, registry) = (ground.services(), ground.registry.clone());
            let tick = Tick::new("cron", Duration::from_millis(250), move || {
                let (services, registry) = (services.clone(), registry.clone());
                async move { cron::tick(&services, &registry).await }
            });
            tokio::spawn(run_ticks(vec![tick], shutdown.clone()))
        })
        .collect();
    let created = until_some("the job", Duration::from_secs(10), async || {
        let row = ground.client.query_opt("SELECT created_at FROM jobs", &[]).await.expect("a query");
        row.map(|row| row.get::<_, DateTime<Utc>>(0))
    })
    .await;
    assert!(created >= due && created - due < TimeDelta::seconds(1), "due {due}, fired {created}");
    shutdown.cancel();
    for scheduler in schedulers {
        scheduler.await.expect("a clean end");
    }
    assert_eq!(ground.jobs().await, 1);
}

#[tokio::test]
async fn what_was_missed_is_fired_once() {
    let ground = Ground::new().await;
    ground.add("chime", Chime::KIND, "*/5 * * * *").await;
    ground.due_at("chime", now() - TimeDelta::days(3)).await;
    let services = ground.services();
    for _ in 0..3 {
        cron::fire_due(&services, &ground.registry).await.expect("a look");
        ground.finish_jobs().await;
    }
    assert_eq!(ground.jobs().await, 1);
    assert!(ground.next("chime").await > Some(now()));
}

#[tokio::test]
async fn while_its_job_is_alive_it_makes_no_other() {
    let ground = Ground::new().await;
    ground.add("chime", Chime::KIND, "0 * * * *").await;
    let services = ground.services();
    for _ in 0..3 {
        ground.due_at("chime", now() - TimeDelta::seconds(1)).await;
        cron::fire_due(&services, &ground.registry).await.expect("a look");
    }
    assert_eq!(ground.jobs().await, 1);
}

#[tokio::test]
async fn a_new_one_waits_for_its_time() {
    let ground = Ground::new().await;
    ground.add("chime", Chime::KIND, "30 9 * * *").await;
    cron::fire_due(&ground.services(), &ground.registry).await.expect("a look");
    assert_eq!(ground.jobs().await, 0);
    let next = ground.next("chime").await.expect("a time");
    // half past nine in India
    assert_eq!(next.format("%H:%M:%S").to_string(), "04:00:00");
}

#[tokio::test]
async fn what_cannot_be_fired_stops_no_other() {
    let ground = Ground::new().await;
    ground.add("broken", Chime::KIND, "every now and then").await;
    ground.add("of a newer version", "not_yet_known", "* * * * *").await;
    ground.add("chime", Chime::KIND, "* * * * *").await;
    let past = now() - TimeDelta::hours(1);
    for name in ["broken", "of a newer version", "chime"] {
        ground.due_at(name, past).await;
    }
    cron::fire_due(&ground.services(), &ground.registry).await.expect("a look");
    let rows = ground.client.query("SELECT name::TEXT FROM schedules WHERE NOT enabled", &[]).await.expect("rows");
    assert_eq!(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["broken"]);
    let left = ground.next("of a newer version").await.expect("still due");
    assert!((left - past).abs() < TimeDelta::milliseconds(1));
    assert_eq!(ground.jobs().await, 1);
    assert!(ground.next("chime").await > Some(now()));
}
