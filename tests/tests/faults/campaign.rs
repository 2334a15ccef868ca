//! The campaign, and what must hold at its end.

use domain::messaging::Channel;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tests::fleet::Fleet;
use tests::meta::{Behaviour, Latency};
use tests::wait::{until, until_some};
use tokio::sync::{Mutex, MutexGuard};

/// How many are to be sent a message.
pub const RECIPIENTS: usize = 20_000;

/// Long enough for a debug build on two busy cores.
const END: Duration = Duration::from_secs(400);

/// One fleet at a time: each is several processes and two servers.
static ONE: Mutex<()> = Mutex::const_new(());

/// A fleet with a book of policies and a campaign over it that is being sent.
pub struct Campaign {
    pub fleet: Fleet,
    id: String,
    _one: MutexGuard<'static, ()>,
}

impl Campaign {
    /// Three workers; Meta takes some milliseconds a call.
    pub async fn start() -> Self {
        let one = ONE.lock().await;
        let latency = Latency { p50: Duration::from_millis(10), p99: Duration::from_millis(60) };
        let fleet = Fleet::start(Behaviour { latency, ..Behaviour::default() }, 3).await;
        let upload = fleet.write_book(RECIPIENTS).await;
        let id = fleet.start_campaign(Channel::Whatsapp, upload).await;
        Self { fleet, id, _one: one }
    }

    /// Waits until Meta has accepted that many.
    pub async fn accepted(&self, count: usize) {
        until(&format!("{count} accepted"), END, || async { self.fleet.meta.accepted_count() >= count }).await;
    }

    /// Waits for the end, and checks it.
    pub async fn ends_well(self) {
        until_some("the campaign completes", END, || async {
            let campaign = self.fleet.get(&format!("/api/campaigns/{}", self.id)).await?;
            (campaign["status"] == "completed").then_some(())
        })
        .await;
        assert!(self.fleet.meta.webhooks_settled(Duration::from_secs(120)).await, "webhooks are taken");
        let doubles = self.fleet.meta.doubles();
        assert!(doubles.is_empty(), "accepted more than once: {doubles:?}");
        assert_eq!(self.fleet.meta.violations(), Vec::<String>::new());
        self.every_recipient_is_accounted_for().await;
        self.every_job_ends().await;
    }

    async fn every_recipient_is_accounted_for(&self) {
        let client = self.fleet.connect().await;
        // webhooks that came last are still being applied
        until("the events are applied", Duration::from_secs(60), || async {
            let waiting = "SELECT count(*) FROM provider_events WHERE applied_at IS NULL";
            client.query_one(waiting, &[]).await.expect("a count").get::<_, i64>(0) == 0
        })
        .await;
        let rows = client
            .query("SELECT address, status, COALESCE(error_message, error_code) FROM messages", &[])
            .await
            .expect("messages");
        assert_eq!(rows.len(), RECIPIENTS);
        let accepted: BTreeSet<String> = self.fleet.meta.by_recipient().into_keys().collect();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for row in rows {
            let (address, status, reason): (String, String, Option<String>) = (row.get(0), row.get(1), row.get(2));
            let taken = accepted.contains(address.trim_start_matches('+'));
            match status.as_str() {
                "sent" | "delivered" | "read" => assert!(taken, "{address} is {status}, and Meta knows nothing of it"),
                "unconfirmed" => assert!(reason.is_some(), "{address} is unconfirmed without a reason"),
                other => panic!("{address} ended {other}: {reason:?}"),
            }
            *counts.entry(status).or_default() += 1;
        }
        eprintln!("{} accepted, messages by status: {counts:?}", accepted.len());
    }

    async fn every_job_ends(&self) {
        let client = self.fleet.connect().await;
        let live = "SELECT kind, state, count(*) FROM jobs \
            WHERE state IN ('available', 'running') OR (state = 'scheduled' AND run_at < now() + interval '1 minute') \
            GROUP BY 1, 2";
        until("every job ends", Duration::from_secs(90), || async {
            client.query(live, &[]).await.expect("jobs").is_empty()
        })
        .await;
        let discarded =
            client.query("SELECT kind, error FROM jobs WHERE state = 'discarded'", &[]).await.expect("jobs");
        let discarded: Vec<(String, Option<String>)> = discarded.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert!(discarded.is_empty(), "{discarded:?}");
    }
}
