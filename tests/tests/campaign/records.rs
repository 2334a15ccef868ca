//! The statements that see to it that nobody gets a message twice.

use crate::{
    audience::{build, campaign, now, target},
    book::{self, Entry},
};
use chrono::TimeDelta;
use domain::{
    campaigns::CampaignStatus,
    messaging::MessageStatus::{self, Delivered, Failed, Pending, Sending, Sent, Suppressed, Unconfirmed},
    messaging::{Channel, UnconfirmedEnd},
};
use jobs::sending::check::{self, Restraint};
use schema::{
    Conn, DbError, campaigns,
    messages::{self, Closing, Outcome, OutcomeKind, Sender, Window},
};
use serde_json::json;
use std::time::Duration;
use tests::{base::Base, wait::until};
use tokio_postgres::Client;
use uuid::Uuid;

const NONE: [i64; 0] = [];

struct Ground {
    base: Base,
    client: Client,
    campaign: i64,
    ids: Vec<i64>,
}

impl Ground {
    /// An active campaign of `count` messages.
    async fn new(count: i64) -> Self {
        let base = Base::new().await;
        let client = book::connect(&base).await;
        let entries: Vec<_> = (1..=count).map(Entry::new).collect();
        let upload = book::write(&client, &entries).await;
        let id = campaign(&base, &client, Some(upload), &json!("all")).await;
        build(&base, &client, id, &target(Some(upload), &json!("all"))).await.unwrap();
        let mut connection = base.db().get().await.unwrap();
        assert_eq!(campaigns::start(&mut connection, id, now()).await.unwrap(), Some(CampaignStatus::Active));
        let ids = messages::next_due(&mut connection, (id, Channel::Whatsapp), (0, 1), now(), 1000).await.unwrap();
        Self { base, client, campaign: id, ids }
    }

    async fn connection(&self) -> Conn {
        self.base.db().get().await.unwrap()
    }

    /// An attempt of a job that is running, as far as the ledger knows.
    async fn sender(&self, attempt: i32) -> Sender {
        let job = Uuid::now_v7();
        let insert = "INSERT INTO jobs (id, kind, queue, payload, state, run_at, attempt, max_attempts, lease_token, \
                      leased_until) VALUES ($1, 'send', 'whatsapp', '{}', 'running', now(), $2, 9, $1, now())";
        self.client.execute(insert, &[&job, &attempt]).await.unwrap();
        Sender { job, attempt }
    }

    async fn end(&self, sender: Sender) {
        let update = "UPDATE jobs SET state = 'available', lease_token = NULL WHERE id = $1";
        self.client.execute(update, &[&sender.job]).await.unwrap();
    }

    async fn mark(&self, sender: Sender, ids: &[i64]) -> Vec<i64> {
        let campaign = Some(self.campaign);
        let window = Window { campaign, sender, provider: "test", account: "test:1", ids };
        let restraint = Restraint::read(&mut *self.connection().await, now()).await.unwrap();
        let marked = check::mark(&self.base.db(), &window, &restraint, now()).await.unwrap();
        marked.texts.into_iter().map(|row| row.id).collect()
    }

    async fn record(&self, sender: Sender, outcomes: &[Outcome]) -> Result<(), DbError> {
        messages::record(&mut *self.connection().await, sender, outcomes, true).await
    }

    async fn status(&self, id: i64) -> MessageStatus {
        book::texts(&self.client, &format!("SELECT status::TEXT FROM messages WHERE id = {id}")).await[0]
            .parse()
            .unwrap()
    }

    async fn set(&self, id: i64, assignments: &str) {
        self.client.batch_execute(&format!("UPDATE messages SET {assignments} WHERE id = {id}")).await.unwrap();
    }

    async fn field(&self, id: i64, field: &str) -> Option<String> {
        let query = format!("SELECT {field}::TEXT FROM messages WHERE id = {id}");
        self.client.query_one(&query, &[]).await.unwrap().get(0)
    }
}

fn outcome(message: i64, kind: OutcomeKind) -> Outcome {
    let code = (!matches!(kind, OutcomeKind::Accepted { .. })).then(|| "code".to_owned());
    let account = "test:1".to_owned();
    Outcome { message, attempts: 1, account, kind, detail: code.clone(), code, at: now(), cost: None, segments: None }
}

fn accepted(message: i64) -> Outcome {
    outcome(message, OutcomeKind::Accepted { provider_message_id: format!("wamid-{message}") })
}

