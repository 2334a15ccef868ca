//! Where a case is played: a ledger, a Redis, one transport, and ways to look behind it.

use super::play::{Part, Play};
use jobs::kinds::registry::Registry;
use jobs::queue::admin::{self, JobFilter, JobRow, JobState};
use jobs::queue::ledger;
use jobs::queue::redis::Transport;
use jobs::queue::transport::{self, Parcel};
use jobs::services::SharedServices;
use jobs::{NewJob, Priority, Queue};
use local::testing::{Temporary, temporary};
use redis::aio::MultiplexedConnection;
use std::sync::Arc;
use std::time::Duration;
use tests::base::{self, Base};
use tests::crew::{Doomed, Feeder, Workers};
use tests::wait::until;
use uuid::Uuid;
use workers::{QueueSlots, WorkerConfig};

pub const SOON: Duration = Duration::from_secs(20);

/// The queue all cases use.
pub const QUEUE: Queue = Queue::Events;

pub struct Hall {
    base: Base,
    own: Option<Temporary>,
    storage: tempfile::TempDir,
    pub transport: Transport,
    pub services: SharedServices,
    pub play: Arc<Play>,
}

impl Hall {
    /// Over shared servers.
    pub async fn new(transport: Transport) -> Self {
        Self::over(transport, Base::new().await, None)
    }

    /// With a Redis of its own, to be broken or measured.
    pub async fn with_own_redis(transport: Transport) -> Self {
        let base = Base::new().await;
        let options = local::Options::for_tests().with_database_url(Some(base.database.url().into()));
        let own = temporary(options).await.expect("a Redis of the test's own");
        Self::over(transport, base, Some(own))
    }

    fn over(transport: Transport, base: Base, own: Option<Temporary>) -> Self {
        let storage = tempfile::tempdir().unwrap();
        let services = services(&base, own.as_ref(), storage.path(), transport);
        Self { base, own, storage, transport, services, play: Play::new() }
    }

    /// The Redis that may be broken.
    pub fn redis_server(&self) -> &local::Redis {
        self.own.as_ref().expect("a Redis of the test's own").redis().unwrap()
    }

    /// A connection that sees what the transport has in Redis.
    pub async fn redis(&self) -> MultiplexedConnection {
        self.services.redis.client().get_multiplexed_async_connection().await.unwrap()
    }

    pub fn workers(&self, slots: usize) -> Workers {
        Workers::start(&self.services, registry(), config(slots))
    }

    pub fn workers_with(&self, config: WorkerConfig) -> Workers {
        Workers::start(&self.services, registry(), config)
    }

    /// Workers that can be killed, with a lease of two seconds.
    pub fn doomed(&self) -> Doomed {
        let services = || services(&self.base, self.own.as_ref(), self.storage.path(), self.transport);
        Doomed::start(services, registry(), WorkerConfig { lease: Duration::from_secs(2), ..config(1) })
    }

    pub fn feeder(&self) -> Feeder {
        Feeder::start(&self.services)
    }

    /// Enqueues and pushes, with more patience for Redis than the fast path has: not every case has a feeder.
    pub async fn enqueue(&self, jobs: &[NewJob]) {
        let enqueued = {
            let mut connection = self.services.db.get().await.unwrap();
            ledger::enqueue(&mut connection, self.services.clock.now(), jobs).await.unwrap()
        };
        let due = enqueued.into_iter().filter(|job| job.due);
        let parcels: Vec<Parcel> =
            due.map(|job| Parcel { id: job.id, queue: job.queue, priority: job.priority }).collect();
        assert!(transport::push(&self.services.redis, &parcels).await.unwrap().is_empty());
    }

    pub async fn job(&self, id: Uuid) -> JobRow {
        admin::get(&self.services, id).await.unwrap().unwrap()
    }

    /// Waits until all of them are in that state.
    pub async fn reach(&self, jobs: &[NewJob], state: JobState) {
        let what = format!("{} jobs are {}", jobs.len(), state.name());
        until(&what, SOON, || async {
            for job in jobs {
                if self.job(job.id).await.state != state {
                    return false;
                }
            }
            true
        })
        .await;
    }

    /// How many jobs there are in that state.
    pub async fn count(&self, state: JobState) -> usize {
        let filter = JobFilter { state: Some(state), ..JobFilter::default() };
        admin::page(&self.services, &filter, 1, 100).await.unwrap().jobs.len()
    }

    pub async fn sql(&self, text: &str) {
        use diesel_async::SimpleAsyncConnection;
        self.services.db.get().await.unwrap().batch_execute(text).await.unwrap();
    }

    /// Ids in the transport that nobody has finished with, taken or not.
    pub async fn carried(&self) -> u64 {
        let levels = Priority::ALL.map(|level| (QUEUE, level));
        let waiting: u64 = transport::backlog(&self.services.redis, &levels).await.unwrap().iter().sum();
        match self.transport {
            // a stream's length includes what was taken
            Transport::Streams => waiting,
            Transport::ApalisRedis => waiting + self.taken().await,
        }
    }

    /// Ids that workers have taken and not yet acknowledged.
    pub async fn taken(&self) -> u64 {
        let mut connection = self.redis().await;
        let mut taken = 0;
        for level in Priority::ALL {
            let key = self.services.redis.carrier_key(QUEUE, level);
            taken += match self.transport {
                Transport::Streams => pending(&mut connection, &key).await,
                Transport::ApalisRedis => held(&mut connection, &key).await,
            };
        }
        taken
    }
}

async fn pending(connection: &mut MultiplexedConnection, key: &str) -> u64 {
    let summary: Result<redis::Value, _> = redis::cmd("XPENDING").arg(key).arg("workers").query_async(connection).await;
    match summary {
        Ok(redis::Value::Array(values)) => redis::from_redis_value(values[0].clone()).unwrap(),
        // no group yet
        _ => 0,
    }
}

async fn held(connection: &mut MultiplexedConnection, key: &str) -> u64 {
    let sets: Vec<String> = redis::cmd("KEYS").arg(format!("{key}:inflight:*")).query_async(connection).await.unwrap();
    let mut held = 0;
    for set in sets {
        held += redis::cmd("SCARD").arg(set).query_async::<u64>(connection).await.unwrap();
    }
    held
}

fn services(base: &Base, own: Option<&Temporary>, storage: &std::path::Path, transport: Transport) -> SharedServices {
    let redis = own.map_or(base.redis.url(), |own| own.redis_url());
    let variables = [
        ("DATABASE_URL", base.database.url()),
        ("REDIS_URL", redis),
        ("REDIS_NAMESPACE", base.redis.namespace()),
        ("QUEUE_TRANSPORT", transport.name()),
        ("DB_POOL", "6"),
    ];
    base::services(storage, &variables)
}

fn registry() -> Registry {
    Registry::new().with::<Part>()
}

pub fn config(slots: usize) -> WorkerConfig {
    WorkerConfig::new(vec![QueueSlots { queue: QUEUE, slots }])
}

/// Distinct labels.
pub fn labels(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("job {number}")).collect()
}
