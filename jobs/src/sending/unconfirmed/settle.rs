//! What providers' answers mean for attempts of unknown outcome, written in one transaction a page.
//!
//! What was found becomes an event of the provider's, applied as all are. What the provider never had is sent again,
//! by a lane of its campaign or a job of its own, unless it has had its attempts or nobody sends for its campaign any
//! more; then it has failed, which is true and lets a person decide.

use super::ask::{Asked, Seen};
use crate::{
    JobContext, JobError, Queue,
    campaigns::{analytics, job, request::events_arrived},
    kinds::send_message::SendMessage,
    provider_events,
    queue::ledger,
    sending::{line::Line, verdict::ATTEMPTS},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ids::MessageId,
    messaging::{Correlation, MessageStatus},
};
use providers::messaging::{EventKind, Found, ProviderEvent, Sighting, StatusEvent};
use schema::{
    AsyncConnection, DbError,
    messages::{self, UnsettledRow},
};
use serde_json::json;
use std::collections::BTreeSet;

/// The wait after the first time; doubles with each further one.
const AGAIN: TimeDelta = TimeDelta::minutes(15);
/// How often it doubles.
const DOUBLINGS: i16 = 4;

/// Judges a page, and writes what follows.
pub(super) async fn write(
    context: &JobContext,
    line: &Line,
    seen: Vec<Seen>,
    asked: &mut Asked,
) -> Result<(), JobError> {
    if seen.is_empty() {
        return Ok(());
    }
    let (now, provider) = (context.now(), line.account().name());
    let ids: Vec<String> = seen
        .iter()
        .filter_map(|(_, seen)| seen.as_ref())
        .flat_map(|seen| &seen.messages)
        .map(|message| message.provider_message_id.clone())
        .collect();
    let mut connection = context.services.db.get().await?;
    let known = messages::known_ids(&mut connection, provider, &ids).await?;
    let (mut events, mut never, mut later) = (Vec::new(), Vec::new(), Vec::new());
    for (row, sightings) in seen {
        let rivals = usize::try_from(row.rivals).unwrap_or(usize::MAX);
        match sightings.map_or(Found::CannotTell, |sightings| sightings.judge(&known, rivals)) {
            Found::Taken(sighting) => events.push(event(&row, sighting, now)),
            Found::NotTaken => never.push((row.id, row.attempts)),
            Found::CannotTell => later.push((row.id, row.attempts, next(&row, now))),
        }
    }
    asked.found += events.len();
    asked.later += later.len();
    // found ones as well: until the event is applied they are not asked about again
    later.extend(events.iter().filter_map(|(row, _)| Some((row.0, row.1, now.checked_add_signed(AGAIN)?))));
    let events: Vec<ProviderEvent> = events.into_iter().map(|(_, event)| event).collect();
    let (settled, enqueued) = connection
        .transaction::<_, DbError, _>(async |connection| {
            let settled = messages::never_taken(connection, &never, ATTEMPTS, now).await?;
            messages::look_up_later(connection, &later).await?;
            provider_events::keep(connection, provider, &events, now).await?;
            let mut enqueued = events_arrived(connection, now).await?;
            let campaigns: BTreeSet<i64> = settled.iter().filter_map(|one| one.campaign_id).collect();
            enqueued.extend(analytics::after_events(connection, now, campaigns).await?);
            // those of a campaign are found by the sweep for idle lanes
            let singles = settled.iter().filter(|one| one.again && one.campaign_id.is_none());
            let jobs =
                singles.map(|one| Ok(job(&SendMessage { message: MessageId(one.id) })?.on(Queue::of(one.channel))));
            let jobs = jobs.collect::<Result<Vec<_>, DbError>>()?;
            enqueued.extend(ledger::enqueue(connection, now, &jobs).await?);
            Ok((settled, enqueued))
        })
        .await?;
    drop(connection);
    context.services.dispatcher.push(&enqueued).await;
    asked.never_taken += settled.len();
    Ok(())
}

fn next(row: &UnsettledRow, now: DateTime<Utc>) -> DateTime<Utc> {
    now + AGAIN * (1 << row.look_ups.clamp(0, DOUBLINGS))
}

fn event(row: &UnsettledRow, sighting: Sighting, now: DateTime<Utc>) -> ((i64, i16), ProviderEvent) {
    let correlation = Correlation { message: MessageId(row.id), attempt: row.attempts.into() };
    let Sighting { provider_message_id, status, at, failure, cost } = sighting;
    let event = ProviderEvent {
        id: format!("look-up:{provider_message_id}:{status}"),
        occurred_at: at.unwrap_or(now).min(now),
        payload: json!({"lookUp": {"id": provider_message_id, "status": status}}),
        kind: EventKind::Status(StatusEvent {
            provider_message_id,
            correlation: Some(correlation),
            failure: failure.filter(|_| status == MessageStatus::Failed),
            status,
            recipient: Some(row.address.clone()),
            bounce: None,
            cost,
        }),
    };
    ((row.id, row.attempts), event)
}