#[tokio::test]
async fn a_message_is_held_by_one_attempt_until_its_outcome_is_recorded() {
    let ground = Ground::new(6).await;
    let (one, other) = (ground.sender(1).await, ground.sender(1).await);
    assert_eq!(ground.mark(one, &ground.ids).await, ground.ids);
    assert_eq!(ground.mark(other, &ground.ids).await, NONE);
    let [a, b, c, d, e, f] = ground.ids[..] else { panic!("six messages") };
    let again = OutcomeKind::Again { due_at: now() + TimeDelta::hours(1), counts: true };
    let soon = OutcomeKind::Again { due_at: now() - TimeDelta::hours(1), counts: false };
    let outcomes = [
        accepted(a),
        outcome(b, OutcomeKind::Failed),
        outcome(c, OutcomeKind::Unknown),
        outcome(d, again),
        outcome(e, soon),
        outcome(f, OutcomeKind::Suppressed),
    ];
    for _ in 0..2 {
        ground.record(one, &outcomes).await.unwrap();
        let mut found = Vec::new();
        for id in &ground.ids {
            found.push(ground.status(*id).await);
        }
        assert_eq!(found, [Sent, Failed, Unconfirmed, Pending, Pending, Suppressed]);
    }
    assert_eq!(
        ground.field(a, "provider_message_id").await.as_deref(),
        Some("wamid-".to_owned() + &a.to_string()).as_deref()
    );
    assert_eq!(ground.field(d, "attempts").await.as_deref(), Some("1"));
    assert_eq!(ground.field(e, "attempts").await.as_deref(), Some("0"));
    assert_eq!(ground.mark(other, &ground.ids).await, [e], "only what is pending and due");
    let lanes = (ground.campaign, Channel::Whatsapp);
    let due = messages::next_due_at(&mut *ground.connection().await, lanes, (0, 1)).await.unwrap();
    assert!(due.is_some_and(|due| due > now()));
}

#[tokio::test]
async fn nothing_is_marked_unless_the_campaign_is_active_and_the_job_still_held() {
    let ground = Ground::new(2).await;
    let sender = ground.sender(1).await;
    for status in ["paused", "cancelled", "preparing", "failed"] {
        let update = format!("UPDATE campaigns SET status = '{status}'");
        ground.client.batch_execute(&update).await.unwrap();
        assert_eq!(ground.mark(sender, &ground.ids).await, NONE, "{status}");
        let campaign = Some(ground.campaign);
        let gate = messages::gate(&mut *ground.connection().await, campaign, sender, "test:1").await.unwrap();
        assert!(!gate.open && gate.account_open, "{status}");
    }
    ground.client.batch_execute("UPDATE campaigns SET status = 'active'").await.unwrap();
    assert_eq!(ground.mark(Sender { attempt: 2, ..sender }, &ground.ids).await, NONE, "another attempt");
    ground.end(sender).await;
    assert_eq!(ground.mark(sender, &ground.ids).await, NONE, "the lease was lost");
}

#[tokio::test]
async fn consent_and_renewal_are_looked_at_again_when_sending() {
    let ground = Ground::new(3).await;
    let sender = ground.sender(1).await;
    ground
        .client
        .batch_execute(
            "UPDATE customers SET communication_preferences = '{\"whatsapp\": false}' WHERE customer_code = 'C1'; \
             UPDATE renewal_cases SET payment_status = 'paid' WHERE policy_id = \
                (SELECT id FROM policies WHERE policy_number = 'P2')",
        )
        .await
        .unwrap();
    assert_eq!(ground.mark(sender, &ground.ids).await, [ground.ids[2]]);
    assert_eq!(ground.field(ground.ids[0], "status || error_code").await.as_deref(), Some("suppressedopted_out"));
    assert_eq!(ground.field(ground.ids[1], "status || error_code").await.as_deref(), Some("suppressedalready_renewed"));
}

#[tokio::test]
async fn what_an_attempt_left_behind_becomes_unconfirmed_and_is_not_sent_again() {
    let ground = Ground::new(3).await;
    let (dead, living) = (ground.sender(1).await, ground.sender(1).await);
    let [a, b, c] = ground.ids[..] else { panic!("three messages") };
    ground.mark(dead, &[a, b]).await;
    ground.mark(living, &[c]).await;
    ground.end(dead).await;
    let cut = messages::cut_short(&mut *ground.connection().await, ground.campaign, None, now()).await.unwrap();
    assert_eq!(cut, 2);
    assert_eq!((ground.status(a).await, ground.status(c).await), (Unconfirmed, Sending));
    let next = ground.sender(2).await;
    assert_eq!(ground.mark(next, &ground.ids).await, NONE);
    // the attempt was not dead after all, and its answers come late
    let late = [accepted(a), outcome(b, OutcomeKind::Again { due_at: now(), counts: true })];
    ground.record(dead, &late).await.unwrap();
    assert_eq!((ground.status(a).await, ground.status(b).await), (Sent, Unconfirmed));
    ground.record(dead, &[outcome(b, OutcomeKind::Failed)]).await.unwrap();
    assert_eq!(ground.status(b).await, Failed);
}

