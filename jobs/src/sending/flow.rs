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
    letter::Letter,
    verdict::{self, Others},
};
use crate::{JobContext, JobError, campaigns::news, provider_events};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{campaigns::CampaignStatus, messaging::SendFailure};
use providers::messaging::{Accepted, Handed, ProviderEvent, WhatsappMessage};
use schema::{
    AsyncConnection, DbError,
    messages::{self, Outcome, OutcomeKind, RenderRow, Sender, Window},
};
use std::{
    collections::{BTreeSet, VecDeque},
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
/// How long.
const OUTAGE_REST: Duration = Duration::from_secs(2);

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

/// A call that ended.
struct Call {
    message: WhatsappMessage,
    attempts: i16,
    result: Result<Accepted, SendFailure>,
}

/// A batch on its way.
pub struct Flow<'a> {
    context: &'a JobContext,
    campaign: i64,
    letter: &'a Letter,
    waiting: VecDeque<i64>,
    calls: JoinSet<Call>,
    /// Marked, and not yet recorded.
    held: BTreeSet<i64>,
    outcomes: Vec<Outcome>,
    events: Vec<ProviderEvent>,
    record_by: Option<Instant>,
    mark_from: Instant,
    turn_ends: Instant,
    end: Option<End>,
    hold: Option<String>,
    rest: Option<Duration>,
    refused_in_a_row: u32,
    tally: Tally,
}

