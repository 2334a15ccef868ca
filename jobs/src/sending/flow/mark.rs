//! Marking: how many messages the account's rate allows, and which of them may go out, over which account.

use super::{End, Flow, LONGEST_RATE_PAUSE, PAUSED_WAIT, RATE_PAUSE, REDIS_WAIT, patience::Patience};
use crate::{
    JobError,
    sending::{
        check::{self, Marked},
        line::Line,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use schema::{
    DbError,
    messages::{self, Sender, Window},
};
use tokio::time::Instant;

impl Flow<'_> {
    /// The line in use.
    pub(super) fn line(&self) -> Option<&Line> {
        self.work.lines.get(self.line)
    }

    /// Goes on over the next line; without one, waits until the first of those that cannot send may.
    pub(super) fn next_line(&mut self, until: DateTime<Utc>, why: String) {
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
    pub(super) async fn granted(&mut self) -> usize {
        let services = self.context.services.clone();
        let Some(line) = self.line().cloned() else { return 0 };
        let account = line.account().account();
        let rate = self.work.pace(line.account());
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

    pub(super) async fn mark(&self, line: &Line, ids: &[i64]) -> Result<Marked, DbError> {
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

    pub(super) fn sender(&self) -> Sender {
        Sender { job: self.context.id, attempt: self.context.attempt }
    }

    /// Fewer were marked than asked for: taken or left out ones, or something does not let us send.
    pub(super) async fn look_at_gate(&mut self, line: &Line, ids: Vec<i64>) {
        let services = &self.context.services;
        let gate = async {
            let mut connection = services.db.get().await?;
            messages::gate(&mut connection, self.work.campaign, self.sender(), line.account().account()).await
        };
        match gate.await {
            Ok(gate) if !gate.open => self.end = Some(End::Closed),
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
    pub(super) async fn give_back(&self) -> Result<(), JobError> {
        let held: Vec<i64> = self.held.iter().copied().collect();
        let mut patience = Patience::default();
        while let Err(error) = self.release(&held).await {
            patience.after(error).await?;
        }
        Ok(())
    }

    pub(super) async fn release(&self, held: &[i64]) -> Result<usize, DbError> {
        let mut connection = self.context.services.db.get().await?;
        messages::release(&mut connection, self.work.campaign, self.sender(), held, self.context.now()).await
    }
}
