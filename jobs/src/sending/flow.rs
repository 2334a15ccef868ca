//! Keeps calls in flight: as some end, further messages are marked and handed over, and outcomes are recorded in bulk.
//!
//! No connection is held while calls are under way. A message is marked only once the account's rate allows its call,
//! so that what is marked is called at once: when the run is cut off, only what was handed over is in doubt. Marking is
//! the gate: the statement looks at the campaign and at the lease itself, so a pause or a stop holds from its commit on.
//!
//! An answer to a marking that is lost leaves in doubt what was marked; what was not called is given back as soon as the
//! database answers. An outcome that cannot be recorded is tried for as long as the run lasts; after that the message is
//! `unconfirmed`.

use super::{
    accounts,
    check::{self, Restraint},
    letter::Letters,
    line::{Line, Written},
    verdict::{self, Others},
};
use crate::{JobContext, JobError, campaigns::news, provider_events};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    campaigns::CampaignStatus,
    messaging::{
        Segments, SendFailure,
        price::{self, Price},
        restraint::country_of,
    },
};
use providers::{
    messaging::{Accepted, Handed, ProviderEvent},
    rate_limit::RateLimitError,
};
use schema::{
    AsyncConnection, DbError,
    messages::{self, Cost, Outcome, OutcomeKind, RenderRow, Sender, Window},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, sleep, sleep_until},
};

/// Calls in flight at most.
const IN_FLIGHT: usize = 64;
/// Messages are marked this many at a time, or as many as are left.
const MARK: usize = 16;
/// Outcomes are recorded once there are this many,
const RECORD: usize = 32;
/// or once one of them is this old.
const RECORD_AFTER: Duration = Duration::from_millis(50);
/// The shortest wait for more of the account's rate: small windows cost as many statements as large ones.
const RATE_PAUSE: Duration = Duration::from_millis(50);
/// With nothing in flight a longer wait for the rate is spent off the worker.
const LONGEST_RATE_PAUSE: Duration = Duration::from_secs(1);
/// How long a run hands over; after that it is another campaign's turn.
const TURN: Duration = Duration::from_secs(60);
/// When Redis cannot be asked for the rate, again after this.
const REDIS_WAIT: TimeDelta = TimeDelta::seconds(1);
/// Between tries of a statement that must succeed.
const STATEMENT_WAIT: Duration = Duration::from_millis(250);
/// How often it is tried.
const STATEMENT_TRIES: u32 = 240;
/// So many calls in a row that the provider could not take: it is down, and the account rests a moment.
const OUTAGE: u32 = 32;
/// How long messages of an account that waits for a person are left alone; then it is looked at again.
const PAUSED_WAIT: TimeDelta = TimeDelta::seconds(15);

/// Why nothing more is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// All of the batch was, or the turn is over.
    Batch,
    /// The campaign, which stands here, does not let this attempt send.
    Closed(Option<CampaignStatus>),
    /// Not before a time.
    Wait(DateTime<Utc>, String),
    /// The run was told to stop.
    Stopping,
    /// The database failed in between; what was in doubt has been put right.
    Interrupted,
}

/// What a flow has done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Accepted by the provider.
    pub accepted: u64,
    /// Refused for good.
    pub failed: u64,
    /// To be tried again.
    pub again: u64,
    /// Of unknown outcome.
    pub unconfirmed: u64,
    /// Could not be written any more.
    pub suppressed: u64,
    /// Events the provider told in advance.
    #[serde(skip)]
    pub foretold: u64,
}

/// What a flow hands over, and how.
pub struct Work {
    /// Whose messages; `None`: messages of no campaign.
    pub campaign: Option<i64>,
    /// What they say.
    pub letters: Letters,
    /// The accounts they may go out over, in the order in which they are tried.
    pub lines: Vec<Line>,
    /// What they are judged by.
    pub restraint: Restraint,
    /// What they cost.
    pub prices: Vec<Price>,
}

/// A call that ended.
struct Call {
    id: i64,
    attempts: i16,
    line: Line,
    message: Written,
    result: Result<Accepted, SendFailure>,
}

