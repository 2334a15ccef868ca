//! Applying events to messages: a page at a time and lane, each page one transaction.
//!
//! Events come in any order, perhaps twice, perhaps before the call they follow from was answered. The status only
//! climbs ([`Progress::tell`](domain::messaging::Progress::tell)), so any order leads to the same end. An event that
//! names no message we know waits a while for its message's record, and is kept as an orphan after that.

use super::{
    about::{Known, Said},
    clicks,
    follow::{self, Answer},
    returns,
    words::{self, Word},
};
use crate::{
    Decision, JobContext, JobError,
    campaigns::{analytics, job},
    kinds::apply_provider_events::ApplyProviderEvents,
    queue::dispatch::Enqueued,
    services::Services,
    tracking::PROVIDER,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::messaging::{
    BounceKind, Channel, Feedback, MessageStatus,
    restraint::{Keyword, Rules, keyword},
    tracking::{Click, automatic_clicks},
};
use futures_util::future::join_all;
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    bounces::NewBounce,
    campaigns::{Followed, conversions, count_followed},
    consent::rules,
    messages::{self, Tracked},
    provider_events::{self, ClickRow, EventOutcome, Inbound, Settled, Waiting},
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Events applied in one transaction.
const PAGE: i64 = 1_000;
/// Pages of one job and lane; then others have their turn.
const PAGES: usize = 50;
/// Pages applied side by side: most of the time of one is the database's, which has more than one core. All that is
/// about one address is of one lane, so that what it leads to is counted and said in turn.
const LANES: i32 = 2;
/// With events waiting for their time it looks again at least this often, since newly kept ones find it alive.
const LOOK: TimeDelta = TimeDelta::milliseconds(500);
/// Clicks of one message that are looked at together.
const CLICKS: i64 = 100;
/// How long an event waits for its message's record.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);
/// The first wait; later ones are as long as the event has waited already.
const FIRST_WAIT: TimeDelta = TimeDelta::milliseconds(500);
/// Whoever does not say what they answer means what they were sent within this.
const ANSWERED_WITHIN: TimeDelta = TimeDelta::days(7);
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
        let pages = join_all((0..LANES).map(|lane| transact(services, (lane, LANES), context.now()))).await;
        // a lane that fails leaves the others' pages applied
        let mut taken = 0;
        for page in pages {
            taken += page?;
        }
        if taken == 0 {
            let mut connection = services.db.get().await?;
            let next = provider_events::next_at(&mut connection).await?;
            return Ok(match next {
                Some(at) => {
                    let until = at.clamp(context.now(), context.now() + LOOK);
                    Decision::Snooze { until, reason: "events wait for their time".to_owned() }
                }
                None => Decision::done_with(&json!({"events": done})),
            });
        }
        done += taken;
    }
    context.then(job(&this)?);
    Ok(Decision::done_with(&json!({"events": done})))
}

/// Applies one page of a lane; how many events it took.
async fn transact(services: &Services, lane: (i32, i32), now: DateTime<Utc>) -> Result<usize, DbError> {
    let mut connection = services.db.get().await?;
    let (taken, enqueued) =
        connection.transaction::<_, DbError, _>(async |connection| page(connection, lane, now).await).await?;
    drop(connection);
    services.dispatcher.push(&enqueued).await;
    Ok(taken)
}

/// Applies one page of a lane; how many events it took, and what follows.
async fn page(
    connection: &mut AsyncPgConnection,
    lane: (i32, i32),
    now: DateTime<Utc>,
) -> Result<(usize, Vec<Enqueued>), DbError> {
    let events = provider_events::take(connection, lane, now, PAGE).await?;
    if events.is_empty() {
        return Ok((0, Vec::new()));
    }
    let mut said: Vec<Said<'_>> = events.iter().map(Said::of).collect();
    guess(connection, &events, &mut said).await?;
    let ids: Vec<i64> = said.iter().filter_map(|said| said.message).collect();
    let known_as: Vec<(&str, &str)> = said.iter().filter_map(|said| said.known_as).collect();
    let mut known = Known::new(messages::lock(connection, &ids, &known_as).await?);
    let rules = rules::get(connection).await?;
    let scanned = scanned(connection, &events).await?;
    let mut page = Page { scanned, ..Page::new(&rules) };
    for (event, said) in events.iter().zip(&said) {
        page.apply(event, said, &mut known, now);
    }
    let changed: Vec<_> = known.changed().collect();
    let campaigns: BTreeSet<i64> = changed.iter().filter_map(|message| message.campaign_id).collect();
    if !changed.is_empty() {
        messages::write(connection, &changed, now).await?;
    }
    let crossed = known.crossed();
    if !crossed.is_empty() {
        conversions::revisit(connection, &crossed).await?;
    }
    returns::keep(connection, &page.returned, &rules.bounces, now).await?;
    let received = match page.inbound.is_empty() {
        true => Vec::new(),
        false => provider_events::insert_inbound(connection, &page.inbound).await?,
    };
    let customers = received.iter().filter_map(|row| Some((row.event_id, row.customer_id?))).collect();
    words::heed(connection, &page.words, &customers, now).await?;
    if !page.settled.is_empty() {
        provider_events::finish(connection, &page.settled, now).await?;
    }
    if !page.later.is_empty() {
        provider_events::defer(connection, &page.later).await?;
    }
    count_followed(connection, &page.followed).await?;
    let mut enqueued = analytics::after_events(connection, now, campaigns).await?;
    enqueued.extend(follow::up(connection, &page.answers, &received, now).await?);
    Ok((events.len(), enqueued))
}

