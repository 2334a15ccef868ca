//! The audience of a campaign over a whole book: chosen, written and every text tried, by a worker process, against one
//! bare statement that writes the same messages and checks nothing.

use crate::report::{Report, per_second, percent, thousands};
use domain::messaging::Channel;
use std::time::{Duration, Instant};
use tests::fleet::{Fleet, Plan, Program};
use tests::meta::Behaviour;
use tests::wait::until_some;

/// Measures an audience of `count`.
pub async fn run(count: usize, report: &mut Report) -> anyhow::Result<()> {
    let plan = Plan {
        servers: local::Options::for_run(),
        behaviour: Behaviour::default(),
        workers: 1,
        queues: &["campaigns=2"],
        rate: 80,
        more: Vec::new(),
    };
    let fleet = Fleet::with(plan).await;
    let upload = fleet.write_book(count).await;
    let client = fleet.connect().await;
    let template = "SELECT id FROM templates ORDER BY id DESC LIMIT 1";
    let campaign = fleet.start_campaign(Channel::Whatsapp, upload).await;
    until_some("the campaign starts", Duration::from_secs(1_200), || async {
        let started = "SELECT 1 FROM jobs WHERE kind = 'start_campaign' AND state = 'succeeded'";
        client.query_opt(started, &[]).await.expect("the ledger").map(|_| ())
    })
    .await;
    let mut seconds = Vec::new();
    for kind in ["build_audience", "check_rendering"] {
        let taken = "SELECT extract(epoch FROM max(finished_at) - min(started_at))::FLOAT8 FROM jobs \
                     WHERE kind = $1 AND state = 'succeeded'";
        seconds.push(client.query_one(taken, &[&kind]).await?.try_get::<_, f64>(0)?);
    }
    let memory = fleet.peak_memory(Program::Worker(0)).unwrap_or_default();
    let id: i64 = campaign.trim_start_matches("campaign-").parse()?;
    let template: i64 = client.query_one(template, &[]).await?.get(0);
    let stop = "UPDATE campaigns SET status = 'cancelled', completed_at = now() WHERE id = $1";
    client.execute(stop, &[&id]).await?;
    client.execute("DELETE FROM messages", &[]).await?;
    client.batch_execute("VACUUM messages").await?;
    client.batch_execute("CHECKPOINT").await?;
    let begun = Instant::now();
    client
        .execute(
            "INSERT INTO messages (campaign_id, customer_id, policy_id, case_id, channel, template_id, address, due_at) \
             SELECT $1, c.id, p.id, r.id, 'whatsapp', $2, c.phone, now() FROM renewal_cases r \
             JOIN policies p ON p.id = r.policy_id JOIN customers c ON c.id = p.customer_id",
            &[&id, &template],
        )
        .await?;
    let bare = begun.elapsed().as_secs_f64();
    let of = |seconds: f64| format!("{:.1} s, {} a second", seconds, thousands(per_second(count, seconds)));
    let what = format!("audience of {}, chosen and written", thousands(count as f64));
    report.add(what, of(seconds[0]), format!("{} of the bare statement ({bare:.1} s)", percent(bare, seconds[0])));
    let megabytes = memory as f64 / 1_048_576.0;
    report.add(
        "the same: every text tried before the first send",
        of(seconds[1]),
        format!("worker {megabytes:.0} MiB"),
    );
    Ok(())
}
