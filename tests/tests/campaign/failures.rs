//! What each class of failure comes to.

use crate::{
    book,
    ground::{Ground, counts},
};
use jobs::sending::accounts;
use tests::meta::Behaviour;

const COUNT: i64 = 150;

/// Codes of messages of that status, distinct.
async fn codes(ground: &Ground, status: &str) -> Vec<String> {
    let query = format!("SELECT DISTINCT error_code::TEXT FROM messages WHERE status = '{status}'");
    book::texts(&ground.client, &query).await
}

#[tokio::test]
async fn who_cannot_be_reached_fails_and_the_others_get_theirs() {
    let ground = Ground::new(Behaviour { unreachable: 0.3, ..Behaviour::default() }).await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(COUNT).await;
    ground.until_status(id, "completed").await;
    let ends = ground.by_status(id).await;
    assert_eq!(ends["failed"] + ends["sent"], COUNT);
    assert!(ends["failed"] > 10);
    assert_eq!(codes(&ground, "failed").await, ["131026"]);
    ground.until_figure(id, "failed", ends["failed"]).await;
    workers.stop().await;
}

#[tokio::test]
async fn what_the_provider_could_not_take_is_sent_again() {
    let faults = Behaviour { server_errors: 0.15, unavailable: 0.15, ..Behaviour::default() };
    let ground = Ground::new(faults).await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(COUNT).await;
    ground.until_status(id, "completed").await;
    assert_eq!(ground.by_status(id).await, counts([("sent", COUNT)]));
    assert!(ground.meta.refusals().values().sum::<u64>() > 20);
    ground.assert_once();
    workers.stop().await;
}

#[tokio::test]
async fn an_account_that_was_too_fast_rests_and_no_message_loses_an_attempt() {
    let ground = Ground::new(Behaviour { rate_per_second: Some(80), ..Behaviour::default() }).await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(COUNT).await;
    ground.until_status(id, "completed").await;
    assert!(ground.meta.refusals().contains_key(&130_429));
    assert_eq!(ground.by_status(id).await, counts([("sent", COUNT)]));
    assert_eq!(book::number(&ground.client, "SELECT max(attempts)::BIGINT FROM messages").await, 1);
    ground.assert_once();
    workers.stop().await;
}

#[tokio::test]
async fn an_account_at_fault_waits_with_its_messages_until_it_is_mended() {
    let ground = Ground::new(Behaviour { token_expired: true, ..Behaviour::default() }).await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(COUNT).await;
    ground
        .until_true("it is paused", "SELECT EXISTS (SELECT 1 FROM sending_accounts WHERE paused_at IS NOT NULL)")
        .await;
    ground
        .until_true(
            "the campaign says why",
            "SELECT COALESCE(error LIKE '%190%' OR error LIKE '%paused%', FALSE) FROM campaigns",
        )
        .await;
    ground.until_true("all wait", "SELECT NOT EXISTS (SELECT 1 FROM messages WHERE status <> 'pending')").await;
    assert_eq!(book::number(&ground.client, "SELECT max(attempts)::BIGINT FROM messages").await, 0);
    assert_eq!(ground.status(id).await, "active", "nothing is wrong with the campaign");
    ground.meta.change(|behaviour| behaviour.token_expired = false);
    let account = book::texts(&ground.client, "SELECT account::TEXT FROM sending_accounts").await.remove(0);
    assert!(accounts::resume(&ground.services, &account).await.unwrap());
    ground.until_status(id, "completed").await;
    assert_eq!(ground.by_status(id).await, counts([("sent", COUNT)]));
    ground.assert_once();
    workers.stop().await;
}

#[tokio::test]
async fn a_template_the_provider_does_not_know_holds_the_campaign() {
    let known = [("another".to_owned(), 1)].into();
    let ground = Ground::new(Behaviour { templates: Some(known), ..Behaviour::default() }).await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(COUNT).await;
    ground.until_status(id, "paused").await;
    ground
        .until_true("nothing is in flight", "SELECT NOT EXISTS (SELECT 1 FROM messages WHERE status = 'sending')")
        .await;
    let ends = ground.by_status(id).await;
    assert!(ends["failed"] <= 64 && ends["pending"] > 0, "{ends:?}");
    assert_eq!(codes(&ground, "failed").await, ["132001"]);
    workers.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_the_message_unconfirmed_and_it_is_not_sent_again() {
    let ground = Ground::new(Behaviour { reset_after: 0.2, ..Behaviour::default() }).await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(COUNT).await;
    ground.until_status(id, "completed").await;
    let ends = ground.by_status(id).await;
    assert_eq!(ends["unconfirmed"] + ends["sent"], COUNT);
    assert!(ends["unconfirmed"] > 10);
    assert_eq!(codes(&ground, "unconfirmed").await, ["connection_lost"]);
    assert_eq!(i64::try_from(ground.meta.accepted_count()).unwrap(), COUNT);
    ground.assert_once();
    workers.stop().await;
}

#[tokio::test]
async fn a_provider_that_is_down_for_a_while_costs_nothing_but_time() {
    let ground = Ground::new(Behaviour { down: true, ..Behaviour::default() }).await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(40).await;
    ground.until_true("it was tried", "SELECT EXISTS (SELECT 1 FROM messages WHERE attempts > 0)").await;
    ground.meta.change(|behaviour| behaviour.down = false);
    ground.until_status(id, "completed").await;
    ground.assert_once();
    let ends = ground.by_status(id).await;
    assert!(!ends.contains_key("failed"), "{ends:?}");
    workers.stop().await;
}
