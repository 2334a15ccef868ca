//! A campaign against the stand-in for Meta, by one worker process, against a bare loop of the same calls with as many
//! in flight: with answers as late as a real service's, and with answers at once, where nothing is left but the cost of
//! keeping a record.

use crate::book;
use crate::report::{Report, per_second, percent, thousands};
use anyhow::ensure;
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::time::{Duration, Instant};
use tests::fleet::{Fleet, Plan};
use tests::meta::{ACCESS_TOKEN, Behaviour, Latency, MetaServer, PHONE_NUMBER_ID};
use tests::wait::until;

/// Calls in flight, here and there: four lanes of 64.
const CONCURRENCY: usize = 256;

/// What a call over the Internet takes.
const LATENCY: Latency = Latency { p50: Duration::from_millis(100), p99: Duration::from_millis(400) };

/// Measures `count` messages each way.
pub async fn run(count: usize, report: &mut Report) -> anyhow::Result<()> {
    for (answers, behaviour) in [
        ("answered after 100 ms", Behaviour { latency: LATENCY, ..Behaviour::default() }),
        ("answered at once", Behaviour::default()),
    ] {
        let bare = bare(count, behaviour.clone()).await?;
        let ours = campaign(count, behaviour).await?;
        report.add(
            format!("campaign of {} WhatsApp messages, one worker, {answers}", thousands(count as f64)),
            format!("{} messages/s", thousands(ours)),
            format!("{} of a bare loop ({} calls/s)", percent(ours, bare), thousands(bare)),
        );
    }
    Ok(())
}

async fn bare(count: usize, behaviour: Behaviour) -> anyhow::Result<f64> {
    let meta = MetaServer::start(behaviour).await?;
    let url = format!("{}/v23.0/{PHONE_NUMBER_ID}/messages", meta.base_url());
    let client = reqwest::Client::builder().build()?;
    let begun = Instant::now();
    let calls = stream::iter(0..count).map(|number| {
        let body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": book::phone(number).trim_start_matches('+'),
            "type": "template",
            "template": {
                "name": "renewal_reminder",
                "language": {"code": "en"},
                "components": [{"type": "body", "parameters": [{"type": "text", "text": format!("First{number}")}]}],
            },
            "biz_opaque_callback_data": format!("bare-{number}"),
        });
        let request = client.post(&url).bearer_auth(ACCESS_TOKEN).json(&body);
        async move { request.send().await?.error_for_status()?.bytes().await }
    });
    let failed = calls.buffer_unordered(CONCURRENCY).filter(|call| std::future::ready(call.is_err())).count().await;
    let taken = begun.elapsed();
    ensure!(failed == 0, "{failed} bare calls failed");
    ensure!(meta.accepted_count() == count, "the stand-in took {} of {count}", meta.accepted_count());
    Ok(per_second(count, taken.as_secs_f64()))
}

async fn campaign(count: usize, behaviour: Behaviour) -> anyhow::Result<f64> {
    let plan = Plan {
        servers: local::Options::for_run(),
        behaviour,
        workers: 1,
        queues: &["whatsapp=4", "campaigns=2", "events=1"],
        // the account is no bound here
        rate: 100_000,
    };
    let fleet = Fleet::with(plan).await;
    // webhooks wait: it is the sending that is measured
    fleet.meta.set_callback(None);
    let upload = fleet.write_book(count).await;
    let first = fleet.start_campaign(upload).await;
    until("the first message", Duration::from_secs(120), || async { fleet.meta.accepted_count() > 0 }).await;
    let begun = Instant::now();
    until("every message", Duration::from_secs(1_200), || async { fleet.meta.accepted_count() >= count }).await;
    let taken = begun.elapsed();
    let doubles = fleet.meta.doubles();
    ensure!(doubles.is_empty(), "{first}: accepted more than once: {doubles:?}");
    Ok(per_second(count, taken.as_secs_f64()))
}
