//! Segments over a book of two policies a customer: how soon a count and a sample are there while somebody waits, and how
//! long the statement that writes an audience takes against the bare one that writes the same messages.

use crate::ground::Ground;
use crate::report::{Report, per_second, percent, thousands};
use domain::campaigns::audience::{Day, Filter, Segments, Selection};
use domain::campaigns::{Audience, Grouping, plan::Timing};
use domain::local_day::DEFAULT_ZONE;
use domain::messaging::{Channel, Purpose, restraint::Rules};
use domain::permissions::Reach;
use schema::campaigns::{self, Dispatch, NewCampaign, PinnedText, Target};
use schema::{AsyncConnection, Db, DbConfig, DbError, segments, template_versions};
use serde_json::{Value, json};
use std::time::Instant;

/// What is counted and sampled: rare and common things, about every kind of record.
fn questions() -> Vec<(&'static str, Value)> {
    let is = |field: &str, operator: &str, value: Value| json!({"field": field, "operator": operator, "value": value});
    let expiring = is("policy.endDate", "in_days", json!({"min": 15, "max": 30}));
    let city = is("customer.city", "is", json!("City 7"));
    let opened = is("message", "any", json!({"event": "opened", "withinDays": 30}));
    vec![
        ("a city", city.clone()),
        ("a language", is("customer.language", "is", json!("hi"))),
        ("expires in 15 to 30 days", expiring.clone()),
        ("active", is("policy.status", "is", json!("active"))),
        ("expires soon, not of a city, opened a message", json!({"and": [expiring, {"not": city}, opened]})),
        ("opened within 30 days", opened),
        ("never sent a message", is("message", "none", json!({"event": "sent"}))),
        (
            "a tag or an open claim",
            json!({"or": [
                is("tag", "any", json!(["vip"])), is("claim", "any", json!({"open": true}))
            ]}),
        ),
        (
            "escalated, and older than 60",
            json!({"and": [
                is("case.status", "is", json!("escalated")), is("customer.age", "above", json!(60))
            ]}),
        ),
    ]
}

fn book(customers: usize) -> String {
    format!(
        "INSERT INTO templates (id, name, template_type, content) OVERRIDING SYSTEM VALUE VALUES (1, 't', 'sms', 'Hello'); \
         INSERT INTO template_versions (template_id, version, language, is_fallback, content, format, variables) \
            VALUES (1, 1, 'en', TRUE, 'Hello', 'text', '[]'); \
         INSERT INTO customers (customer_code, first_name, last_name, phone, email, language, date_of_birth, address, \
                                created_at) \
            SELECT 'C' || n, 'First' || n, 'Last' || n, '+9198' || lpad(n::TEXT, 8, '0'), 'p' || n || '@example.com', \
                   (ARRAY['hi', 'en', 'mr', 'ta'])[1 + n % 4], '1950-01-01'::DATE + n % 20000, \
                   jsonb_build_object('line', n || ' Road', 'city', 'City ' || n % 400, 'state', 'State ' || n % 20), \
                   now() - make_interval(hours => n % 40000) \
            FROM generate_series(1, {customers}) n; \
         INSERT INTO policies (policy_number, customer_id, policy_type, premium_amount, start_date, end_date, status) \
            SELECT 'P' || n, 1 + n % {customers}, (ARRAY['motor', 'health', 'life'])[1 + n % 3], 1000 + n % 50000, \
                   current_date - 365 + (n * 7919::BIGINT % 400)::INT - 30, current_date + (n * 7919::BIGINT % 400)::INT - 30, \
                   CASE WHEN n % 20 = 0 THEN 'lapsed' ELSE 'active' END \
            FROM generate_series(1, {customers} * 2) n; \
         INSERT INTO renewal_cases (policy_id, term_end, status) \
            SELECT id, end_date, CASE WHEN id % 500 = 0 THEN 'escalated' ELSE 'new' END FROM policies \
            WHERE end_date BETWEEN current_date AND current_date + 90; \
         INSERT INTO messages (customer_id, channel, address, status, due_at, sent_at, opened_at) \
            SELECT 1 + n % {customers}, 'sms', 'x', 'sent', now(), now() - make_interval(days => n % 300), \
                   CASE WHEN n % 5 = 0 THEN now() - make_interval(days => n % 300) END \
            FROM generate_series(1, {customers} * 4 / 5) n; \
         INSERT INTO claims (claim_number, policy_id, claim_type, claim_amount, description, incident_date, reported_date) \
            SELECT 'K' || n, n * 20, 'theft', 1000, 'x', current_date - n % 900, current_date - n % 900 \
            FROM generate_series(1, {customers} / 20) n; \
         INSERT INTO customer_tags (customer_id, tag) SELECT n * 50, 'vip' FROM generate_series(1, {customers} / 50) n"
    )
}

/// Measures over so many customers.
pub async fn run(customers: usize, report: &mut Report) -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let client = ground.connect().await?;
    client.batch_execute(&book(customers)).await?;
    client.batch_execute("VACUUM ANALYZE").await?;
    let db = Db::new(&DbConfig::new(ground.cluster.database_url().to_owned()))?;
    looks(&db, customers, report).await?;
    audience(&db, &client, customers, report).await
}

