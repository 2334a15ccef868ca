//! Keeps calls in flight: as some end, further messages are marked and handed over, and outcomes are recorded in bulk.
//!
//! No connection is held while calls are under way. A message is marked only once the account's rate allows its call,
//! so that what is marked is called at once: when the run is cut off, only what was handed over is in doubt. Marking is
//! the gate: the statement looks at the campaign and at the lease itself, so a pause or a stop holds from its commit on.
//!
//! An answer to a marking that is lost leaves in doubt what was marked; what was not called is given back as soon as the
//! database answers. An outcome that cannot be recorded is tried for as long as the run lasts; after that the message is
//! `unconfirmed`.

mod admit;
mod end;
mod mark;
mod outcome;
mod patience;
mod record;
mod take;

pub use end::{End, Tally};

use super::{line::Line, work::Work};
use crate::{JobContext, JobError};
use admit::HeldPair;
use chrono::{DateTime, TimeDelta, Utc};
use outcome::Call;
use providers::messaging::ProviderEvent;
use schema::messages::{Outcome, OutcomeKind, RenderRow};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
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
/// So many calls in a row that the provider could not take: it is down, and the account rests a moment.
const OUTAGE: u32 = 32;
/// How long messages of an account that waits for a person are left alone; then it is looked at again.
const PAUSED_WAIT: TimeDelta = TimeDelta::seconds(15);

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
    /// Recipients whom it took no more for.
    pairs: Vec<HeldPair>,
    /// Put off because an account writes to nobody more today.
    spared: Vec<i64>,
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
            pairs: Vec::new(),
            spared: Vec::new(),
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
        let complete = marked.texts.len() == ids.len();
        let unmarked = if marked.texts.is_empty() { ids } else { Vec::new() };
        if !marked.texts.is_empty() {
            let going = self.admit(&line, marked.texts).await;
            self.call(&line, going);
        }
        match marked.paced {
            Some(at) => self.end = Some(End::Paced(at)),
            None if complete => {}
            None => self.look_at_gate(&line, unmarked).await,
        }
        Ok(())
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
                    let left_out = outcome::blank(id, attempts, line, OutcomeKind::Suppressed, now);
                    self.note(Outcome { code, detail: Some(detail), ..left_out });
                }
            }
        }
    }
}