/// A batch on its way.
pub struct Flow<'a> {
    context: &'a JobContext,
    work: &'a Work,
    /// Which of the lines is in use; none of those before it can send now.
    line: usize,
    /// Why the lines before it cannot, and how soon one may.
    blocked: Vec<(DateTime<Utc>, String)>,
    waiting: VecDeque<i64>,
    calls: JoinSet<Call>,
    /// Marked, and not yet recorded.
    held: BTreeSet<i64>,
    outcomes: Vec<Outcome>,
    /// Told in advance, by provider.
    events: BTreeMap<&'static str, Vec<ProviderEvent>>,
    record_by: Option<Instant>,
    mark_from: Instant,
    turn_ends: Instant,
    end: Option<End>,
    hold: Option<String>,
    /// The account is at fault.
    fault: Option<(Line, String)>,
    /// It was too fast, and asked to wait so long.
    rest: Option<(Line, Duration)>,
    /// It is down.
    outage: Option<Line>,
    /// A success closes its breaker.
    probed: bool,
    refused_in_a_row: u32,
    tally: Tally,
}

impl<'a> Flow<'a> {
    /// A batch of messages, in the order in which they are due.
    pub fn new(context: &'a JobContext, work: &'a Work, batch: Vec<i64>) -> Self {
        let now = Instant::now();
        Self {
            context,
            work,
            line: 0,
            blocked: Vec::new(),
            waiting: batch.into(),
            calls: JoinSet::new(),
            held: BTreeSet::new(),
            outcomes: Vec::new(),
            events: BTreeMap::new(),
            record_by: None,
            mark_from: now,
            turn_ends: now + TURN,
            end: None,
            hold: None,
            fault: None,
            rest: None,
            outage: None,
            probed: false,
            refused_in_a_row: 0,
            tally: Tally::default(),
        }
    }

    /// Hands the batch over. When it fails, what it still held is for [`messages::cut_short`].
    pub async fn run(mut self) -> Result<(End, Tally), JobError> {
        let stopping = self.context.stopping.clone();
        loop {
            if self.wants_more() && Instant::now() >= self.mark_from {
                self.refill().await?;
            }
            if self.is_record_due() {
                self.record().await?;
            }
            if self.calls.is_empty() && self.outcomes.is_empty() && !self.wants_more() {
                return Ok((self.end.unwrap_or(End::Batch), self.tally));
            }
            let wake = self.wake_at();
            tokio::select! {
                Some(ended) = self.calls.join_next() => self.take_all(ended),
                () = sleep_until(wake) => {}
                () = stopping.cancelled(), if self.end.is_none() => self.end = Some(End::Stopping),
            }
        }
    }

    /// Whether a window is to be marked as soon as the rate allows.
    fn wants_more(&self) -> bool {
        self.end.is_none() && !self.waiting.is_empty() && self.free() >= MARK.min(self.waiting.len())
    }

    fn free(&self) -> usize {
        IN_FLIGHT.saturating_sub(self.calls.len())
    }

    fn is_record_due(&self) -> bool {
        let late = self.record_by.is_some_and(|by| Instant::now() >= by);
        !self.outcomes.is_empty() && (late || self.outcomes.len() >= RECORD || self.calls.is_empty())
    }

    fn wake_at(&self) -> Instant {
        let far = Instant::now() + LONGEST_RATE_PAUSE;
        let mark = if self.wants_more() { self.mark_from } else { far };
        far.min(mark).min(self.record_by.unwrap_or(far))
    }

    /// Marks a window, as large as the account's rate allows, and calls.
    async fn refill(&mut self) -> Result<(), JobError> {
        if Instant::now() >= self.turn_ends {
            self.end = Some(End::Batch);
            return Ok(());
        }
        let granted = self.granted().await;
        let ids: Vec<i64> = self.waiting.drain(..granted.min(self.waiting.len())).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let Some(line) = self.line().cloned() else { return Ok(()) };
        let marked = match self.mark(&line, &ids).await {
            Ok(marked) => marked,
            Err(error) => {
                tracing::warn!(campaign = self.work.campaign, %error, "the answer to a marking is lost: it is taken back");
                self.give_back().await?;
                self.end = Some(End::Interrupted);
                return Ok(());
            }
        };
        let complete = marked.len() == ids.len();
        if marked.is_empty() {
            self.look_at_gate(&line, ids).await;
        } else {
            self.call(&line, marked);
            if !complete {
                self.look_at_gate(&line, Vec::new()).await;
            }
        }
        Ok(())
    }

    /// The line in use.
    fn line(&self) -> Option<&Line> {
        self.work.lines.get(self.line)
    }

    /// Goes on over the next line; without one, waits until the first of those that cannot send may.
    fn next_line(&mut self, until: DateTime<Utc>, why: String) {
        self.blocked.push((until, why));
        self.line += 1;
        (self.refused_in_a_row, self.probed) = (0, false);
        if self.line().is_some() {
            self.mark_from = Instant::now();
        } else if let Some((until, why)) = self.blocked.iter().min_by_key(|(until, _)| *until).cloned() {
            self.end.get_or_insert(End::Wait(until, why));
        }
    }