async fn looks(db: &Db, customers: usize, report: &mut Report) -> anyhow::Result<()> {
    let now = db.get().await.map(|_| chrono_now())?;
    let day = Day::of(now, DEFAULT_ZONE);
    let known = Segments::default();
    for (what, filter) in questions() {
        let chosen = Selection::filtered(Filter::parse(&filter, "filter")?);
        let mut connection = db.get().await?;
        let (mut worst, mut told) = (0.0_f64, String::new());
        for _ in 0..5 {
            let begun = Instant::now();
            let (counted, sample) = segments::preview(&mut connection, Reach::All, &chosen, &known, day, 10).await?;
            worst = worst.max(begun.elapsed().as_secs_f64() * 1_000.0);
            told = match counted {
                Some(counted) if counted.exact => format!("{} exactly", thousands(counted.count as f64)),
                Some(counted) => format!(
                    "about {} ({} to {})",
                    thousands(counted.count as f64),
                    thousands(counted.low as f64),
                    thousands(counted.high as f64)
                ),
                None => "not told".to_owned(),
            };
            told.push_str(&format!(", {} shown", sample.len()));
        }
        let what = format!("count and sample of {} customers: {what}", thousands(customers as f64));
        report.add(what, format!("{worst:.0} ms, worst of 5"), told);
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the book is written relative to the machine's clock")]
fn chrono_now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

async fn audience(
    db: &Db,
    client: &tokio_postgres::Client,
    customers: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let now = chrono_now();
    let filter = json!({"field": "policy.status", "operator": "in", "value": ["active", "lapsed"]});
    let mut bare_seconds = 0.0;
    for grouping in [Grouping::Address, Grouping::Together, Grouping::Household, Grouping::Policy] {
        let target = Target {
            upload_id: None,
            audience: Audience::parse(&json!({"filter": filter}))?,
            segments: Segments::default(),
            grouping,
            holdout: None,
            also: Vec::new(),
            channel: Channel::Sms,
            today: Day::of(now, DEFAULT_ZONE).today,
            zone: DEFAULT_ZONE,
            reach: Reach::All,
        };
        let mut connection = db.get().await?;
        let new = NewCampaign::new("All", Channel::Sms, 1, target.audience.clone());
        let id = campaigns::insert(&mut connection, &new, now).await?;
        let fallback = template_versions::of_template(&mut connection, 1, None).await?[0].id;
        let (purpose, rules) = (Purpose::Service, Rules::default());
        let texts =
            [PinnedText { variant: None, language: None, version: fallback, template: 1, purpose, topic: None }];
        let dispatch = Dispatch {
            texts: &texts,
            shares: &[],
            timing: Timing::AtOnce,
            day: target.today,
            pace: None,
            rehearsal: false,
            rules: &rules,
        };
        let begun = Instant::now();
        let built = connection
            .transaction::<_, DbError, _>(async |connection| {
                campaigns::build(connection, id, &dispatch, &target, now).await
            })
            .await?;
        let seconds = begun.elapsed().as_secs_f64();
        let built = built.ok_or_else(|| anyhow::anyhow!("the audience was not wanted"))?;
        let wipe = format!(
            "DELETE FROM messages WHERE campaign_id = {id}; DELETE FROM campaign_exclusions WHERE campaign_id = {id}"
        );
        client.batch_execute(&wipe).await?;
        client.batch_execute("VACUUM messages").await?;
        client.batch_execute("VACUUM campaign_exclusions").await?;
        client.batch_execute("CHECKPOINT").await?;
        if grouping == Grouping::Address {
            let begun = Instant::now();
            let bare = "INSERT INTO messages (campaign_id, customer_id, policy_id, channel, template_id, address, due_at) \
                        SELECT $1, c.id, p.id, 'sms', 1, c.phone, now() \
                        FROM (SELECT DISTINCT ON (customer_id) * FROM policies ORDER BY customer_id, end_date, id) p \
                        JOIN customers c ON c.id = p.customer_id";
            client.execute(bare, &[&id]).await?;
            bare_seconds = begun.elapsed().as_secs_f64();
            client.batch_execute(&wipe).await?;
            client.batch_execute("VACUUM messages").await?;
            client.batch_execute("CHECKPOINT").await?;
        }
        let written = usize::try_from(built.messages)?;
        let figure = format!("{seconds:.1} s, {} messages a second", thousands(per_second(written, seconds)));
        let against = format!(
            "{} messages, {} exclusions; {} of the bare INSERT … SELECT of one a customer ({bare_seconds:.1} s)",
            thousands(built.messages as f64),
            thousands(built.exclusions as f64),
            percent(bare_seconds, seconds)
        );
        report.add(
            format!("audience of {} customers, one message a {grouping}", thousands(customers as f64)),
            figure,
            against,
        );
    }
    Ok(())
}
