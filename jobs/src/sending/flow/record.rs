//! Recording what calls came to, and what follows from it for the account and the campaign.

use super::{Flow, PAUSED_WAIT, RECORD_AFTER, patience::Patience};
use crate::{
    JobError,
    campaigns::news,
    provider_events,
    sending::{accounts, line::Line},
};
use providers::{messaging::ProviderEvent, rate_limit::RateLimitError};
use schema::{
    AsyncConnection, DbError,
    messages::{self, Outcome, OutcomeKind},
};
use std::collections::BTreeMap;
use tokio::time::Instant;

impl Flow<'_> {
    pub(super) fn note(&mut self, outcome: Outcome) {
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
    pub(super) async fn record(&mut self) -> Result<(), JobError> {
        self.tell_limiter().await;
        self.hold_pairs().await;
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
        self.hand_on();
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
