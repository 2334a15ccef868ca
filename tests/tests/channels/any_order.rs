//! Whatever order providers tell their events in, however often, before or after our own record of the send: the database
//! ends in the same state.
//!
//! Random events of a few messages on every channel are applied, by the job that applies them, in order and all at once,
//! then again and again shuffled, doubled and in pieces, each time from the start. `ANY_ORDER_SEED` repeats a failure.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ids::MessageId,
    messaging::{BounceKind, Correlation, FailureClass, Feedback, MessageStatus, SendFailure},
};
use jobs::{
    JobContext,
    kinds::apply_provider_events::ApplyProviderEvents,
    provider_events::{apply, keep},
    services::SharedServices,
};
use providers::{
    draw::draw,
    messaging::{EventKind, FeedbackEvent, InboundEvent, ProviderEvent, StatusEvent},
};
use schema::messages::{Outcome, OutcomeKind, Sender, record};
use serde_json::json;
use tests::base::Base;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// Sets of events, each in so many further orders.
const SETS: u64 = 3;
const ORDERS: u64 = 4;
/// Messages of a set; every third goes by the same channel.
const MESSAGES: i64 = 30;
const SENDER: Sender = Sender { job: Uuid::from_u128(7), attempt: 1 };
const CHANNELS: [(&str, &str); 3] = [("whatsapp", "whatsapp_cloud"), ("sms", "twilio"), ("email", "ses")];

/// Chance, by a seed.
struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    fn new(seed: u64) -> Self {
        Self { seed, thrown: 0 }
    }

    /// Below a number.
    fn below(&mut self, end: u64) -> u64 {
        self.thrown += 1;
        draw(self.seed, &[&self.thrown.to_le_bytes()]) % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, usize::try_from(self.below(last as u64 + 1)).unwrap());
        }
    }
}

