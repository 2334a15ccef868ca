//! A campaign from its audience to its end.

use crate::{
    book::{self, Entry},
    ground::{Ground, counts, slow},
};
use schema::campaigns::Schedule;
use tests::{meta::Behaviour, wait::until};

#[tokio::test]
async fn it_goes_out_once_to_everybody_and_is_completed_with_its_figures() {
    let ground = Ground::new(Behaviour::default()).await;
    let (one, other) = (ground.workers(&[]), ground.workers(&[]));
    let id = ground.to_many(1_200).await;
    ground.until_status(id, "completed").await;
    assert_eq!(ground.by_status(id).await, counts([("sent", 1_200)]));
    assert_eq!(ground.meta.accepted_count(), 1_200);
    ground.assert_once();
    ground.until_figure(id, "sent", 1_200).await;
    assert_eq!(ground.figure(id, "pending").await, 0);
    let row = "SELECT sent_count || ' ' || target_count || ' ' || (metrics ->> 'estimate') FROM campaigns";
    assert_eq!(book::texts(&ground.client, row).await, ["1200 1200 7"]);
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn who_cannot_be_written_to_is_left_out_before_the_first_send() {
    let ground = Ground::new(Behaviour::default()).await;
    let workers = ground.workers(&[]);
    let entries = [
        Entry { branch: Some("north"), ..Entry::new(1) },
        Entry::new(2),
        Entry { phone: None, branch: Some("north"), ..Entry::new(3) },
    ];
    let upload = book::write(&ground.client, &entries).await;
    let id = ground.campaign(upload, "Dear {name}, come to {branch}", Schedule::Immediate).await;
    ground.until_status(id, "completed").await;
    assert_eq!(ground.by_status(id).await, counts([("sent", 1)]));
    assert_eq!(ground.meta.accepted_count(), 1);
    let left_out = "SELECT reason || COALESCE(' ' || NULLIF(detail, ''), '') FROM campaign_exclusions ORDER BY 1";
    assert_eq!(book::texts(&ground.client, left_out).await, ["missing_variable branch", "no_phone"]);
    let row = "SELECT target_count || ' ' || excluded_count FROM campaigns";
    assert_eq!(book::texts(&ground.client, row).await, ["1 2"]);
    workers.stop().await;
}

#[tokio::test]
async fn a_campaign_to_nobody_is_completed_and_a_broken_one_says_why() {
    let ground = Ground::new(Behaviour::default()).await;
    let workers = ground.workers(&[]);
    let upload = book::write(&ground.client, &[]).await;
    let nobody = ground.campaign(upload, "Dear {name}", Schedule::Immediate).await;
    let broken = ground.campaign(upload, "Dear {% if name %}{{ name }}{% endif %}", Schedule::Immediate).await;
    ground.until_status(nobody, "completed").await;
    ground.until_status(broken, "failed").await;
    let why = book::texts(&ground.client, &format!("SELECT error FROM campaigns WHERE id = {broken}")).await;
    assert!(why[0].contains("Reminder") && why[0].contains("conditions"), "{why:?}");
    workers.stop().await;
}

#[tokio::test]
async fn a_small_campaign_does_not_wait_for_the_end_of_a_large_one() {
    let ground = Ground::new(slow(10)).await;
    // one batch at a time: they take turns
    let workers = ground.workers(&["campaigns=2", "whatsapp=1"]);
    let large = ground.to_many(4_000).await;
    ground.until_accepted(1).await;
    let few: Vec<Entry> = (1..=20).map(Entry::new).collect();
    let upload = book::write(&ground.client, &few).await;
    let small = ground.campaign(upload, "Dear {name}", Schedule::Immediate).await;
    ground.until_status(small, "completed").await;
    let left = ground.by_status(large).await.remove("pending").unwrap_or_default();
    assert!(left >= 500, "only {left} of the large one were left");
    ground.until_status(large, "completed").await;
    ground.assert_once();
    workers.stop().await;
}

#[tokio::test]
async fn the_rate_of_the_account_is_kept_by_all_workers_together() {
    let ground = Ground::new(Behaviour { rate_per_second: Some(5_000), ..Behaviour::default() }).await;
    let (one, other) = (ground.workers(&[]), ground.workers(&[]));
    let id = ground.to_many(1_500).await;
    ground.until_status(id, "completed").await;
    assert_eq!(ground.meta.refusals(), [].into(), "nothing was refused for coming too fast");
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn over_the_sandbox_messages_are_delivered_and_read() {
    let ground = Ground::sandbox().await;
    let workers = ground.workers(&[]);
    let id = ground.to_many(200).await;
    ground.until_status(id, "completed").await;
    until("most are delivered and read", std::time::Duration::from_secs(30), || async {
        ground.figure(id, "delivered").await > 170 && ground.figure(id, "opened").await > 80
    })
    .await;
    assert!(ground.figure(id, "replied").await < 30);
    workers.stop().await;
}
