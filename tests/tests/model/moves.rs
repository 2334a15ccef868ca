//! How the clock was moved, so that an instant of the machine's can be told on it.

use chrono::{DateTime, TimeDelta, Utc};
use std::time::{Duration, Instant};

/// A clock that was read at an instant, and moved since.
pub struct Moves {
    begun: (Instant, DateTime<Utc>),
    moves: Vec<(Instant, TimeDelta)>,
}

impl Moves {
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { begun: (Instant::now(), now), moves: Vec::new() }
    }

    /// To be called just before it is moved.
    pub fn note(&mut self, by: TimeDelta) {
        self.moves.push((Instant::now(), by));
    }

    /// What it showed at the instant.
    pub fn at(&self, instant: Instant) -> DateTime<Utc> {
        let elapsed = match instant.checked_duration_since(self.begun.0) {
            Some(after) => TimeDelta::from_std(after).unwrap(),
            None => -TimeDelta::from_std(self.begun.0 - instant).unwrap(),
        };
        let moved = self.moves.iter().filter(|(at, _)| *at <= instant).map(|(_, by)| *by);
        self.begun.1 + elapsed + moved.sum::<TimeDelta>()
    }

    /// Whether it was moved so shortly before the instant that a call may have begun by the time before.
    pub fn was_moved(&self, before: Instant, within: Duration) -> bool {
        self.moves.iter().any(|(at, _)| *at <= before && before - *at <= within)
    }
}