/// Ties what somebody wrote without saying to what to the last message they were sent on the channel.
async fn guess(connection: &mut AsyncPgConnection, events: &[Waiting], said: &mut [Said<'_>]) -> Result<(), DbError> {
    let loose = |(event, said): (&Waiting, &Said<'_>)| {
        let is_loose = event.kind == "inbound" && said.known_as.is_none() && said.message.is_none();
        is_loose.then(|| Some((channel_of(&event.provider)?, event.address.clone()?, event.occurred_at))).flatten()
    };
    let asked: Vec<(Channel, String, DateTime<Utc>)> = events.iter().zip(&*said).filter_map(loose).collect();
    let Some(first) = asked.iter().map(|(.., at)| *at).min() else { return Ok(()) };
    let names: Vec<(Channel, &str)> = asked.iter().map(|(channel, address, _)| (*channel, address.as_str())).collect();
    let found = provider_events::last_to(connection, &names, first - ANSWERED_WITHIN).await?;
    for (event, said) in events.iter().zip(said) {
        if let Some((channel, address, _)) = loose((event, said)) {
            said.message = found.get(&(channel, address)).copied();
        }
    }
    Ok(())
}

/// The clicks that were a scanner's: every link of a message followed within a second.
async fn scanned(connection: &mut AsyncPgConnection, events: &[Waiting]) -> Result<HashSet<i64>, DbError> {
    let is_click =
        |event: &&Waiting| event.provider == PROVIDER && event.feedback.as_deref() == Some(Feedback::Clicked.as_str());
    let messages: BTreeSet<i64> = events.iter().filter(is_click).filter_map(|event| event.message_id).collect();
    if messages.is_empty() {
        return Ok(HashSet::new());
    }
    let messages: Vec<i64> = messages.into_iter().collect();
    let mut by_message: BTreeMap<i64, Vec<ClickRow>> = BTreeMap::new();
    for click in provider_events::clicks(connection, PROVIDER, &messages, CLICKS).await? {
        by_message.entry(click.message_id).or_default().push(click);
    }
    let of_scanner = |clicks: Vec<ClickRow>| {
        let judged: Vec<Click<'_>> =
            clicks.iter().map(|click| Click { at: click.occurred_at, url: &click.url }).collect();
        let automatic = automatic_clicks(&judged, None);
        clicks.iter().zip(automatic).filter(|(_, automatic)| *automatic).map(|(click, _)| click.id).collect::<Vec<_>>()
    };
    Ok(by_message.into_values().flat_map(of_scanner).collect())
}

/// The channel of a provider of one.
fn channel_of(provider: &str) -> Option<Channel> {
    match provider {
        "whatsapp_cloud" => Some(Channel::Whatsapp),
        "twilio" | "textlocal" | "sns" => Some(Channel::Sms),
        "ses" | "sendgrid" | "smtp" | "mailbox" => Some(Channel::Email),
        _ => None,
    }
}

/// What comes of a page.
struct Page<'a> {
    rules: &'a Rules,
    scanned: HashSet<i64>,
    settled: Vec<Settled>,
    followed: Vec<Followed>,
    later: Vec<(i64, DateTime<Utc>)>,
    inbound: Vec<Inbound>,
    words: Vec<Word>,
    answers: Vec<Answer>,
    returned: Vec<NewBounce>,
}

