//! Applying events to messages: a page at a time, each page one transaction.
//!
//! Events come in any order, perhaps twice, perhaps before the call they follow from was answered. The status only
//! climbs ([`Progress::tell`](domain::messaging::Progress::tell)), so any order leads to the same end. An event that
//! names no message we know waits a while for its message's record, and is kept as an orphan after that.

use super::about::{Known, Said};
use crate::{
    Decision, JobContext, JobError,
    campaigns::{analytics, job},
    kinds::apply_provider_events::ApplyProviderEvents,
    queue::dispatch::Enqueued,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::messaging::{Channel, MessageStatus};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError, messages,
    provider_events::{self, EventOutcome, Inbound, Settled, Waiting},
};
use serde_json::json;
use std::collections::BTreeSet;

/// Events applied in one transaction.
const PAGE: i64 = 1_000;
/// Pages of one job; then others have their turn.
const PAGES: usize = 50;
/// With events waiting for their time it looks again at least this often, since newly kept ones find it alive.
const LOOK: TimeDelta = TimeDelta::milliseconds(500);
/// How long an event waits for its message's record.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);
/// The first wait; later ones are as long as the event has waited already.
const FIRST_WAIT: TimeDelta = TimeDelta::milliseconds(500);
/// The longest wait.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(1);

/// Applies what is due; again as long as anything waits.
pub async fn run(this: ApplyProviderEvents, context: &JobContext) -> Result<Decision, JobError> {
    let services = &context.services;
    let mut done = 0;
    for _ in 0..PAGES {
        if context.stopping.is_cancelled() {
            break;
        }
        let mut connection = services.db.get().await?;
        let (taken, enqueued) =
            connection.transaction::<_, DbError, _>(async |connection| page(connection, context.now()).await).await?;
        if taken == 0 {
            let next = provider_events::next_at(&mut connection).await?;
            drop(connection);
            return Ok(match next {
                Some(at) => {
                    let until = at.clamp(context.now(), context.now() + LOOK);
                    Decision::Snooze { until, reason: "events wait for their time".to_owned() }
                }
                None => Decision::done_with(&json!({"events": done})),
            });
        }
        drop(connection);
        services.dispatcher.push(&enqueued).await;
        done += taken;
    }
    context.then(job(&this)?);
    Ok(Decision::done_with(&json!({"events": done})))
}

/// Applies one page; how many events it took, and what follows.
async fn page(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<(usize, Vec<Enqueued>), DbError> {
    let events = provider_events::take(connection, now, PAGE).await?;
    if events.is_empty() {
        return Ok((0, Vec::new()));
    }
    let said: Vec<Said<'_>> = events.iter().map(Said::of).collect();
    let ids: Vec<i64> = said.iter().filter_map(|said| said.message).collect();
    let known_as: Vec<(&str, &str)> = said.iter().filter_map(|said| said.known_as).collect();
    let mut known = Known::new(messages::lock(connection, &ids, &known_as).await?);
    let mut page = Page::default();
    for (event, said) in events.iter().zip(&said) {
        page.apply(event, said, &mut known, now);
    }
    let changed: Vec<_> = known.changed().collect();
    let campaigns: BTreeSet<i64> = changed.iter().filter_map(|message| message.campaign_id).collect();
    if !changed.is_empty() {
        messages::write(connection, &changed, now).await?;
    }
    if !page.inbound.is_empty() {
        provider_events::insert_inbound(connection, Channel::Whatsapp, &page.inbound).await?;
    }
    if !page.settled.is_empty() {
        provider_events::finish(connection, &page.settled, now).await?;
    }
    if !page.later.is_empty() {
        provider_events::defer(connection, &page.later).await?;
    }
    let enqueued = analytics::after_events(connection, now, campaigns).await?;
    Ok((events.len(), enqueued))
}

/// What comes of a page.
#[derive(Default)]
struct Page {
    settled: Vec<Settled>,
    later: Vec<(i64, DateTime<Utc>)>,
    inbound: Vec<Inbound>,
}

impl Page {
    fn apply(&mut self, event: &Waiting, said: &Said<'_>, known: &mut Known, now: DateTime<Utc>) {
        let message = known.find(said);
        match (event.kind.as_str(), message) {
            ("status", Some(at)) => {
                let outcome = match known.tell(at, event, said) {
                    true => EventOutcome::Applied,
                    false => EventOutcome::Superseded,
                };
                self.settle(event, Some(known.id(at)), outcome);
            }
            ("inbound", Some(at)) => {
                known.tell_reply(at, event.occurred_at);
                self.receive(event, said, Some(known.id(at)));
            }
            // its message is being recorded, or is not ours
            ("status", None) | ("inbound", None) if said.may_be_known_later() && is_young(event, now) => {
                self.later.push((event.id, next_try(event, now)));
            }
            ("status", None) => self.settle(event, None, EventOutcome::Orphan),
            ("inbound", None) => self.receive(event, said, None),
            _ => self.settle(event, None, EventOutcome::Ignored),
        }
    }

    fn receive(&mut self, event: &Waiting, said: &Said<'_>, in_reply_to: Option<i64>) {
        let Some(address) = event.address.clone() else {
            return self.settle(event, in_reply_to, EventOutcome::Ignored);
        };
        self.inbound.push(Inbound {
            event_id: event.id,
            address,
            in_reply_to,
            body: said.text.map(str::to_owned),
            received_at: event.occurred_at,
        });
        self.settle(event, in_reply_to, EventOutcome::Applied);
    }

    fn settle(&mut self, event: &Waiting, message_id: Option<i64>, outcome: EventOutcome) {
        self.settled.push(Settled { id: event.id, message_id, outcome });
    }
}

fn is_young(event: &Waiting, now: DateTime<Utc>) -> bool {
    now - event.received_at < PATIENCE
}

fn next_try(event: &Waiting, now: DateTime<Utc>) -> DateTime<Utc> {
    now + (now - event.received_at).clamp(FIRST_WAIT, LONGEST_WAIT)
}

/// The status an event tells, when it is one that providers tell.
pub(super) fn status_of(event: &Waiting) -> Option<MessageStatus> {
    event.status.as_deref().and_then(|status| status.parse().ok())
}
