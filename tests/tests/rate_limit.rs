//! The shared rate limit against a real Redis: several limiters, as several workers would have them.

use anyhow::Result;
use providers::{
    messaging::SendRate,
    rate_limit::RateLimiter,
    recipient_limits::{Admission, PairRate, Recipient, RecipientLimits},
};
use redis::aio::ConnectionManager;
use std::time::{Duration, Instant};

const ACCOUNT: &str = "whatsapp:1";

/// A limiter with a connection of its own, as each worker process has one.
async fn limiter(url: &str) -> Result<RateLimiter> {
    Ok(RateLimiter::new(ConnectionManager::new(redis::Client::open(url)?).await?))
}

/// Takes all there is until the time is up; how many were granted.
async fn take_all(limiter: &RateLimiter, at_once: u32, rate: SendRate, until: Instant) -> Result<u32> {
    let mut taken = 0;
    while Instant::now() < until {
        taken += limiter.acquire(ACCOUNT, at_once, rate).await?.granted;
    }
    Ok(taken)
}

#[tokio::test]
async fn several_limiters_share_one_rate() {
    let redis = local::testing::redis().await.unwrap();
    let (a, b) = (limiter(redis.url()).await.unwrap(), limiter(redis.url()).await.unwrap());
    let rate = SendRate { per_second: 500, burst: 50 };
    let start = Instant::now();
    let until = start + Duration::from_secs(2);
    let (from_a, from_b) = tokio::join!(take_all(&a, 7, rate, until), take_all(&b, 1, rate, until));
    let (from_a, from_b) = (from_a.unwrap(), from_b.unwrap());
    let most = 500.0 * start.elapsed().as_secs_f64() + 50.0;
    let taken = f64::from(from_a + from_b);
    assert!(taken <= most, "{taken} of at most {most}");
    assert!(taken >= 0.9 * 1_050.0, "{taken} of about 1,050");
    assert!(from_a > 0 && from_b > 0, "{from_a} and {from_b}: neither starves");
}

#[tokio::test]
async fn what_is_left_is_granted_and_the_wait_is_told() {
    let redis = local::testing::redis().await.unwrap();
    let limiter = limiter(redis.url()).await.unwrap();
    // slow enough that nothing comes back while the test runs
    let rate = SendRate { per_second: 1, burst: 5 };
    let first = limiter.acquire(ACCOUNT, 3, rate).await.unwrap();
    assert_eq!((first.granted, first.retry_after), (3, Duration::ZERO));
    let rest = limiter.acquire(ACCOUNT, 10, rate).await.unwrap();
    assert_eq!(rest.granted, 2);
    assert!(rest.retry_after > Duration::from_millis(500) && rest.retry_after <= Duration::from_secs(1), "{rest:?}");
    assert_eq!(limiter.acquire("whatsapp:2", 5, rate).await.unwrap().granted, 5, "another account has its own bucket");
}

#[tokio::test]
async fn waiting_as_told_is_enough() {
    let redis = local::testing::redis().await.unwrap();
    let limiter = limiter(redis.url()).await.unwrap();
    let rate = SendRate { per_second: 20, burst: 1 };
    assert_eq!(limiter.acquire(ACCOUNT, 1, rate).await.unwrap().granted, 1);
    let refused = limiter.acquire(ACCOUNT, 1, rate).await.unwrap();
    assert_eq!(refused.granted, 0);
    tokio::time::sleep(refused.retry_after).await;
    assert_eq!(limiter.acquire(ACCOUNT, 1, rate).await.unwrap().granted, 1);
}

