//! Timed campaigns whose time has come: begun, or asked about when their latest start has passed.

use super::{analytics, news, request::audience_of};
use crate::{NewJob, queue::ledger, services::Services};
use chrono::{DateTime, Utc};
use domain::{
    campaigns::{CampaignStatus, Plan},
    ids::CampaignId,
    local_day::{DEFAULT_ZONE, local_day},
};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    audit::{self, Actor, Entity},
    campaigns::{self, Copy, Recurring},
};
use serde_json::json;

/// Campaigns moved on in one transaction.
pub const DUE_BATCH: usize = 100;
/// Recurring campaigns moved on in one transaction.
pub const RECURRING_BATCH: usize = 20;

/// Begins a campaign for each recurring one whose time has come; how many. Times that passed while nothing could begin
/// them are made up for by one campaign, not by one each.
pub async fn fire_recurring(services: &Services) -> Result<usize, DbError> {
    let now = services.clock.now();
    let mut connection = services.db.get().await?;
    let (begun, enqueued) = connection
        .transaction::<_, DbError, _>(async |connection| {
            let due =
                campaigns::hold_recurring(connection, now, i64::try_from(RECURRING_BATCH).unwrap_or(i64::MAX)).await?;
            let mut jobs = Vec::new();
            // few are ever due at one time, and each is a campaign of its own
            for recurring in &due {
                jobs.extend(begin(connection, recurring, now).await?);
                // it may have ended
                jobs.push(analytics::after_change(recurring.id)?);
            }
            Ok((due.len(), ledger::enqueue(connection, now, &jobs).await?))
        })
        .await?;
    drop(connection);
    services.dispatcher.push(&enqueued).await;
    Ok(begun)
}

/// One time of a recurring campaign, and when it is due next.
async fn begin(
    connection: &mut AsyncPgConnection,
    recurring: &Recurring,
    now: DateTime<Utc>,
) -> Result<Option<NewJob>, DbError> {
    let zone = recurring.time_zone.as_deref();
    let plan: Plan = serde_json::from_value(recurring.plan.clone()).unwrap_or_default();
    if plan
        .recurrence
        .as_ref()
        .and_then(|recurrence| recurrence.until)
        .is_some_and(|until| until < recurring.scheduled_at)
    {
        // its end was set to before a time that was known already
        campaigns::set_next(connection, recurring.id, None, now).await?;
        return Ok(None);
    }
    let name = format!("{} ({})", recurring.name, local_day(recurring.scheduled_at, zone));
    let name: String = name.chars().take(255).collect();
    let copy = Copy {
        of: recurring.id,
        name: &name,
        rehearsal: false,
        occurrence: Some(recurring.scheduled_at),
        created_by: None,
    };
    let begun = campaigns::copy(connection, &copy, now).await?;
    if let Some(begun) = begun {
        let entry = Actor::default().entry("campaign.created", Entity::of(CampaignId(begun)));
        let told = json!({
            "status": CampaignStatus::Preparing, "of": CampaignId(recurring.id), "occurrenceAt": copy.occurrence,
            "name": name,
        });
        audit::record(connection, &[entry.after(told)]).await?;
    }
    let next = plan.recurrence.map(|recurrence| recurrence.next_after(zone.unwrap_or(DEFAULT_ZONE.name()), now));
    let next = next.transpose().unwrap_or_else(|error| {
        tracing::error!(campaign = recurring.id, %error, "its timetable cannot be read: it ends");
        None
    });
    campaigns::set_next(connection, recurring.id, next.flatten(), now).await?;
    begun.map(|campaign| audience_of(campaign, None)).transpose()
}

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
            let told = due.iter().map(|campaign| analytics::after_change(campaign.id));
            let jobs = jobs.chain(told).collect::<Result<Vec<NewJob>, _>>()?;
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
