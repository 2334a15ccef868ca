//! The figures of a large campaign, read through the whole API while it is being sent; and what keeping them costs the
//! statements that send.

use crate::ground::Ground;
use crate::report::{Report, per_second, percent, thousands};
use anyhow::ensure;
use api::{ApiConfig, ApiState};
use domain::permissions::SystemRole;
use jobs::{
    process::{build, config::load},
    security::password,
};
use poem::{
    Endpoint, Request,
    http::{Method, header},
};
use schema::{
    campaigns,
    people::{roles, users},
};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Statement};
use tokio_util::sync::CancellationToken;

const PASSWORD: &str = "correct horse battery staple";
/// Messages of a window, as senders take them.
const WINDOW: i64 = 64;
/// As the job that measures campaigns does it.
const FOLDED_EVERY: Duration = Duration::from_millis(500);
/// Pages read.
const PAGES: usize = 300;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(50);
/// Windows by which the cost of keeping figures is measured.
const WINDOWS: i64 = 600;

/// Measures a campaign of `count`.
pub async fn run(count: usize, report: &mut Report) -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let client = ground.connect().await?;
    fill(&client, count).await?;

    // the price: the same windows with triggers and without, turn about, each from rows nobody touched
    let (statements, spare) = (Statements::prepare(&client).await?, i64::try_from(count)?);
    let mut taken = [Duration::ZERO; 2];
    for turn in 0..4 {
        let with = turn % 2 == 0;
        let which = if with { "ENABLE" } else { "DISABLE" };
        client.batch_execute(&format!("ALTER TABLE messages {which} TRIGGER messages_figures_update")).await?;
        let begun = Instant::now();
        for window in 0..WINDOWS {
            statements.send(&client, spare + (turn * WINDOWS + window) * WINDOW).await?;
        }
        taken[usize::from(!with)] += begun.elapsed();
    }
    client.batch_execute("ALTER TABLE messages ENABLE TRIGGER messages_figures_update").await?;
    client.batch_execute("VACUUM messages").await?;
    let messages = usize::try_from(2 * WINDOWS * WINDOW)?;
    let [with, without] = taken.map(|taken| per_second(messages, taken.as_secs_f64()));
    report.add(
        "marking, recording and delivering messages, with their figures kept",
        format!("{} messages/s", thousands(with)),
        format!("{} of the same without ({} messages/s)", percent(with, without), thousands(without)),
    );

    let environment = ground.environment();
    let lookup = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let config: ApiConfig = load(&lookup, ApiConfig::read)?;
    let state = ApiState::new(config.clone(), build::services(&config.services)?)?;
    let app = api::app(Arc::clone(&state));
    let token = {
        let mut connection = state.services.db.get().await?;
        roles::add_system_roles(&mut connection).await?;
        let role = roles::by_name(&mut connection, SystemRole::OperationsManager.as_str()).await?;
        let hash = password::hash_password(&PASSWORD.into()).await?;
        let user = users::NewUser {
            email: "reader@example.com",
            password_hash: &hash,
            first_name: "Test",
            last_name: "User",
            role: role.ok_or_else(|| anyhow::anyhow!("there is no such role"))?,
            branch: None,
        };
        users::create(&mut connection, &user).await?;
        drop(connection);
        let body = json!({"email": "reader@example.com", "password": PASSWORD}).to_string();
        let request = Request::builder().method(Method::POST).uri_str("/api/auth/login");
        let answer = app.call(request.header(header::CONTENT_TYPE, "application/json").body(body)).await;
        let answer: Value = answer.map_err(|error| anyhow::anyhow!("{error}"))?.into_body().into_json().await?;
        answer["data"]["token"].as_str().unwrap_or_default().to_owned()
    };

    let (stop, sent) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    let writer = {
        let (client, stop, sent) = (ground.connect().await?, stop.clone(), Arc::clone(&sent));
        tokio::spawn(async move {
            let statements = Statements::prepare(&client).await?;
            let (mut at, end) = (0, i64::try_from(count)? - WINDOW);
            while !stop.is_cancelled() && at < end {
                statements.send(&client, at).await?;
                sent.fetch_add(usize::try_from(WINDOW)?, Ordering::Relaxed);
                at += WINDOW;
            }
            anyhow::Ok(())
        })
    };
    let folder = {
        let (services, stop) = (Arc::clone(&state.services), stop.clone());
        tokio::spawn(async move {
            while !stop.is_cancelled() {
                let mut connection = services.db.get().await?;
                while campaigns::fold(&mut connection, 1, 20_000).await? == 20_000 {}
                drop(connection);
                tokio::time::sleep(FOLDED_EVERY).await;
            }
            anyhow::Ok(())
        })
    };
    let mut times = Vec::new();
    let begun = Instant::now();
    for _ in 0..PAGES {
        let request = Request::builder().method(Method::GET).uri_str("/api/campaigns/campaign-1/analytics");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {token}")).finish();
        let asked = Instant::now();
        let answer = app.call(request).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        ensure!(answer.status().is_success(), "{}", answer.status());
        let body = answer.into_body().into_vec().await?;
        times.push(asked.elapsed());
        let page: Value = serde_json::from_slice(&body)?;
        ensure!(page["data"]["metrics"]["total"] == json!(count), "all are counted: {}", page["data"]["metrics"]);
        tokio::time::sleep(PAUSE).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    stop.cancel();
    writer.await??;
    folder.await??;
    times.sort();
    let of = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0;
    report.add(
        format!("figures of a campaign of {}, while it is being sent", thousands(count as f64)),
        format!("p50 {:.1} ms, p99 {:.1} ms", of(50), of(99)),
        format!(
            "50 ms; {} messages/s went out meanwhile",
            thousands(per_second(sent.load(Ordering::Relaxed), seconds))
        ),
    );
    Ok(())
}

