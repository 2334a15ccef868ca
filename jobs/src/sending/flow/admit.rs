//! The recipients' own limits: who has had enough from the account for now, and whom it may not write to first today.
//!
//! What is held back was marked and not handed over; it goes back without having spent an attempt.

use super::{Flow, REDIS_WAIT, outcome};
use crate::sending::{content, line::Line, verdict::PAIR_REST};
use chrono::TimeDelta;
use providers::recipient_limits::{Admission, PairRate, Recipient};
use schema::messages::{Outcome, OutcomeKind, RenderRow};
use std::time::Duration;

/// A recipient whom the provider took no more for.
pub(super) struct HeldPair {
    pub message: i64,
    pub line: Line,
    pub address: String,
    pub after: Option<Duration>,
}

impl Flow<'_> {
    /// Those of the marked messages that may go now; the others are put off.
    pub(super) async fn admit(&mut self, line: &Line, marked: Vec<RenderRow>) -> Vec<RenderRow> {
        let account = line.account();
        let Some(rate) = account.pair_rate() else { return marked };
        let of = |row: &RenderRow| content::begins_a_chat(row.content.as_ref());
        let asked: Vec<Recipient<'_>> =
            marked.iter().map(|row| Recipient { address: &row.address, first: of(row) }).collect();
        let most = self.work.daily_recipients(account.account());
        let services = self.context.services.clone();
        let answers = match services.recipient_limits.admit(account.account(), rate, most, &asked).await {
            Ok(answers) => answers,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "sending waits");
                marked.iter().for_each(|row| self.put_off(line, row, "recipient_limits", REDIS_WAIT));
                return Vec::new();
            }
        };
        let mut going = Vec::with_capacity(marked.len());
        let mut full = None;
        for (row, answer) in marked.into_iter().zip(answers) {
            match answer {
                Admission::Goes => going.push(row),
                Admission::PairFull(wait) => self.put_off(line, &row, "pair_limit", delta(wait)),
                Admission::DayFull(wait) => {
                    // another account may have room
                    self.put_off(line, &row, "daily_recipients", TimeDelta::zero());
                    self.spared.push(row.id);
                    full = Some(full.map_or(wait, |known: Duration| known.min(wait)));
                }
            }
        }
        let in_use = self.line().map(|line| line.account().account());
        if let (Some(wait), true) = (full, in_use == Some(account.account())) {
            let until = self.context.now() + delta(wait);
            self.next_line(until, "the account has written to as many people as it may within a day".to_owned());
        }
        going
    }

    /// What one account may not send today and is recorded as put off, goes to the account after it.
    pub(super) fn hand_on(&mut self) {
        let spared = std::mem::take(&mut self.spared);
        if self.line().is_some() {
            self.waiting.extend(spared);
        }
    }

    fn put_off(&mut self, line: &Line, row: &RenderRow, why: &str, wait: TimeDelta) {
        let now = self.context.now();
        self.held.insert(row.id);
        let kind = OutcomeKind::Again { due_at: now + wait, counts: false };
        let put_off = outcome::blank(row.id, row.attempts, line, kind, now);
        self.note(Outcome { code: Some(why.to_owned()), ..put_off });
    }

    /// Has the limits that all workers share know whom the provider took no more for, and the messages wait as long.
    pub(super) async fn hold_pairs(&mut self) {
        for HeldPair { message, line, address, after } in std::mem::take(&mut self.pairs) {
            let account = line.account();
            let rate = account.pair_rate().unwrap_or(PairRate { every: Duration::from_secs(1), burst: 1 });
            let limits = &self.context.services.recipient_limits;
            let wait = limits.hold(account.account(), rate, &address, after).await.unwrap_or_else(|error| {
                tracing::warn!(error = &error as &dyn std::error::Error, "a recipient could not be held back for all");
                after.unwrap_or(PAIR_REST)
            });
            let due_at = self.context.now() + delta(wait);
            let of_message = self.outcomes.iter_mut().filter(|outcome| outcome.message == message);
            of_message.for_each(|outcome| outcome.kind = OutcomeKind::Again { due_at, counts: false });
        }
    }
}

fn delta(wait: Duration) -> TimeDelta {
    TimeDelta::from_std(wait).unwrap_or(TimeDelta::days(1))
}