impl<'a> Page<'a> {
    fn new(rules: &'a Rules) -> Self {
        let (settled, later, inbound) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            rules,
            scanned: HashSet::new(),
            settled,
            followed: Vec::new(),
            later,
            inbound,
            words: Vec::new(),
            answers: Vec::new(),
            returned: Vec::new(),
        }
    }

    fn apply(&mut self, event: &Waiting, said: &Said<'_>, known: &mut Known, now: DateTime<Utc>) {
        let message = known.find(said);
        match (event.kind.as_str(), message) {
            ("status", Some(at)) => {
                let changed = known.tell(at, event, said);
                self.note_return(event, known.message(at), event.bounce.as_deref());
                self.settle(event, Some(known.id(at)), applied(changed));
            }
            ("feedback", Some(at)) => {
                let changed = self.hear(event, known, at);
                self.settle(event, Some(known.id(at)), applied(changed));
            }
            ("inbound", Some(at)) => {
                known.tell_reply(at, event.occurred_at);
                self.receive(event, said, Some(known.message(at)));
            }
            // its message is being recorded, or is not ours
            ("status" | "feedback", None) | ("inbound", None) if said.may_be_known_later() && is_young(event, now) => {
                self.later.push((event.id, next_try(event, now)));
            }
            ("status" | "feedback", None) => self.settle(event, None, EventOutcome::Orphan),
            ("inbound", None) => self.receive(event, said, None),
            _ => self.settle(event, None, EventOutcome::Ignored),
        }
    }

    /// What a recipient did; whether it changed the message. What a program did is kept and says nothing of them.
    fn hear(&mut self, event: &Waiting, known: &mut Known, at: usize) -> bool {
        let Some(feedback) = event.feedback.as_deref().and_then(|name| name.parse().ok()) else { return false };
        let automatic = event.automatic || self.scanned.contains(&event.id);
        if automatic && matches!(feedback, Feedback::Opened | Feedback::Clicked) {
            return false;
        }
        self.followed.extend(clicks::followed(event, feedback, known.message(at)));
        let changed = known.tell_feedback(at, event, feedback);
        match feedback {
            Feedback::Complained => {
                self.note_return(event, known.message(at), Some(BounceKind::Complaint.as_str()));
            }
            // of our own pages, which have seen to it
            Feedback::Unsubscribed if event.provider != PROVIDER && !known.message(at).rehearsal => {
                let message = known.message(at);
                self.words.push(Word {
                    keyword: Keyword::Stop,
                    channel: message.channel,
                    address: message.address.to_lowercase(),
                    event_id: event.id,
                    said_at: event.occurred_at,
                });
            }
            Feedback::Unsubscribed | Feedback::Opened | Feedback::Clicked | Feedback::Deferred => {}
        }
        changed
    }

    fn note_return(&mut self, event: &Waiting, message: &Tracked, kind: Option<&str>) {
        let Some(kind) = kind.and_then(|kind| kind.parse::<BounceKind>().ok()).filter(|_| !message.rehearsal) else {
            return;
        };
        self.returned.push(NewBounce {
            message_id: Some(message.id),
            event_id: event.id,
            channel: message.channel,
            address: message.address.to_lowercase(),
            kind,
            code: event.error_code.clone(),
            detail: event.error_message.clone(),
            occurred_at: event.occurred_at,
        });
    }

    /// Keeps what somebody wrote; answers to a rehearsal are nobody's words.
    fn receive(&mut self, event: &Waiting, said: &Said<'_>, answered: Option<&Tracked>) {
        let in_reply_to = answered.map(|message| message.id);
        if answered.is_some_and(|message| message.rehearsal) {
            return self.settle(event, in_reply_to, EventOutcome::Applied);
        }
        let Some(address) = event.address.clone() else {
            return self.settle(event, in_reply_to, EventOutcome::Ignored);
        };
        let channel = answered.map(|message| message.channel).or_else(|| channel_of(&event.provider));
        let channel = channel.unwrap_or(Channel::Whatsapp);
        let keyword = said.text.and_then(|text| keyword(text, self.rules));
        if let Some(keyword) = keyword {
            let (event_id, said_at) = (event.id, event.occurred_at);
            self.words.push(Word { keyword, channel, address: address.clone(), event_id, said_at });
        }
        let leads_on = |message: &&Tracked| message.channel == Channel::Whatsapp && keyword.is_none();
        if let Some(message) = answered.filter(leads_on) {
            self.answers.push(Answer {
                event_id: event.id,
                message: message.id,
                flow: message.flow.clone(),
                choice: said.choice.or(said.text).unwrap_or_default().to_owned(),
                address: address.clone(),
                provider_message_id: event.provider_message_id.clone(),
            });
        }
        self.inbound.push(Inbound {
            event_id: event.id,
            channel,
            provider: event.provider.clone(),
            provider_message_id: event.provider_message_id.clone(),
            address,
            in_reply_to,
            body: said.text.map(str::to_owned),
            choice: said.choice.map(str::to_owned),
            content: event
                .inbound
                .as_ref()
                .and_then(|inbound| inbound.get("content"))
                .filter(|c| !c.is_null())
                .cloned(),
            keyword: keyword.map(Keyword::as_str),
            received_at: event.occurred_at,
        });
        self.settle(event, in_reply_to, EventOutcome::Applied);
    }

    fn settle(&mut self, event: &Waiting, message_id: Option<i64>, outcome: EventOutcome) {
        self.settled.push(Settled { id: event.id, message_id, outcome });
    }
}

fn applied(changed: bool) -> EventOutcome {
    if changed { EventOutcome::Applied } else { EventOutcome::Superseded }
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