impl<'a> Flow<'a> {
    /// A batch of a campaign's messages, in the order in which they are due.
    pub fn new(context: &'a JobContext, campaign: i64, letter: &'a Letter, batch: Vec<i64>) -> Self {
        let now = Instant::now();
        Self {
            context,
            campaign,
            letter,
            waiting: batch.into(),
            calls: JoinSet::new(),
            held: BTreeSet::new(),
            outcomes: Vec::new(),
            events: Vec::new(),
            record_by: None,
            mark_from: now,
            turn_ends: now + TURN,
            end: None,
            hold: None,
            rest: None,
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
        let marked = match self.mark(&ids).await {
            Ok(marked) => marked,
            Err(error) => {
                tracing::warn!(campaign = self.campaign, %error, "the answer to a marking is lost: it is taken back");
                self.give_back().await?;
                self.end = Some(End::Interrupted);
                return Ok(());
            }
        };
        let complete = marked.len() == ids.len();
        self.call(marked);
        if !complete {
            self.look_at_gate().await;
        }
        Ok(())
    }

    /// How many calls the account's rate allows now.
    async fn granted(&mut self) -> usize {
        let services = &self.context.services;
        let (account, rate) = (services.whatsapp.account(), services.whatsapp.rate());
        let wanted = u32::try_from(self.free().min(self.waiting.len())).unwrap_or(u32::MAX);
        let grant = match services.rate_limiter.acquire(account, wanted, rate).await {
            Ok(grant) => grant,
            Err(error) => {
                tracing::warn!(campaign = self.campaign, error = &error as &dyn std::error::Error, "sending waits");
                self.end = Some(End::Wait(self.context.now() + REDIS_WAIT, error.to_string()));
                return 0;
            }
        };
        if grant.granted < wanted {
            let nothing = grant.granted == 0 && self.calls.is_empty();
            if grant.paused.is_some() || (nothing && grant.retry_after > LONGEST_RATE_PAUSE) {
                let until = self.context.now() + TimeDelta::from_std(grant.retry_after).unwrap_or(REDIS_WAIT);
                let why = grant.paused.unwrap_or_else(|| "the sending rate of the account".to_owned());
                self.end = Some(End::Wait(until, why));
            }
            self.mark_from = Instant::now() + grant.retry_after.max(RATE_PAUSE);
        }
        usize::try_from(grant.granted).unwrap_or(usize::MAX)
    }

    async fn mark(&self, ids: &[i64]) -> Result<Vec<RenderRow>, DbError> {
        let services = &self.context.services;
        let window = Window { campaign: self.campaign, sender: self.sender(), provider: services.whatsapp.name(), ids };
        let mut connection = services.db.get().await?;
        messages::mark(&mut connection, &window, self.context.now()).await
    }

    fn sender(&self) -> Sender {
        Sender { job: self.context.id, attempt: self.context.attempt }
    }

    /// Hands over what was marked.
    fn call(&mut self, marked: Vec<RenderRow>) {
        for mut row in marked {
            self.held.insert(row.id);
            let (id, attempts) = (row.id, row.attempts);
            match self.letter.write(&mut row) {
                Ok(message) => {
                    let services = self.context.services.clone();
                    self.calls.spawn(async move {
                        let result = services.whatsapp.send(&message).await;
                        Call { message, attempts, result }
                    });
                }
                Err((reason, detail)) => {
                    let code = Some(reason.as_str().to_owned());
                    self.note(id, attempts, OutcomeKind::Suppressed, code, Some(detail));
                }
            }
        }
    }

    /// Fewer were marked than asked for: taken or suppressed ones, or the campaign does not let us send.
    async fn look_at_gate(&mut self) {
        let services = &self.context.services;
        let gate = async {
            let mut connection = services.db.get().await?;
            messages::gate(&mut connection, self.campaign, self.sender()).await
        };
        match gate.await {
            Ok(Some(gate)) if gate.open => {}
            Ok(gate) => self.end = Some(End::Closed(gate.map(|gate| gate.status))),
            // the next marking looks itself
            Err(error) => tracing::debug!(campaign = self.campaign, %error, "the gate could not be looked at"),
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
        messages::release(&mut connection, self.campaign, self.sender(), held, self.context.now()).await
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
            Err(error) => return tracing::error!(campaign = self.campaign, %error, "a call panicked"),
        };
        let (id, now) = (call.message.correlation.message.0, self.context.now());
        match call.result {
            Ok(accepted) => {
                self.refused_in_a_row = 0;
                let handed = Handed {
                    correlation: call.message.correlation,
                    to: call.message.to.as_str(),
                    provider_message_id: &accepted.provider_message_id,
                };
                let events = self.context.services.whatsapp.simulated_events(handed, now);
                self.tally.foretold += u64::try_from(events.len()).unwrap_or_default();
                self.events.extend(events);
                let kind = OutcomeKind::Accepted { provider_message_id: accepted.provider_message_id };
                self.note(id, call.attempts, kind, None, None);
            }
            Err(failure) => {
                let verdict = verdict::of(&failure, call.attempts, now);
                self.tell_others(&failure, verdict.others);
                match verdict.kind {
                    OutcomeKind::Again { .. } => self.refused_in_a_row += 1,
                    _ => self.refused_in_a_row = 0,
                }
                if self.refused_in_a_row >= OUTAGE {
                    self.refused_in_a_row = 0;
                    self.rest = Some(self.rest.unwrap_or_default().max(OUTAGE_REST));
                }
                let code = failure.code.unwrap_or_else(|| failure.class.as_str().into()).into_owned();
                self.note(id, call.attempts, verdict.kind, Some(code), Some(failure.detail));
            }
        }
    }

    fn tell_others(&mut self, failure: &SendFailure, others: Option<Others>) {
        match others {
            None => {}
            Some(Others::Hold) => {
                self.hold.get_or_insert_with(|| failure.to_string());
                // what is not marked yet would fail alike
                self.end.get_or_insert(End::Closed(Some(CampaignStatus::Paused)));
            }
            Some(Others::Rest(time)) => self.rest = Some(self.rest.unwrap_or_default().max(time)),
        }
    }

    fn note(&mut self, message: i64, attempts: i16, kind: OutcomeKind, code: Option<String>, detail: Option<String>) {
        let count = match kind {
            OutcomeKind::Accepted { .. } => &mut self.tally.accepted,
            OutcomeKind::Again { .. } => &mut self.tally.again,
            OutcomeKind::Failed => &mut self.tally.failed,
            OutcomeKind::Unknown => &mut self.tally.unconfirmed,
            OutcomeKind::Suppressed => &mut self.tally.suppressed,
        };
        *count += 1;
        self.record_by.get_or_insert_with(|| Instant::now() + RECORD_AFTER);
        self.outcomes.push(Outcome { message, attempts, kind, code, detail, at: self.context.now() });
    }

    /// Records what is known, and has the account rest or the campaign held where that follows from it.
    async fn record(&mut self) -> Result<(), JobError> {
        if let Some(time) = self.rest.take() {
            self.pause_account(time).await;
        }
        let (outcomes, events) = (std::mem::take(&mut self.outcomes), std::mem::take(&mut self.events));
        self.record_by = None;
        let mut patience = Patience::default();
        let mut keep_ids = true;
        while let Err(error) = self.write(&outcomes, &events, keep_ids).await {
            if error.unique_violation() == Some("messages_provider_id") {
                tracing::error!(campaign = self.campaign, "the provider gave two messages one id: ids are not kept");
                keep_ids = false;
            }
            patience.after(error).await?;
        }
        for outcome in &outcomes {
            self.held.remove(&outcome.message);
        }
        if let Some(reason) = self.hold.take() {
            let mut patience = Patience::default();
            while let Err(error) = news::hold(self.context, self.campaign, &reason).await {
                patience.after(error).await?;
            }
        }
        Ok(())
    }

    async fn write(&self, outcomes: &[Outcome], events: &[ProviderEvent], keep_ids: bool) -> Result<(), DbError> {
        let (services, sender, now) = (&self.context.services, self.sender(), self.context.now());
        let mut connection = services.db.get().await?;
        connection
            .transaction::<_, DbError, _>(async |connection| {
                messages::record(connection, sender, outcomes, keep_ids).await?;
                provider_events::keep(connection, services.whatsapp.name(), events, now).await?;
                Ok(())
            })
            .await
    }

    /// All workers of the account rest; without Redis none of them sends anyway.
    async fn pause_account(&self, time: Duration) {
        let services = &self.context.services;
        let account = services.whatsapp.account();
        let paused = services.rate_limiter.pause_account(account, time, "the provider asked for less at a time").await;
        if let Err(error) = paused {
            tracing::warn!(error = &error as &dyn std::error::Error, "the account could not be made to rest");
        }
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
