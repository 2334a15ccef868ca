//! Ids on their way: delivered, shared out, bounded, and without busy polling.

use super::hall::{Hall, QUEUE, SOON, labels};
use super::play::Act;
use jobs::queue::admin::JobState;
use jobs::queue::redis::Transport;
use jobs::queue::relay::{LEVEL_CAP, Relay};
use jobs::queue::transport::{self, Parcel, apalis_redis};
use jobs::{NewJob, Priority};
use redis::aio::MultiplexedConnection;
use std::collections::BTreeMap;
use std::time::Duration;
use tests::wait::until;
use tokio::time::Instant;

pub async fn jobs_are_delivered_and_run_once(transport: Transport) {
    let hall = Hall::new(transport).await;
    let labels = labels(400);
    let jobs: Vec<NewJob> = labels.iter().map(|label| hall.play.job(label, &[Act::Done])).collect();
    let (first, second, _feeder) = (hall.workers(4), hall.workers(8), hall.feeder());
    hall.services.enqueue_now(&jobs).await.unwrap();
    hall.reach(&jobs, JobState::Succeeded).await;
    hall.play.ran_once(labels.iter().map(String::as_str));
    until("nothing is left in Redis", SOON, || async { hall.carried().await == 0 }).await;
    first.stop().await;
    second.stop().await;
}

pub async fn duplicates_are_harmless(transport: Transport) {
    let hall = Hall::new(transport).await;
    let job = hall.play.job("one", &[Act::Wait]);
    let parcel = Parcel { id: job.id, queue: QUEUE, priority: Priority::Default };
    hall.enqueue(std::slice::from_ref(&job)).await;
    transport::push(&hall.services.redis, &[parcel; 5]).await.unwrap();
    let workers = [hall.workers(2), hall.workers(2)];
    hall.play.began(1).await;
    until("the others are dropped while it runs", SOON, || async { hall.carried().await == 1 }).await;
    hall.play.cue("one");
    hall.reach(std::slice::from_ref(&job), JobState::Succeeded).await;
    transport::push(&hall.services.redis, &[parcel; 3]).await.unwrap();
    until("and once it is done", SOON, || async { hall.carried().await == 0 }).await;
    hall.play.ran_once(["one"]);
    assert_eq!(hall.job(job.id).await.attempt, 1);
    for workers in workers {
        workers.stop().await;
    }
}

pub async fn levels_are_weighted_and_low_never_starves(transport: Transport) {
    let hall = Hall::new(transport).await;
    let jobs = Priority::ALL.into_iter().flat_map(|level| {
        let job = |_| hall.play.job(level.name(), &[Act::Done]).priority(level);
        (0..40).map(job).collect::<Vec<_>>()
    });
    let jobs: Vec<NewJob> = jobs.collect();
    hall.enqueue(&jobs).await;
    assert_eq!(hall.carried().await, 120, "all wait before the first is taken");
    let workers = hall.workers(1);
    hall.play.began(40).await;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for run in hall.play.runs().into_iter().take(40) {
        *counts.entry(run.label).or_default() += 1;
    }
    // two cycles of 14, 5 and 1; one read may fall to the look for abandoned ids
    let [high, default, low] = Priority::ALL.map(|level| counts.get(level.name()).copied().unwrap_or(0));
    assert!((26..=29).contains(&high) && (9..=11).contains(&default) && (1..=3).contains(&low), "{counts:?}");
    hall.reach(&jobs, JobState::Succeeded).await;
    workers.stop().await;
}

pub async fn no_more_ids_are_taken_than_there_are_free_slots(transport: Transport) {
    let hall = Hall::new(transport).await;
    let jobs: Vec<NewJob> = labels(10).iter().map(|label| hall.play.job(label, &[Act::Wait])).collect();
    hall.enqueue(&jobs).await;
    let workers = hall.workers(3);
    hall.play.began(3).await;
    assert_eq!((hall.taken().await, hall.carried().await), (3, 10));
    for run in hall.play.runs() {
        hall.play.cue(&run.label);
    }
    hall.play.began(6).await;
    assert!(hall.taken().await <= 3);
    assert_eq!(hall.play.runs().iter().filter(|run| !run.ended).count(), 3);
    for label in labels(10) {
        hall.play.cue(&label);
    }
    hall.reach(&jobs, JobState::Succeeded).await;
    workers.stop().await;
}

