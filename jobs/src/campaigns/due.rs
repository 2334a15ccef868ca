//! Timed campaigns whose time has come: begun, or asked about when their latest start has passed.

use super::{news, request::audience_of};
use crate::{NewJob, queue::ledger, services::Services};
use schema::{AsyncConnection, DbError, campaigns};

/// Campaigns moved on in one transaction.
pub const DUE_BATCH: usize = 100;

/// Moves on at most a batch of due campaigns; how many. The change and the job are one transaction, so that of any
/// number of schedulers one fires each.
pub async fn fire_due(services: &Services) -> Result<usize, DbError> {
    let now = services.clock.now();
    let mut connection = services.db.get().await?;
    let (due, enqueued) = connection
        .transaction::<_, DbError, _>(async |connection| {
            let due = campaigns::fire_due(connection, now, i64::try_from(DUE_BATCH).unwrap_or(i64::MAX)).await?;
            let fired = due.iter().filter(|campaign| !campaign.missed);
            let jobs = fired.map(|campaign| audience_of(campaign.id, campaign.created_by));
            let jobs = jobs.collect::<Result<Vec<NewJob>, _>>()?;
            for missed in due.iter().filter(|campaign| campaign.missed) {
                let kind = ("campaign_missed", "has missed its time: start it or stop it");
                let why = format!("It was to start at {}, and its latest start has passed.", missed.scheduled_at);
                news::tell_creator(connection, missed.id, kind, &why).await?;
            }
            let enqueued = ledger::enqueue(connection, now, &jobs).await?;
            Ok((due, enqueued))
        })
        .await?;
    drop(connection);
    services.dispatcher.push(&enqueued).await;
    for campaign in &due {
        if campaign.missed {
            tracing::warn!(campaign = campaign.id, "its latest start has passed: a person decides");
        } else {
            tracing::info!(campaign = campaign.id, due = %campaign.scheduled_at, "begun");
        }
    }
    Ok(due.len())
}
