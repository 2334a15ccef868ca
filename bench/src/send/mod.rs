//! A campaign on each channel against a stand-in for its provider, by one worker process, against a bare loop of the
//! same calls with as many in flight: over WhatsApp with answers as late as a real service's, and on every channel with
//! answers at once, where nothing is left but the cost of keeping a record. Then two campaigns at once over one account.

mod channels;
mod share;

use crate::report::{Report, per_second, percent, thousands};
use anyhow::ensure;
use channels::{Line, Mail, Text, WhatsApp};
use domain::messaging::Channel;
use std::time::{Duration, Instant};
use tests::fleet::{Fleet, Plan, Program};
use tests::meta::{Behaviour, Latency};
use tests::wait::until;

pub use share::run as share;

/// Calls in flight, here and there: four lanes of 64.
const CONCURRENCY: usize = 256;
/// The most that an account can be set to: no bound here.
const RATE: u32 = 10_000;
/// What a call over the Internet takes.
const LATENCY: Latency = Latency { p50: Duration::from_millis(100), p99: Duration::from_millis(400) };
/// The longest any of it may take.
const END: Duration = Duration::from_secs(1_800);

/// Measures `count` messages each way.
pub async fn run(count: usize, report: &mut Report) -> anyhow::Result<()> {
    let late = Behaviour { latency: LATENCY, ..Behaviour::default() };
    let at_once = Behaviour::default;
    measured(&WhatsApp::start(late).await?, count, "WhatsApp messages, answered after 100 ms", report).await?;
    measured(&WhatsApp::start(at_once()).await?, count, "WhatsApp messages, answered at once", report).await?;
    measured(&Text::start(at_once()).await?, count, "text messages by Twilio, answered at once", report).await?;
    measured(&Mail::start(at_once()).await?, count, "e-mails over SMTP, answered at once", report).await
}

async fn measured(line: &impl Line, count: usize, what: &str, report: &mut Report) -> anyhow::Result<()> {
    let begun = Instant::now();
    line.bare(count).await?;
    let bare = per_second(count, begun.elapsed().as_secs_f64());
    ensure!(line.taken() == count, "the stand-in took {} of {count}", line.taken());

    let fleet = fleet(line).await;
    let upload = fleet.write_book(count).await;
    let first = fleet.start_campaign(line.channel(), upload).await;
    until("the first message", END, || async { line.taken() > count }).await;
    let begun = Instant::now();
    until("every message", END, || async { line.taken() >= 2 * count }).await;
    let ours = per_second(count, begun.elapsed().as_secs_f64());
    let path = format!("/api/campaigns/{first}");
    until("the campaign completes", END, || async {
        fleet.get(&path).await.is_some_and(|campaign| campaign["status"] == "completed")
    })
    .await;
    ensure!(line.doubles() == 0, "{first}: {} were accepted more than once", line.doubles());
    let memory = [Program::Api, Program::Worker(0), Program::Scheduler].map(|program| {
        let bytes = fleet.peak_memory(program).unwrap_or_default();
        format!("{:.0}", bytes as f64 / 1_048_576.0)
    });
    report.add(
        format!("campaign of {} {what}, one worker", thousands(count as f64)),
        format!("{} messages/s", thousands(ours)),
        format!(
            "{} of a bare loop ({} calls/s); most memory of api, worker and scheduler: {} MiB",
            percent(ours, bare),
            thousands(bare),
            memory.join(", ")
        ),
    );
    Ok(())
}

/// One worker before a channel. Webhooks wait: it is the sending that is measured.
async fn fleet(line: &impl Line) -> Fleet {
    let queues = match line.channel() {
        Channel::Whatsapp => &["whatsapp=4", "campaigns=2", "events=1"],
        Channel::Sms => &["sms=4", "campaigns=2", "events=1"],
        Channel::Email => &["email=4", "campaigns=2", "events=1"],
    };
    let plan = Plan {
        servers: local::Options::for_run(),
        behaviour: Behaviour::default(),
        workers: 1,
        queues,
        rate: RATE,
        more: line.environment(),
    };
    let fleet = Fleet::with(plan).await;
    fleet.meta.set_callback(None);
    fleet
}
