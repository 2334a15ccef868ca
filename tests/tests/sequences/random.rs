//! Random ladders, entries and events over random months: what always holds.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::{
    campaigns::{
        Audience, AudienceFilter, CampaignStatus,
        sequence::{Condition, Fallback, Reached, Step, due_at},
    },
    messaging::{Channel, restraint::Rules},
    permissions::Reach,
};
use schema::{
    AsyncConnection, DbError,
    campaigns::{self, Target},
    messages::{self, Sender, Window},
    sequences::{self, Enrolling, NewSequence},
};
use std::collections::BTreeMap;
use tests::base::Base;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// Ladders of a run.
const LADDERS: i64 = 5;
/// Policies of each.
const PEOPLE: i64 = 6;
/// What may happen to policy {n} of customer {n} at {now}.
const EVENTS: [&str; 4] = [
    "UPDATE renewal_cases SET payment_status = 'paid' WHERE policy_id = {n}",
    "UPDATE policies SET status = 'lapsed' WHERE id = {n}",
    "INSERT INTO consents (customer_id, channel, purpose, granted, own_choice, source, given_at) \
     SELECT {n}, c, 'service', FALSE, TRUE, 'unsubscribe', '{now}' FROM unnest(ARRAY['email', 'whatsapp', 'sms']) c",
    "INSERT INTO claims (claim_number, policy_id, claim_type, claim_amount, description, incident_date, reported_date) \
     VALUES ('CL-{n}', {n}, 'own_damage', 100, 'A dent', '2026-01-01', '2026-01-01')",
];

/// Repeatable chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }

    fn of<T: Copy>(&mut self, some: &[T]) -> T {
        some[usize::try_from(self.below(i64::try_from(some.len()).unwrap())).unwrap()]
    }

    fn steps(&mut self, templates: &BTreeMap<Channel, i64>) -> Vec<Step> {
        let mut days: Vec<i16> = (0..=self.below(5)).map(|_| i16::try_from(self.below(50)).unwrap() - 40).collect();
        days.sort_unstable();
        days.dedup();
        let mut steps = Vec::new();
        for days in days {
            let channel = self.of(Channel::ALL);
            let other = self.of(Channel::ALL);
            let fallback = (other != channel && self.below(2) == 0).then(|| Fallback {
                channel: other,
                template: templates[&other],
                unless: self.of(Reached::ALL),
                hours: i16::try_from(1 + self.below(100)).unwrap(),
            });
            steps.push(Step {
                days,
                at: NaiveTime::from_hms_opt(u32::try_from(self.below(24)).unwrap(), 30, 0).unwrap(),
                channel,
                template: templates[&channel],
                condition: (self.below(3) == 0).then(|| self.of(Condition::ALL)),
                fallback,
            });
        }
        steps
    }
}

struct World {
    base: Base,
    client: Client,
    chance: Chance,
    steps: BTreeMap<i64, Vec<Step>>,
    ended: BTreeMap<i64, DateTime<Utc>>,
}