    /// How many calls the account's rate allows now.
    async fn granted(&mut self) -> usize {
        let services = self.context.services.clone();
        let Some(line) = self.line().cloned() else { return 0 };
        let (account, rate) = (line.account().account(), line.account().rate());
        let wanted = u32::try_from(self.free().min(self.waiting.len())).unwrap_or(u32::MAX);
        let grant = match services.rate_limiter.acquire(account, wanted, rate).await {
            Ok(grant) => grant,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "sending waits");
                self.end = Some(End::Wait(self.context.now() + REDIS_WAIT, error.to_string()));
                return 0;
            }
        };
        self.probed = grant.probed;
        if grant.granted < wanted {
            let nothing = grant.granted == 0 && self.calls.is_empty();
            if grant.paused.is_some() || (nothing && grant.retry_after > LONGEST_RATE_PAUSE) {
                let until = self.context.now() + TimeDelta::from_std(grant.retry_after).unwrap_or(REDIS_WAIT);
                self.next_line(until, grant.paused.unwrap_or_else(|| "the sending rate of the account".to_owned()));
                return 0;
            }
            self.mark_from = Instant::now() + grant.retry_after.max(RATE_PAUSE);
        }
        usize::try_from(grant.granted).unwrap_or(usize::MAX)
    }

    async fn mark(&self, line: &Line, ids: &[i64]) -> Result<Vec<RenderRow>, DbError> {
        let account = line.account();
        let window = Window {
            campaign: self.work.campaign,
            sender: self.sender(),
            provider: account.name(),
            account: account.account(),
            ids,
        };
        check::mark(&self.context.services.db, &window, &self.work.restraint, self.context.now()).await
    }

    fn sender(&self) -> Sender {
        Sender { job: self.context.id, attempt: self.context.attempt }
    }

    /// Hands over what was marked.
    fn call(&mut self, line: &Line, marked: Vec<RenderRow>) {
        let now = self.context.now();
        for mut row in marked {
            self.held.insert(row.id);
            let (id, attempts) = (row.id, row.attempts);
            match self.work.letters.write(&mut row, now) {
                Ok(message) => {
                    let (line, services) = (line.clone(), self.context.services.clone());
                    self.calls.spawn(async move {
                        let (message, result) = super::call::hand_over(&services, &line, message).await;
                        Call { id, attempts, line, message, result }
                    });
                }
                Err((reason, detail)) => {
                    let code = Some(reason.as_str().to_owned());
                    let left_out = blank(id, attempts, line, OutcomeKind::Suppressed, now);
                    self.note(Outcome { code, detail: Some(detail), ..left_out });
                }
            }
        }
    }

    /// Fewer were marked than asked for: taken or left out ones, or something does not let us send.
    async fn look_at_gate(&mut self, line: &Line, ids: Vec<i64>) {
        let services = &self.context.services;
        let gate = async {
            let mut connection = services.db.get().await?;
            messages::gate(&mut connection, self.work.campaign, self.sender(), line.account().account()).await
        };
        match gate.await {
            Ok(gate) if !gate.open => self.end = Some(End::Closed(gate.status)),
            Ok(gate) if !gate.account_open => {
                // none of them was marked: they are the next line's
                ids.into_iter().rev().for_each(|id| self.waiting.push_front(id));
                let why = format!("the account {} is paused", line.account().account());
                self.next_line(self.context.now() + PAUSED_WAIT, why);
            }
            Ok(_) => {}
            // whatever closed it is seen with the next window
            Err(error) => tracing::debug!(%error, "the gate could not be looked at"),
        }
    }

    /// Gives back what a marking, whose answer is lost, may have marked.
    async fn give_back(&self) -> Result<(), JobError> {
        let held: Vec<i64> = self.held.iter().copied().collect();
        let mut patience = Patience::default();
        while let Err(error) = self.release(&held).await {
            patience.after(error).await?;
        }
        Ok(())
    }

    async fn release(&self, held: &[i64]) -> Result<usize, DbError> {
        let mut connection = self.context.services.db.get().await?;
        messages::release(&mut connection, self.work.campaign, self.sender(), held, self.context.now()).await
    }

    fn take_all(&mut self, first: Result<Call, JoinError>) {
        self.take(first);
        while let Some(next) = self.calls.try_join_next() {
            self.take(next);
        }
    }

    fn take(&mut self, ended: Result<Call, JoinError>) {
        let call = match ended {
            Ok(call) => call,
            // its message stays held, and ends unconfirmed
            Err(error) => return tracing::error!(%error, "a call panicked"),
        };
        let (id, attempts, now) = (call.id, call.attempts, self.context.now());
        match call.result.clone() {
            Ok(accepted) => {
                self.refused_in_a_row = 0;
                let events = foretold(&call, &accepted, now);
                if !events.is_empty() {
                    self.tally.foretold += u64::try_from(events.len()).unwrap_or_default();
                    self.events.entry(call.line.account().name()).or_default().extend(events);
                }
                let segments = segments_of(&call.message);
                let cost = self.cost(&call, segments);
                let kind = OutcomeKind::Accepted { provider_message_id: accepted.provider_message_id };
                self.note(Outcome { segments, cost, ..blank(id, attempts, &call.line, kind, now) });
            }
            Err(failure) => {
                let verdict = verdict::of(&failure, attempts, now);
                self.tell_others(&call.line, &failure, verdict.others);
                match verdict.kind {
                    OutcomeKind::Again { .. } => self.refused_in_a_row += 1,
                    _ => self.refused_in_a_row = 0,
                }
                if self.refused_in_a_row >= OUTAGE || (self.probed && self.refused_in_a_row > 0) {
                    self.refused_in_a_row = 0;
                    self.outage = Some(call.line.clone());
                }
                let code = failure.code.unwrap_or_else(|| failure.class.as_str().into()).into_owned();
                let detail = Some(failure.detail);
                self.note(Outcome { code: Some(code), detail, ..blank(id, attempts, &call.line, verdict.kind, now) });
            }
        }
    }

    fn cost(&self, call: &Call, segments: Option<i16>) -> Option<Cost> {
        let provider = call.line.account().name();
        let (country, category) = match &call.message {
            Written::Whatsapp(message) => (country_of(message.to.as_str()), self.work.letters.category()),
            Written::Sms(message) => (country_of(message.to.as_str()), "*"),
            Written::Email { .. } => (None, "*"),
        };
        let segments = segments.and_then(|segments| u16::try_from(segments).ok()).unwrap_or(1);
        let cost = price::cost(&self.work.prices, provider, country.as_deref(), category, segments)?;
        Some(Cost { amount: cost.amount, currency: cost.currency })
    }

    fn tell_others(&mut self, line: &Line, failure: &SendFailure, others: Option<Others>) {
        match others {
            None => {}
            Some(Others::Hold) => {
                self.hold.get_or_insert_with(|| failure.to_string());
                // what is not marked yet would fail alike
                self.end.get_or_insert(End::Closed(self.work.campaign.map(|_| CampaignStatus::Paused)));
            }
            Some(Others::Pause) => {
                self.fault.get_or_insert_with(|| (line.clone(), failure.to_string()));
            }
            Some(Others::Rest(time)) => {
                let known = self.rest.take().map(|(_, time)| time).unwrap_or_default();
                self.rest = Some((line.clone(), known.max(time)));
            }
        }
    }

    fn note(&mut self, outcome: Outcome) {
        let count = match outcome.kind {
            OutcomeKind::Accepted { .. } => &mut self.tally.accepted,
            OutcomeKind::Again { .. } => &mut self.tally.again,
            OutcomeKind::Failed => &mut self.tally.failed,
            OutcomeKind::Unknown => &mut self.tally.unconfirmed,
            OutcomeKind::Suppressed => &mut self.tally.suppressed,
        };
        *count += 1;
        self.record_by.get_or_insert_with(|| Instant::now() + RECORD_AFTER);
        self.outcomes.push(outcome);
    }

    /// Records what is known, and does what follows from it for the account and the campaign.
    async fn record(&mut self) -> Result<(), JobError> {
        self.tell_limiter().await;
        let (outcomes, events) = (std::mem::take(&mut self.outcomes), std::mem::take(&mut self.events));
        self.record_by = None;
        let mut patience = Patience::default();
        let mut keep_ids = true;
        while let Err(error) = self.write(&outcomes, &events, keep_ids).await {
            if error.unique_violation() == Some("messages_provider_id") {
                tracing::error!("the provider gave two messages one id: ids are not kept");
                keep_ids = false;
            }
            patience.after(error).await?;
        }
        for outcome in &outcomes {
            self.held.remove(&outcome.message);
        }
        if let Some((line, reason)) = self.fault.take() {
            self.leave(&line, &reason, &outcomes).await?;
        }
        if let (Some(reason), Some(campaign)) = (self.hold.take(), self.work.campaign) {
            let mut patience = Patience::default();
            while let Err(error) = news::hold(self.context, campaign, &reason).await {
                patience.after(error).await?;
            }
        }
        Ok(())
    }

    /// Has an account at fault wait for a person, and goes on over the next one.
    async fn leave(&mut self, line: &Line, reason: &str, outcomes: &[Outcome]) -> Result<(), JobError> {
        let mut patience = Patience::default();
        while let Err(error) = accounts::pause(&self.context.services, line, reason, self.context.now()).await {
            patience.after(error).await?;
        }
        // what it did not take is due at once
        let refused = outcomes.iter().filter(|one| matches!(one.kind, OutcomeKind::Again { counts: false, .. }));
        self.waiting.extend(refused.map(|outcome| outcome.message));
        let in_use = self.line().map(|line| line.account().account());
        if in_use == Some(line.account().account()) {
            self.next_line(self.context.now() + PAUSED_WAIT, reason.to_owned());
        }
        Ok(())
    }

    async fn write(
        &self,
        outcomes: &[Outcome],
        events: &BTreeMap<&'static str, Vec<ProviderEvent>>,
        keep_ids: bool,
    ) -> Result<(), DbError> {
        let (services, sender, now) = (&self.context.services, self.sender(), self.context.now());
        let mut connection = services.db.get().await?;
        connection
            .transaction::<_, DbError, _>(async |connection| {
                messages::record(connection, sender, outcomes, keep_ids).await?;
                for (provider, events) in events {
                    provider_events::keep(connection, provider, events, now).await?;
                }
                Ok(())
            })
            .await
    }

    /// All workers of the account slow down, rest or stop; without Redis none of them sends anyway.
    async fn tell_limiter(&mut self) {
        let limiter = &self.context.services.rate_limiter;
        let (rest, outage) = (self.rest.take(), self.outage.take());
        let accepted = |outcome: &&Outcome| matches!(outcome.kind, OutcomeKind::Accepted { .. });
        let mended = self.outcomes.iter().find(accepted).filter(|_| self.probed).map(|outcome| outcome.account.clone());
        self.probed &= mended.is_none();
        let told = async {
            if let Some((line, time)) = rest {
                let account = line.account().account();
                limiter.slow_down(account).await?;
                limiter.pause_account(account, time, "the provider asked for less at a time").await?;
            }
            if let Some(line) = outage {
                let account = line.account().account();
                let time = limiter.open_breaker(account, "the provider takes nothing").await?;
                tracing::warn!(account, ?time, "the provider takes nothing: the account rests");
            }
            if let Some(account) = mended {
                limiter.close_breaker(&account).await?;
            }
            Ok::<_, RateLimitError>(())
        };
        if let Err(error) = told.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the account's limits could not be changed");
        }
    }
}