/// A campaign of so many messages over 40 branches and 30 domains, counted and folded; its number is 1.
async fn fill(client: &Client, count: usize) -> anyhow::Result<()> {
    client
        .batch_execute(&format!(
            "INSERT INTO branches (code, name) SELECT 'B' || n, 'Branch ' || n FROM generate_series(1, 40) n; \
             INSERT INTO templates (name, template_type, content) VALUES ('Reminder', 'email', 'Dear {{name}}'); \
             INSERT INTO campaigns (id, group_id, name, campaign_type, status, audience_ready) \
             VALUES (1, gen_random_uuid(), 'Large', 'email', 'active', TRUE), \
                (2, gen_random_uuid(), 'Spare', 'email', 'active', TRUE); \
             INSERT INTO customers (customer_code, first_name, last_name, email) \
             SELECT 'C' || n, 'First', 'Last', 'c' || n || '@mail' || n % 30 || '.example' FROM generate_series(1, {count}) n; \
             INSERT INTO messages (id, campaign_id, customer_id, channel, template_id, address, branch_id) \
             SELECT row_number() OVER (ORDER BY c.id) - 1, 1, c.id, 'email', t.id, c.email, \
                (SELECT min(id) FROM branches) + c.id % 40 FROM customers c CROSS JOIN templates t; \
             INSERT INTO messages (id, campaign_id, customer_id, channel, template_id, address, branch_id, unit) \
             SELECT {count} + n, 2, c.id, 'email', t.id, c.email, (SELECT min(id) FROM branches) + n % 40, n \
             FROM generate_series(0, {spare} - 1) n CROSS JOIN templates t \
             JOIN customers c ON c.id = (SELECT min(id) FROM customers) + n % {count}",
            spare = 4 * WINDOWS * WINDOW,
        ))
        .await?;
    // one by one: several together would be a transaction
    client.batch_execute("VACUUM ANALYZE messages").await?;
    client.batch_execute("CHECKPOINT").await?;
    Ok(())
}

/// What happens to a window of messages on its way.
struct Statements([Statement; 3]);

impl Statements {
    async fn prepare(client: &Client) -> anyhow::Result<Self> {
        let window = "id >= $1 AND id < $1 + 64";
        let take = "UPDATE messages SET status = 'sending', attempts = attempts + 1, updated_at = now(), \
                    send_job = '00000000-0000-7000-8000-000000000000', send_attempt = 1 WHERE ";
        let record = "UPDATE messages SET status = 'sent', send_job = NULL, send_attempt = NULL, sent_at = now(), \
                      updated_at = now(), provider = 'smtp', provider_message_id = id::TEXT, cost = 0.01, \
                      cost_currency = 'INR' WHERE ";
        let deliver = "UPDATE messages SET status = 'delivered', delivered_at = now(), updated_at = now() WHERE ";
        let prepare = async |statement: &str| client.prepare(&format!("{statement}{window}")).await;
        Ok(Self([prepare(take).await?, prepare(record).await?, prepare(deliver).await?]))
    }

    /// Taken up, recorded, delivered.
    async fn send(&self, client: &Client, from: i64) -> anyhow::Result<()> {
        for statement in &self.0 {
            client.execute(statement, &[&from]).await?;
        }
        Ok(())
    }
}