impl World {
    async fn new(seed: u64, now: DateTime<Utc>) -> Self {
        let base = Base::new().await;
        let (client, connection) = tokio_postgres::connect(base.database.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        let mut world = Self { base, client, chance: Chance(seed), steps: BTreeMap::new(), ended: BTreeMap::new() };
        let mut templates = BTreeMap::new();
        for channel in Channel::ALL {
            let written = format!(
                "WITH t AS (INSERT INTO templates (name, template_type, content, variables) \
                    VALUES ('{channel}', '{channel}', 'Renew', '[]') RETURNING *) \
                 INSERT INTO template_versions (template_id, version, language, is_fallback, content, format, variables) \
                 SELECT id, version, language, TRUE, content, format, variables FROM t RETURNING template_id"
            );
            templates.insert(*channel, world.number(&written).await);
        }
        for ladder in 1..=LADDERS {
            world.ladder(ladder, &templates, now).await;
        }
        world
    }

    async fn run(&self, statement: &str) {
        self.client.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }

    async fn number(&self, query: &str) -> i64 {
        self.client.query_one(query, &[]).await.unwrap_or_else(|error| panic!("{query}: {error:?}")).get(0)
    }

    /// A ladder with people of its own, told apart by the kind of their policies.
    async fn ladder(&mut self, ladder: i64, templates: &BTreeMap<Channel, i64>, now: DateTime<Utc>) {
        for person in 0..PEOPLE {
            let number = ladder * 100 + person;
            let email = if self.chance.below(4) > 0 { format!("'p{number}@example.com'") } else { "NULL".to_owned() };
            let phone = if self.chance.below(4) > 0 { format!("'+9198765{number:05}'") } else { "NULL".to_owned() };
            let zone = self.chance.of(&["Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]);
            let ends = now.date_naive() + TimeDelta::days(self.chance.below(60) - 5);
            self.run(&format!(
                "INSERT INTO customers (id, customer_code, first_name, last_name, email, phone, time_zone) \
                    VALUES ({number}, 'C{number}', 'F', 'L', {email}, {phone}, '{zone}'); \
                 INSERT INTO policies (id, policy_number, customer_id, policy_type, premium_amount, start_date, end_date) \
                    VALUES ({number}, 'P{number}', {number}, 'k{ladder}', 100, '{ends}'::DATE - 364, '{ends}'); \
                 INSERT INTO renewal_cases (policy_id, term_end) VALUES ({number}, '{ends}')"
            ))
            .await;
        }
        let filter = AudienceFilter { policy_types: vec![format!("k{ladder}")], ..AudienceFilter::default() };
        let steps = self.chance.steps(templates);
        let most = i16::try_from(1 + self.chance.below(6)).unwrap();
        let new = NewSequence {
            name: format!("L{ladder}"),
            description: None,
            tags: Vec::new(),
            steps: steps.clone(),
            max_messages: (most < 6).then_some(most),
            audience: Audience::Filter(filter),
            upload_id: None,
            time_zone: "Asia/Kolkata".to_owned(),
            enrol_until: None,
            holdout_percent: None,
            created_by: None,
            reach: Reach::All,
        };
        let target = Target {
            upload_id: None,
            audience: new.audience.clone(),
            channel: new.steps[0].channel,
            today: now.date_naive(),
            reach: Reach::All,
            segments: domain::campaigns::audience::Segments::default(),
            grouping: domain::campaigns::Grouping::Policy,
            holdout: None,
            also: Channel::ALL.to_vec(),
            zone: domain::local_day::DEFAULT_ZONE,
        };
        let mut connection = self.base.db().get().await.unwrap();
        let id = connection
            .transaction::<_, DbError, _>(async |connection| {
                let id = sequences::insert(connection, &new, now).await?;
                sequences::replace(connection, id, &new.steps).await?;
                assert!(sequences::launch(connection, id, CampaignStatus::Preparing, now).await?);
                let rules = Rules::default();
                sequences::enrol(connection, &Enrolling { campaign: id, target: &target, rules: &rules }, now).await?;
                assert!(sequences::settle(connection, id, now).await?);
                Ok(id)
            })
            .await
            .unwrap();
        self.steps.insert(id, steps);
    }

    /// What workers and the world do at an instant.
    async fn live(&mut self, now: DateTime<Utc>) {
        let mut connection = self.base.db().get().await.unwrap();
        for campaign in sequences::due(&mut connection, now, 100).await.unwrap() {
            let limit = 1 + self.chance.below(4);
            while sequences::advance(&mut connection, campaign, now, limit).await.unwrap().taken > 0 {}
        }
        // somebody's doing between the step and its message
        if self.chance.below(2) == 0 {
            let policy = (1 + self.chance.below(LADDERS)) * 100 + self.chance.below(PEOPLE);
            if !self.ended.contains_key(&policy) {
                let event = self.chance.of(&EVENTS);
                self.run(&event.replace("{n}", &policy.to_string()).replace("{now}", &now.to_rfc3339())).await;
                self.ended.insert(policy, now);
            }
        }
        let rows =
            self.client.query("SELECT id, campaign_id FROM messages WHERE status = 'pending' ORDER BY id", &[]).await;
        let mut pending: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for row in rows.unwrap() {
            pending.entry(row.get(1)).or_default().push(row.get(0));
        }
        for (campaign, ids) in pending {
            let job = Uuid::now_v7();
            let insert = "INSERT INTO jobs (id, kind, queue, payload, state, run_at, attempt, max_attempts, lease_token, \
                          leased_until) VALUES ($1, 'send', 'whatsapp', '{}', 'running', now(), 1, 9, $1, now())";
            self.client.execute(insert, &[&job]).await.unwrap();
            let sender = Sender { job, attempt: 1 };
            let window = Window { campaign: Some(campaign), sender, provider: "p", account: "a", ids: &ids };
            for held in messages::hold(&mut connection, &window, now).await.unwrap() {
                let at = now.to_rfc3339();
                let fate = match held.over {
                    Some(reason) => format!("status = 'suppressed', error_code = '{reason}'"),
                    None => match self.chance.below(5) {
                        // still waiting
                        0 => continue,
                        1 => format!("status = 'failed', failed_at = '{at}'"),
                        2 => format!("status = 'delivered', sent_at = '{at}', delivered_at = '{at}'"),
                        3 => format!("status = 'read', sent_at = '{at}', opened_at = '{at}'"),
                        _ => format!("status = 'sent', sent_at = '{at}'"),
                    },
                };
                self.run(&format!("UPDATE messages SET {fate} WHERE id = {}", held.text.id)).await;
            }
        }
    }

    async fn check(&self) {
        let twice =
            "SELECT count(*) FROM (SELECT 1 FROM messages GROUP BY policy_id, step, channel HAVING count(*) > 1) x";
        assert_eq!(self.number(twice).await, 0);
        let many = "SELECT count(*) FROM campaign_enrolments e JOIN campaigns c ON c.id = e.campaign_id \
                    CROSS JOIN LATERAL (SELECT count(*) AS had FROM messages m WHERE m.enrolment_id = e.id) m \
                    WHERE m.had <> e.written OR m.had > COALESCE((c.plan ->> 'maxMessages')::INT, 1000)";
        assert_eq!(self.number(many).await, 0);
        let rows = self.client.query(
            "SELECT m.policy_id, m.campaign_id, m.step, m.channel, m.created_at, m.sent_at, e.term_end, e.time_zone, \
                e.created_at AS entered \
             FROM messages m JOIN campaign_enrolments e ON e.id = m.enrolment_id ORDER BY m.id",
            &[],
        );
        let mut last: BTreeMap<i64, i16> = BTreeMap::new();
        for row in rows.await.unwrap() {
            let (policy, place): (i64, i16) = (row.get("policy_id"), row.get("step"));
            let step = &self.steps[&row.get::<_, i64>("campaign_id")][usize::try_from(place).unwrap()];
            let zone: Tz = row.get::<_, &str>("time_zone").parse().unwrap();
            let (due, written): (_, DateTime<Utc>) = (due_at(step, row.get("term_end"), zone), row.get("created_at"));
            assert!(due <= written, "policy {policy}: step {place} was due at {due}, written at {written}");
            let channel: Channel = row.get::<_, &str>("channel").parse().unwrap();
            let fallback = step.fallback.as_ref().map(|other| other.channel);
            assert!(channel == step.channel || Some(channel) == fallback, "policy {policy}");
            assert!(last.insert(policy, place).is_none_or(|before| before <= place), "policy {policy} went down");
            if let (Some(end), Some(sent)) = (self.ended.get(&policy), row.get::<_, Option<DateTime<Utc>>>("sent_at")) {
                assert!(sent < *end, "policy {policy} ended at {end}, and was written to at {sent}");
            }
        }
    }
}

#[tokio::test]
async fn no_step_comes_twice_nothing_follows_an_end_the_cap_holds_and_every_ladder_ends() {
    for seed in [7, 1_234_567] {
        println!("seed {seed}");
        let begin: DateTime<Utc> = "2027-02-20T06:00:00Z".parse().unwrap();
        let mut world = World::new(seed, begin).await;
        let (mut now, end) = (begin, begin + TimeDelta::days(110));
        while now < end {
            world.live(now).await;
            now += TimeDelta::hours(1 + world.chance.below(90));
        }
        for _ in 0..12 {
            world.live(now).await;
            now += TimeDelta::hours(24);
        }
        world.check().await;
        assert!(world.number("SELECT count(*) FROM messages WHERE sent_at IS NOT NULL").await > 10);
        let open = "SELECT count(*) FROM campaign_enrolments WHERE state = 'active'";
        assert_eq!(world.number(open).await, 0);
        let mut connection = world.base.db().get().await.unwrap();
        for campaign in world.steps.keys() {
            assert!(campaigns::complete_if_drained(&mut connection, *campaign, now).await.unwrap(), "{campaign}");
        }
    }
}