pub async fn what_names_no_job_is_thrown_away(transport: Transport) {
    let hall = Hall::new(transport).await;
    let key = hall.services.redis.carrier_key(QUEUE, Priority::Default);
    let mut connection = hall.redis().await;
    let mut pipe = redis::pipe();
    match transport {
        Transport::Streams => pipe.cmd("XADD").arg(&key).arg("*").arg("job").arg("rubbish"),
        Transport::ApalisRedis => {
            let meta = ["attempts", "0", "max_attempts", "25", "status", "Pending"];
            pipe.cmd("HSET").arg(format!("{key}:meta:rubbish")).arg(&meta);
            pipe.cmd("HSET").arg(format!("{key}:data")).arg("rubbish").arg("{malformed");
            // of the second one nothing but the name is there
            pipe.cmd("RPUSH").arg(format!("{key}:active")).arg("rubbish").arg("hollow")
        }
    };
    pipe.query_async::<()>(&mut connection).await.unwrap();
    let job = hall.play.job("one", &[Act::Done]);
    hall.enqueue(std::slice::from_ref(&job)).await;
    let workers = hall.workers(4);
    hall.reach(std::slice::from_ref(&job), JobState::Succeeded).await;
    until("the rubbish is gone", SOON, || async { hall.carried().await == 0 }).await;
    workers.stop().await;
}

pub async fn a_flood_stays_in_the_ledger(transport: Transport) {
    let hall = Hall::new(transport).await;
    let (relay, level) = (Relay::new(hall.services.clone()), [(QUEUE, Priority::Default)]);
    let waiting = async || transport::backlog(&hall.services.redis, &level).await.unwrap()[0];
    let jobs: Vec<NewJob> = (0..3_000).map(|_| hall.play.job("flood", &[Act::Done])).collect();
    hall.enqueue(&jobs).await;
    while relay.tick().await.unwrap().pushed > 0 {}
    assert_eq!(waiting().await, LEVEL_CAP, "the relay fills up to its bound");
    for jobs in jobs.chunks(250) {
        let again: Vec<Parcel> =
            jobs.iter().map(|job| Parcel { id: job.id, queue: QUEUE, priority: Priority::Default }).collect();
        transport::push(&hall.services.redis, &again).await.unwrap();
    }
    match transport {
        // a stream may be as long as there is memory: only the relay is bounded
        Transport::Streams => assert_eq!(waiting().await, LEVEL_CAP + 3_000),
        // this would stop for good at 8,000 that are not promoted: everybody is bounded, and all are promoted
        Transport::ApalisRedis => {
            assert_eq!(waiting().await, apalis_redis::HIGH_WATER);
            let unpromoted = format!("{}:scheduled", hall.services.redis.carrier_key(QUEUE, Priority::Default));
            let unpromoted: u64 =
                redis::cmd("ZCARD").arg(unpromoted).query_async(&mut hall.redis().await).await.unwrap();
            assert_eq!(unpromoted, 0);
        }
    }
    redis::cmd("FLUSHDB").query_async::<()>(&mut hall.redis().await).await.unwrap();
    let follows = "the rest follows once there is room";
    until(follows, SOON, || async {
        relay.tick().await.unwrap();
        waiting().await >= 3_000 - LEVEL_CAP
    })
    .await;
}

pub async fn an_idle_worker_asks_for_little_and_starts_at_once(transport: Transport) {
    let hall = Hall::with_own_redis(transport).await;
    let workers = hall.workers(4);
    let first = hall.play.job("first", &[Act::Done]);
    hall.enqueue(std::slice::from_ref(&first)).await;
    hall.reach(std::slice::from_ref(&first), JobState::Succeeded).await;
    let mut connection = hall.redis().await;
    let (since, before) = (clock(&mut connection).await, calls(&mut connection).await);
    until("three seconds of Redis's own", SOON, || {
        let mut connection = connection.clone();
        async move { clock(&mut connection).await >= since + 3 }
    })
    .await;
    // a stream is read by one blocked command a second and a look at each level; apalis-redis is asked by a script for
    // each level every five seconds, with a heartbeat of a dozen commands: both far from what polling would cost
    let spent = calls(&mut connection).await - before;
    assert!(spent < 60, "{spent} commands in three seconds");
    let began = Instant::now();
    hall.enqueue(&[hall.play.job("second", &[Act::Done])]).await;
    hall.play.began(2).await;
    assert!(began.elapsed() < Duration::from_secs(4), "woken, not found by chance: {:?}", began.elapsed());
    workers.stop().await;
}

/// Redis's own, in seconds.
async fn clock(connection: &mut MultiplexedConnection) -> u64 {
    redis::cmd("TIME").query_async::<(u64, u64)>(connection).await.unwrap().0
}

/// Commands that Redis has run, those inside scripts too, but for the test's own.
async fn calls(connection: &mut MultiplexedConnection) -> u64 {
    let stats: String = redis::cmd("INFO").arg("commandstats").query_async(connection).await.unwrap();
    let calls = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let count: u64 = rest.split_once(',')?.0.parse().ok()?;
        (!matches!(name, "time" | "info")).then_some(count)
    };
    stats.lines().filter_map(calls).sum()
}