/// One thing that happens to the database.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a few hundred live at a time")]
enum Step {
    /// The answer to the call is recorded.
    Recorded(i64),
    /// A provider tells something.
    Told(&'static str, ProviderEvent),
}

fn channel(message: i64) -> (&'static str, &'static str) {
    CHANNELS[usize::try_from(message % 3).unwrap()]
}

/// Two messages of a channel share an address.
fn address(message: i64) -> String {
    let person = message / 6;
    if channel(message).0 == "email" { format!("c{person}@example.com") } else { format!("+9198000000{person:02}") }
}

/// Whether the call was answered when events begin to come; otherwise it is one of the steps.
fn is_recorded_before(message: i64) -> bool {
    message % 2 == 0
}

/// Whether the answer to the call was lost.
fn is_in_doubt(message: i64) -> bool {
    message % 5 == 0
}

/// The events of every message, and the answers to their calls.
fn steps(dice: &mut Dice, start: DateTime<Utc>) -> Vec<Step> {
    let mut steps = Vec::new();
    for message in 1..=MESSAGES {
        if !is_recorded_before(message) && !is_in_doubt(message) {
            steps.push(Step::Recorded(message));
        }
        let provider = channel(message).1;
        for number in 0..dice.below(7) {
            // several at one time, too
            let occurred_at = start + TimeDelta::seconds(i64::try_from(dice.below(6)).unwrap());
            let kind = kind(dice, message);
            let payload = json!({"n": number});
            let event = ProviderEvent { id: format!("e-{message}-{number}"), occurred_at, payload, kind };
            steps.push(Step::Told(provider, event));
        }
    }
    steps
}

fn kind(dice: &mut Dice, message: i64) -> EventKind {
    let name = format!("p-{message}");
    let (channel, _) = channel(message);
    // a message in doubt is known by our own id alone
    let echoed = is_in_doubt(message) || dice.below(2) == 0;
    let correlation = echoed.then_some(Correlation { message: MessageId(message), attempt: 1 });
    let recipient = Some(address(message));
    let says = dice.below(10);
    if channel != "email" && says < 2 {
        return EventKind::Inbound(InboundEvent {
            provider_message_id: format!("in-{message}-{}", dice.below(1_000_000)),
            from: address(message).parse().unwrap(),
            text: Some(dice.of(&["STOP", "start", "stop", "thank you"]).to_owned()),
            in_reply_to: Some(name),
            choice: None,
            content: None,
            profile_name: None,
        });
    }
    if channel == "email" && says < 4 {
        let all =
            [Feedback::Opened, Feedback::Clicked, Feedback::Complained, Feedback::Unsubscribed, Feedback::Deferred];
        return EventKind::Feedback(FeedbackEvent {
            provider_message_id: name,
            correlation,
            feedback: dice.of(&all),
            recipient,
            url: None,
            automatic: dice.below(5) == 0,
            detail: None,
        });
    }
    let all = [MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Read, MessageStatus::Failed];
    let status = dice.of(&all);
    let failed = status == MessageStatus::Failed;
    let code = dice.of(&["550", "30005", "131049"]);
    let kinds = [BounceKind::Hard, BounceKind::Soft, BounceKind::Full, BounceKind::Block];
    EventKind::Status(StatusEvent {
        cost: None,
        provider_message_id: name,
        correlation,
        status,
        recipient,
        failure: failed.then(|| SendFailure::new(FailureClass::Recipient, Some(code.into()), "not delivered")),
        bounce: (failed && channel == "email").then(|| dice.of(&kinds)),
    })
}

struct Ground {
    services: SharedServices,
    client: Client,
    start: DateTime<Utc>,
    _files: tempfile::TempDir,
    _base: Base,
}

impl Ground {
    async fn new() -> Self {
        let (base, files) = (Base::new().await, tempfile::tempdir().unwrap());
        let services = base.services(files.path(), &[]);
        let (client, connection) = tokio_postgres::connect(base.database.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        let start = services.clock.now() - TimeDelta::minutes(1);
        Self { services, client, start, _files: files, _base: base }
    }

    /// Everything is being sent, and nothing was told.
    async fn reset(&self) {
        let mut sql = "TRUNCATE messages, provider_events, bounces, suppressions, inbound_messages, consents, \
                       consent_log, jobs, customers, file_uploads RESTART IDENTITY CASCADE; \
                       INSERT INTO file_uploads (filename, original_filename, file_size, file_type, upload_status) \
                       VALUES ('a.csv', 'a.csv', 1, 'csv', 'completed'); \
                       INSERT INTO customers (id, customer_code, first_name, last_name, phone, email, upload_id) \
                       SELECT n + 1, 'C' || n, 'A', 'B', '+9198000000' || lpad(n::TEXT, 2, '0'), \
                              'c' || n || '@example.com', (SELECT id FROM file_uploads) \
                       FROM generate_series(0, 9) n;"
            .to_owned();
        for message in 1..=MESSAGES {
            let (channel, provider) = channel(message);
            let (status, job) = if is_in_doubt(message) {
                ("unconfirmed", "NULL, NULL".to_owned())
            } else {
                ("sending", format!("'{}', {}", SENDER.job, SENDER.attempt))
            };
            sql += &format!(
                "INSERT INTO messages (id, customer_id, channel, step, address, status, send_job, send_attempt, \
                    attempts, provider, account) \
                 VALUES ({message}, {}, '{channel}', {message}, '{}', '{status}', {job}, 1, '{provider}', 'a');",
                message / 6 + 1,
                address(message),
            );
        }
        self.client.batch_execute(&sql).await.unwrap();
        self.record((1..=MESSAGES).filter(|id| is_recorded_before(*id) && !is_in_doubt(*id)).collect()).await;
    }

    async fn record(&self, messages: Vec<i64>) {
        let accepted = |message: i64| Outcome {
            message,
            attempts: 1,
            account: "a".to_owned(),
            kind: OutcomeKind::Accepted { provider_message_id: format!("p-{message}") },
            code: None,
            detail: None,
            at: self.start + TimeDelta::seconds(2),
            cost: None,
            segments: None,
        };
        let outcomes: Vec<Outcome> = messages.into_iter().map(accepted).collect();
        if !outcomes.is_empty() {
            let mut connection = self.services.db.get().await.unwrap();
            record(&mut connection, SENDER, &outcomes, true).await.unwrap();
        }
    }

    async fn apply(&self) {
        let context = JobContext {
            services: self.services.clone(),
            id: Uuid::now_v7(),
            attempt: 1,
            max_attempts: 25,
            created_by: None,
            stopping: Default::default(),
            progress: Default::default(),
            successors: Default::default(),
        };
        apply::run(ApplyProviderEvents {}, &context).await.unwrap();
    }

    /// Takes these steps, in pieces; what it all comes to.
    async fn play(&self, pieces: &[Vec<Step>]) -> Vec<String> {
        self.reset().await;
        for piece in pieces {
            for (_, provider) in CHANNELS {
                let of = |step: &Step| match step {
                    Step::Told(by, event) if *by == provider => Some(event.clone()),
                    _ => None,
                };
                let events: Vec<ProviderEvent> = piece.iter().filter_map(of).collect();
                let mut connection = self.services.db.get().await.unwrap();
                keep(&mut connection, provider, &events, self.services.clock.now()).await.unwrap();
            }
            self.apply().await;
            let recorded = piece.iter().filter_map(|step| match step {
                Step::Recorded(message) => Some(*message),
                Step::Told(..) => None,
            });
            self.record(recorded.collect()).await;
        }
        // what was too early waits for its message's record
        self.services.clock.advance(TimeDelta::seconds(61));
        self.apply().await;
        self.state().await
    }

    /// All that can be seen of it.
    async fn state(&self) -> Vec<String> {
        const TABLES: [&str; 6] = [
            "SELECT concat_ws('|', 'message', id, status, provider, provider_message_id, send_job, \
                'e', error_code, error_message, 's', sent_at, 'd', delivered_at, 'o', opened_at, 'c', clicked_at, \
                'r', replied_at, 'f', failed_at, 'b', bounced_at, bounce, 'x', complained_at, 'u', unsubscribed_at) \
             FROM messages ORDER BY id",
            "SELECT concat_ws('|', 'bounce', message_id, channel, address, kind, code, detail, occurred_at) \
             FROM bounces ORDER BY message_id, kind",
            "SELECT concat_ws('|', 'suppression', channel, address, reason, scope, expires_at IS NULL) \
             FROM suppressions ORDER BY channel, address, reason",
            "SELECT concat_ws('|', 'consent', customer_id, channel, purpose, granted, given_at) \
             FROM consents ORDER BY customer_id, channel, purpose",
            "SELECT concat_ws('|', 'event', provider, provider_event_id, message_id, applied_at IS NOT NULL, \
                outcome IN ('orphan', 'ignored')) \
             FROM provider_events ORDER BY provider, provider_event_id",
            "SELECT concat_ws('|', 'inbound', provider_message_id, customer_id, in_reply_to, keyword, received_at) \
             FROM inbound_messages ORDER BY provider_message_id",
        ];
        let mut state = Vec::new();
        for table in TABLES {
            let rows = self.client.query(table, &[]).await.unwrap();
            state.extend(rows.iter().map(|row| row.get::<_, String>(0)));
        }
        state
    }
}

/// In any order, some of them twice, a few at a time.
fn disorder(dice: &mut Dice, steps: &[Step]) -> Vec<Vec<Step>> {
    let mut all = steps.to_vec();
    for step in steps {
        if matches!(step, Step::Told(..)) && dice.below(3) == 0 {
            all.push(step.clone());
        }
    }
    dice.shuffle(&mut all);
    let mut pieces = Vec::new();
    while !all.is_empty() {
        let size = usize::try_from(dice.below(60) + 1).unwrap().min(all.len());
        pieces.push(all.drain(..size).collect());
    }
    pieces
}

/// `ANY_ORDER_SEED`, or one that nobody chose.
#[expect(clippy::disallowed_methods, reason = "how a test is repeated is no setting of the product")]
fn seed() -> u64 {
    let asked = std::env::var("ANY_ORDER_SEED").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or_else(|| u64::from(Uuid::new_v4().as_fields().0))
}

#[tokio::test]
async fn events_in_any_order_lead_to_the_same_state() {
    let (ground, first) = (Ground::new().await, seed());
    for set in 0..SETS {
        let seed = first + set;
        eprintln!("ANY_ORDER_SEED={seed}");
        let mut dice = Dice::new(seed);
        let steps = steps(&mut dice, ground.start);
        let expected = ground.play(std::slice::from_ref(&steps)).await;
        assert!(expected.iter().any(|row| row.contains("bounce")) && steps.len() > 60);
        for order in 0..ORDERS {
            let pieces = disorder(&mut dice, &steps);
            let found = ground.play(&pieces).await;
            let differing: Vec<_> = expected
                .iter()
                .filter(|row| !found.contains(row))
                .map(|row| format!("- {row}"))
                .chain(found.iter().filter(|row| !expected.contains(row)).map(|row| format!("+ {row}")))
                .collect();
            assert!(differing.is_empty(), "seed {seed}, order {order}:\n{}", differing.join("\n"));
        }
    }
}