#[tokio::test]
async fn an_attempt_that_was_given_back_leaves_nothing_to_the_next_of_its_number() {
    let ground = Ground::new(2).await;
    let sender = ground.sender(1).await;
    ground.mark(sender, &ground.ids).await;
    let mut connection = ground.connection().await;
    assert_eq!(messages::cut_short(&mut connection, ground.campaign, None, now()).await.unwrap(), 0, "it seems alive");
    assert_eq!(messages::cut_short(&mut connection, ground.campaign, Some(sender.job), now()).await.unwrap(), 2);
    assert_eq!(ground.status(ground.ids[0]).await, Unconfirmed);
}

#[tokio::test]
async fn an_event_that_was_faster_than_the_record_stands() {
    let ground = Ground::new(4).await;
    let sender = ground.sender(1).await;
    ground.mark(sender, &ground.ids).await;
    let [a, b, c, d] = ground.ids[..] else { panic!("four messages") };
    let free = "send_job = NULL, send_attempt = NULL";
    ground.set(a, &format!("status = 'delivered', delivered_at = now(), {free}")).await;
    ground.set(b, &format!("status = 'failed', error_code = '131049', failed_at = now(), {free}")).await;
    ground.set(c, &format!("status = 'sent', {free}")).await;
    ground.set(d, &format!("status = 'sent', {free}")).await;
    let again = OutcomeKind::Again { due_at: now(), counts: true };
    let outcomes = [accepted(a), accepted(b), outcome(c, OutcomeKind::Unknown), outcome(d, again)];
    ground.record(sender, &outcomes).await.unwrap();
    let mut found = Vec::new();
    for id in &ground.ids {
        found.push(ground.status(*id).await);
    }
    assert_eq!(found, [Delivered, Failed, Sent, Sent]);
    assert_eq!(ground.field(b, "error_code").await.as_deref(), Some("131049"));
    assert!(ground.field(a, "provider_message_id").await.is_some() && ground.field(a, "sent_at").await.is_some());
}

#[tokio::test]
async fn a_provider_that_repeats_its_ids_stops_nothing() {
    let ground = Ground::new(2).await;
    let sender = ground.sender(1).await;
    ground.mark(sender, &ground.ids).await;
    let same = |message| outcome(message, OutcomeKind::Accepted { provider_message_id: "same".to_owned() });
    let outcomes = [same(ground.ids[0]), same(ground.ids[1])];
    let refused = ground.record(sender, &outcomes).await.unwrap_err();
    assert_eq!(refused.unique_violation(), Some("messages_provider_id"));
    messages::record(&mut *ground.connection().await, sender, &outcomes, false).await.unwrap();
    assert_eq!((ground.status(ground.ids[0]).await, ground.status(ground.ids[1]).await), (Sent, Sent));
}

#[tokio::test]
async fn an_attempt_that_lost_the_answer_to_its_marking_gives_back_what_it_never_called() {
    let ground = Ground::new(3).await;
    let sender = ground.sender(1).await;
    ground.mark(sender, &ground.ids).await;
    let kept = [ground.ids[1]];
    let given =
        messages::release(&mut *ground.connection().await, Some(ground.campaign), sender, &kept, now()).await.unwrap();
    assert_eq!(given, 2);
    assert_eq!(ground.status(ground.ids[1]).await, Sending);
    assert_eq!(ground.field(ground.ids[0], "status || attempts").await.as_deref(), Some("pending0"));
}

#[tokio::test]
async fn a_campaign_completes_once_nothing_is_pending_or_being_sent() {
    let ground = Ground::new(2).await;
    let sender = ground.sender(1).await;
    let drained =
        async || campaigns::complete_if_drained(&mut *ground.connection().await, ground.campaign, now()).await;
    assert!(!drained().await.unwrap());
    ground.mark(sender, &ground.ids).await;
    ground.record(sender, &[accepted(ground.ids[0])]).await.unwrap();
    assert!(!drained().await.unwrap());
    ground.record(sender, &[outcome(ground.ids[1], OutcomeKind::Unknown)]).await.unwrap();
    assert!(drained().await.unwrap());
    assert!(!drained().await.unwrap(), "only once");
}