/// An outcome of which nothing more is known.
fn blank(message: i64, attempts: i16, line: &Line, kind: OutcomeKind, at: DateTime<Utc>) -> Outcome {
    let account = line.account().account().to_owned();
    Outcome { message, attempts, account, kind, code: None, detail: None, at, cost: None, segments: None }
}

/// What a provider without webhooks says of a message in advance.
fn foretold(call: &Call, accepted: &Accepted, at: DateTime<Utc>) -> Vec<ProviderEvent> {
    let Some((correlation, to)) = call.message.handed() else { return Vec::new() };
    let handed = Handed { correlation, to, provider_message_id: &accepted.provider_message_id };
    call.line.account().simulated_events(handed, at)
}

fn segments_of(message: &Written) -> Option<i16> {
    match message {
        Written::Sms(message) => i16::try_from(Segments::of(&message.body).count).ok(),
        Written::Whatsapp(_) | Written::Email { .. } => None,
    }
}

/// Repeating a statement that may be repeated until it succeeds: more depends on it than on this run's time.
#[derive(Default)]
struct Patience(u32);

impl Patience {
    /// Waits before the next try; fails with the error of the last.
    async fn after(&mut self, error: DbError) -> Result<(), DbError> {
        if self.0 >= STATEMENT_TRIES {
            return Err(error);
        }
        if self.0 == 0 {
            tracing::warn!(error = &error as &dyn std::error::Error, "tried again until it succeeds");
        }
        self.0 += 1;
        sleep(STATEMENT_WAIT).await;
        Ok(())
    }
}
