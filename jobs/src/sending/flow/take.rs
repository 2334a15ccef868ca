//! Taking calls that ended: what they say of their message, of their account, and of all that comes after.

use super::{
    Flow, OUTAGE,
    admit::HeldPair,
    end::End,
    outcome::{self, Call},
};
use crate::sending::verdict::{self, Others};
use domain::messaging::{FailureClass, SendFailure};
use schema::messages::{Outcome, OutcomeKind};
use tokio::task::JoinError;

impl Flow<'_> {
    pub(super) fn take_all(&mut self, first: Result<Call, JoinError>) {
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
                let events = outcome::foretold(&call, &accepted, now);
                if !events.is_empty() {
                    self.tally.foretold += u64::try_from(events.len()).unwrap_or_default();
                    self.events.entry(call.line.account().name()).or_default().extend(events);
                }
                let segments = outcome::segments_of(&call.message);
                let cost = outcome::cost_of(&call, &self.work.letters, &self.work.prices, segments);
                let kind = OutcomeKind::Accepted { provider_message_id: accepted.provider_message_id };
                self.note(Outcome { segments, cost, ..outcome::blank(id, attempts, &call.line, kind, now) });
            }
            Err(failure) => {
                let verdict = verdict::of(&failure, attempts, now);
                self.tell_others(&call, &failure, verdict.others);
                // one recipient's limit says nothing of the provider
                let pair = matches!(failure.class, FailureClass::PairLimited { .. });
                match verdict.kind {
                    OutcomeKind::Again { .. } if pair => {}
                    OutcomeKind::Again { .. } => self.refused_in_a_row += 1,
                    _ => self.refused_in_a_row = 0,
                }
                if self.refused_in_a_row >= OUTAGE || (self.probed && self.refused_in_a_row > 0) {
                    self.refused_in_a_row = 0;
                    self.outage = Some(call.line.clone());
                }
                let code = failure.code.unwrap_or_else(|| failure.class.as_str().into()).into_owned();
                let detail = Some(failure.detail);
                self.note(Outcome {
                    code: Some(code),
                    detail,
                    ..outcome::blank(id, attempts, &call.line, verdict.kind, now)
                });
            }
        }
    }

    fn tell_others(&mut self, call: &Call, failure: &SendFailure, others: Option<Others>) {
        let line = &call.line;
        match others {
            None => {}
            Some(Others::Hold) => {
                self.hold.get_or_insert_with(|| failure.to_string());
                // what is not marked yet would fail alike
                self.end.get_or_insert(End::Closed);
            }
            Some(Others::Pause) => {
                self.fault.get_or_insert_with(|| (line.clone(), failure.to_string()));
            }
            Some(Others::HoldPair(after)) => {
                if let Some((_, address)) = call.message.handed() {
                    let (message, line, address) = (call.id, line.clone(), address.to_owned());
                    self.pairs.push(HeldPair { message, line, address, after });
                }
            }
            Some(Others::Rest(time)) => {
                let known = self.rest.take().map(|(_, time)| time).unwrap_or_default();
                self.rest = Some((line.clone(), known.max(time)));
            }
        }
    }
}