#[tokio::test]
async fn a_campaign_is_not_completed_over_what_becomes_pending_at_that_moment() {
    let ground = Ground::new(1).await;
    let sender = ground.sender(1).await;
    ground.mark(sender, &ground.ids).await;
    ground.record(sender, &[outcome(ground.ids[0], OutcomeKind::Unknown)]).await.unwrap();
    let again = format!(
        "BEGIN; SELECT id FROM campaigns WHERE id = {} FOR NO KEY UPDATE; UPDATE messages SET status = 'pending'",
        ground.campaign
    );
    ground.client.batch_execute(&again).await.unwrap();
    let mut connection = ground.connection().await;
    let completed = async { campaigns::complete_if_drained(&mut connection, ground.campaign, now()).await.unwrap() };
    let commit = async {
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())";
        until("it waits", Duration::from_secs(30), || async {
            ground.client.query_one(waits, &[]).await.unwrap().get(0)
        })
        .await;
        ground.client.batch_execute("COMMIT").await.unwrap();
    };
    let (completed, ()) = tokio::join!(completed, commit);
    assert!(!completed, "a message is pending");
}

#[tokio::test]
async fn a_stopped_campaign_keeps_nothing_pending() {
    let ground = Ground::new(5).await;
    let sender = ground.sender(1).await;
    ground.mark(sender, &ground.ids[..1]).await;
    let mut connection = ground.connection().await;
    let mut suppress = async || {
        messages::suppress_pending(&mut connection, ground.campaign, "campaign_stopped", now(), 3).await.unwrap()
    };
    assert_eq!(suppress().await, 0, "an active campaign loses nothing");
    let stop = "UPDATE campaigns SET status = 'cancelled', completed_at = now()";
    ground.client.batch_execute(stop).await.unwrap();
    assert_eq!((suppress().await, suppress().await, suppress().await), (3, 1, 0));
    assert_eq!((ground.status(ground.ids[0]).await, ground.status(ground.ids[4]).await), (Sending, Suppressed));
}

#[tokio::test]
async fn what_was_never_confirmed_is_closed_with_its_reason_once() {
    let ground = Ground::new(2).await;
    ground
        .set(ground.ids[0], "status = 'unconfirmed', error_message = 'timeout', updated_at = now() - interval '2 d'")
        .await;
    ground.set(ground.ids[1], "status = 'unconfirmed', updated_at = now()").await;
    let mut connection = ground.connection().await;
    let since = now() - TimeDelta::days(1);
    let why = "no word within a day";
    let closing = Closing { account: None, with_policy: &[], since, end: UnconfirmedEnd::Unconfirmed, why };
    let mut close = async || messages::close_unconfirmed(&mut connection, &closing, now(), 10).await.unwrap();
    assert_eq!((close().await, close().await), (vec![Some(ground.campaign)], vec![]));
    let text = ground.field(ground.ids[0], "status || ': ' || error_message").await.unwrap();
    assert_eq!(text, "unconfirmed: timeout; no word within a day");
}

#[tokio::test]
async fn lanes_without_a_job_are_found() {
    let ground = Ground::new(5).await;
    let mut connection = ground.connection().await;
    let steps = [(0, 1), (4, 2)];
    let idle = campaigns::idle_lanes(&mut connection, "lane:", &steps, 10).await.unwrap();
    assert_eq!(idle.iter().map(|lane| lane.lane).collect::<Vec<_>>(), [0, 1]);
    let insert = "INSERT INTO jobs (id, kind, queue, payload, state, run_at, max_attempts, unique_key) \
                  VALUES ($1, 'send', 'whatsapp', '{}', 'available', now(), 9, $2)";
    let key = format!("lane:{}:1", ground.campaign);
    ground.client.execute(insert, &[&Uuid::now_v7(), &key]).await.unwrap();
    let idle = campaigns::idle_lanes(&mut connection, "lane:", &steps, 10).await.unwrap();
    let own = Channel::Whatsapp;
    assert_eq!(idle, [campaigns::Lane { campaign: ground.campaign, lane: 0, channel: own, own }]);
    assert!(campaigns::undrained(&mut connection, now(), 10).await.unwrap().is_empty());
    ground.client.batch_execute("UPDATE messages SET status = 'sent'").await.unwrap();
    assert!(campaigns::idle_lanes(&mut connection, "lane:", &steps, 10).await.unwrap().is_empty());
    assert_eq!(campaigns::undrained(&mut connection, now(), 10).await.unwrap(), [ground.campaign]);
}
