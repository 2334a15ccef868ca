//! Two campaigns over one account: what the second gets of it while the first, begun before, still has much to send.

use super::{END, LATENCY, channels::WhatsApp, fleet};
use crate::report::{Report, percent, thousands};
use anyhow::ensure;
use domain::messaging::Channel;
use std::time::{Duration, Instant};
use tests::meta::Behaviour;

/// Between two looks at what is sent.
const LOOK: Duration = Duration::from_millis(250);

/// Measures two campaigns of `count` each.
pub async fn run(count: usize, report: &mut Report) -> anyhow::Result<()> {
    let line = WhatsApp::start(Behaviour { latency: LATENCY, ..Behaviour::default() }).await?;
    let fleet = fleet(&line).await;
    let upload = fleet.write_book(count).await;
    let client = fleet.connect().await;
    let first = fleet.start_campaign(Channel::Whatsapp, upload).await;
    let number = |campaign: &str| campaign.trim_start_matches("campaign-").parse::<i64>();
    let first = number(&first)?;
    let out = async |campaign: i64| -> anyhow::Result<usize> {
        let sent = "SELECT count(*) FROM messages WHERE campaign_id = $1 AND sent_at IS NOT NULL";
        Ok(usize::try_from(client.query_one(sent, &[&campaign]).await?.try_get::<_, i64>(0)?)?)
    };
    let reaches = async |campaign: i64, share: usize| -> anyhow::Result<()> {
        let begun = Instant::now();
        while out(campaign).await? < count * share / 100 {
            ensure!(begun.elapsed() < END, "{share} % of campaign {campaign} were not sent in time");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    };
    reaches(first, 10).await?;
    let second = number(&fleet.start_campaign(Channel::Whatsapp, upload).await)?;
    reaches(second, 1).await?;
    let before = [out(first).await?, out(second).await?];
    reaches(first, 80).await?;
    let after = [out(first).await?, out(second).await?];
    let [ours, theirs] = [after[0] - before[0], after[1] - before[1]];
    report.add(
        format!("two campaigns of {} at once: what the later one sends", thousands(count as f64)),
        format!("{} of all", percent(theirs as f64, (ours + theirs) as f64)),
        format!("a fair share is 50 %; {} and {} messages", thousands(ours as f64), thousands(theirs as f64)),
    );
    Ok(())
}