#[tokio::test]
async fn lost_data_costs_one_burst() {
    let redis = local::testing::redis().await.unwrap();
    let limiter = limiter(redis.url()).await.unwrap();
    let rate = SendRate { per_second: 1, burst: 10 };
    assert_eq!(limiter.acquire(ACCOUNT, 100, rate).await.unwrap().granted, 10);
    assert_eq!(limiter.acquire(ACCOUNT, 100, rate).await.unwrap().granted, 0);
    let mut connection = redis::Client::open(redis.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    redis::cmd("FLUSHDB").query_async::<()>(&mut connection).await.unwrap();
    redis::cmd("SCRIPT").arg("FLUSH").query_async::<()>(&mut connection).await.unwrap();
    assert_eq!(limiter.acquire(ACCOUNT, 100, rate).await.unwrap().granted, 10);
    assert_eq!(limiter.acquire(ACCOUNT, 100, rate).await.unwrap().granted, 0);
}

#[tokio::test]
async fn a_pause_holds_for_all_and_is_never_shortened() {
    let redis = local::testing::redis().await.unwrap();
    let (a, b) = (limiter(redis.url()).await.unwrap(), limiter(redis.url()).await.unwrap());
    let rate = SendRate { per_second: 100, burst: 10 };
    a.pause_account(ACCOUNT, Duration::from_secs(60), "account (190)").await.unwrap();
    a.pause_account(ACCOUNT, Duration::from_millis(5), "rate_limited").await.unwrap();
    let refused = b.acquire(ACCOUNT, 10, rate).await.unwrap();
    assert_eq!((refused.granted, refused.paused.as_deref()), (0, Some("account (190)")));
    assert!(refused.retry_after > Duration::from_secs(50), "{refused:?}");
    let pause = b.pause_of(ACCOUNT).await.unwrap().unwrap();
    assert_eq!(pause.reason, "account (190)");
    assert!(b.is_paused(ACCOUNT).await.unwrap());
    b.resume_account(ACCOUNT).await.unwrap();
    assert_eq!(a.acquire(ACCOUNT, 10, rate).await.unwrap(), a_full_grant(10));
    assert!(!a.is_paused(ACCOUNT).await.unwrap());
}

fn a_full_grant(granted: u32) -> providers::rate_limit::Grant {
    providers::rate_limit::Grant { granted, retry_after: Duration::ZERO, paused: None, probed: false }
}

#[tokio::test]
async fn an_open_breaker_lets_nothing_through_then_a_few_and_closes_on_a_success() {
    let redis = local::testing::redis().await.unwrap();
    let (a, b) = (limiter(redis.url()).await.unwrap(), limiter(redis.url()).await.unwrap());
    let rate = SendRate { per_second: 1_000, burst: 1_000 };
    let first = a.open_breaker(ACCOUNT, "it is down").await.unwrap();
    let shut = b.acquire(ACCOUNT, 100, rate).await.unwrap();
    assert_eq!((shut.granted, shut.paused.as_deref()), (0, Some("it is down")));
    let second = b.open_breaker(ACCOUNT, "it is still down").await.unwrap();
    assert_eq!(second, first * 2, "longer each time");
    // as when the time is up
    redis_delete(redis.url(), &format!("rate:{{{ACCOUNT}}}:pause")).await;
    let half_open = a.acquire(ACCOUNT, 100, rate).await.unwrap();
    assert!(half_open.probed && (1..=4).contains(&half_open.granted), "{half_open:?}");
    a.close_breaker(ACCOUNT).await.unwrap();
    let open = b.acquire(ACCOUNT, 100, rate).await.unwrap();
    assert_eq!((open.probed, open.granted), (false, 100));
    assert_eq!(a.open_breaker(ACCOUNT, "again").await.unwrap(), first, "what was closed is forgotten");
}

#[tokio::test]
async fn an_account_that_was_too_fast_goes_slower_each_time() {
    let redis = local::testing::redis().await.unwrap();
    let limiter = limiter(redis.url()).await.unwrap();
    let rate = SendRate { per_second: 10, burst: 40 };
    assert_eq!(limiter.slow_down(ACCOUNT).await.unwrap(), 1);
    assert_eq!(limiter.acquire(ACCOUNT, 100, rate).await.unwrap().granted, 20, "half of it");
    for step in 2..=9 {
        assert_eq!(limiter.slow_down(ACCOUNT).await.unwrap(), step.min(7));
    }
    assert_eq!(limiter.acquire("whatsapp:2", 100, rate).await.unwrap().granted, 40, "others do not");
}

async fn redis_delete(url: &str, key: &str) {
    let mut connection = ConnectionManager::new(redis::Client::open(url).unwrap()).await.unwrap();
    let gone: i64 = redis::cmd("DEL").arg(key).query_async(&mut connection).await.unwrap();
    assert_eq!(gone, 1);
}

#[tokio::test]
async fn several_workers_share_what_one_recipient_gets() {
    let redis = local::testing::redis().await.unwrap();
    let limits =
        async || RecipientLimits::new(ConnectionManager::new(redis::Client::open(redis.url()).unwrap()).await.unwrap());
    let (a, b) = (limits().await, limits().await);
    let rate = PairRate { every: Duration::from_secs(60), burst: 3 };
    let to = |address| Recipient { address, first: true };
    let both = [to("+911"), to("+912"), to("+911")];
    assert_eq!(a.admit(ACCOUNT, rate, None, &both).await.unwrap(), [Admission::Goes; 3]);
    let last = b.admit(ACCOUNT, rate, None, &both).await.unwrap();
    assert_eq!(&last[..2], [Admission::Goes; 2]);
    let Admission::PairFull(wait) = last[2] else { panic!("{last:?}") };
    assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(60), "{wait:?}");
    assert_eq!(b.admit("whatsapp:2", rate, None, &both[..1]).await.unwrap(), [Admission::Goes], "another number");
    // the provider refuses a pair: longer each time, and all workers hear of it
    let waits =
        [a.hold(ACCOUNT, rate, "+913", None).await.unwrap(), b.hold(ACCOUNT, rate, "+913", None).await.unwrap()];
    assert_eq!(waits, [Duration::from_secs(4), Duration::from_secs(16)]);
    let asked = Some(Duration::from_secs(7));
    assert_eq!(a.hold(ACCOUNT, rate, "+914", asked).await.unwrap(), Duration::from_secs(7));
    let held = b.admit(ACCOUNT, rate, None, &[to("+914"), to("+915")]).await.unwrap();
    assert!(matches!(held[0], Admission::PairFull(wait) if wait <= Duration::from_secs(7)), "{held:?}");
    assert_eq!(held[1], Admission::Goes);
}

#[tokio::test]
async fn people_written_to_first_are_counted_once_a_day() {
    let redis = local::testing::redis().await.unwrap();
    let limits = RecipientLimits::new(ConnectionManager::new(redis::Client::open(redis.url()).unwrap()).await.unwrap());
    let rate = PairRate { every: Duration::from_secs(6), burst: 45 };
    let ask = async |address: &str, first| {
        limits.admit(ACCOUNT, rate, Some(2), &[Recipient { address, first }]).await.unwrap()[0]
    };
    assert_eq!([ask("+911", true).await, ask("+912", true).await, ask("+911", true).await], [Admission::Goes; 3]);
    let full = ask("+913", true).await;
    assert!(matches!(full, Admission::DayFull(wait) if wait > Duration::from_secs(86_000)), "{full:?}");
    assert_eq!(ask("+913", false).await, Admission::Goes, "an answer is not counted");
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg("*91*")
        .query_async(&mut ConnectionManager::new(redis::Client::open(redis.url()).unwrap()).await.unwrap())
        .await
        .unwrap();
    assert!(keys.iter().all(|key| !key.contains("+91")), "{keys:?}: Redis knows no numbers");
}
