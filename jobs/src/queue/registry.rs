//! Which code runs a kind of job.

use super::{
    context::JobContext,
    decision::{Decision, JobError},
    job::{Job, Policy, Queue},
};
use futures_util::{FutureExt, future::BoxFuture};
use std::collections::BTreeMap;

/// What a run will have said in the end.
pub type Run = BoxFuture<'static, Result<Decision, JobError>>;

/// One kind, as a worker needs it.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Its wire name.
    pub name: &'static str,
    /// Which workers run it.
    pub queue: Queue,
    /// How it is tried.
    pub policy: Policy,
    run: fn(serde_json::Value, JobContext) -> Run,
}

impl Kind {
    /// Begins a run. A payload that cannot be read discards the job.
    pub fn run(&self, payload: serde_json::Value, context: JobContext) -> Run {
        (self.run)(payload, context)
    }
}

/// The kinds a process knows, by wire name and by the names they once had.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Kind>,
}

impl Registry {
    /// No kinds yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind.
    ///
    /// # Panics
    /// At start-up, if another kind has one of its names.
    #[must_use]
    pub fn with<J: Job>(mut self) -> Self {
        let kind = Kind { name: J::KIND, queue: J::QUEUE, policy: J::POLICY, run: run::<J> };
        for name in std::iter::once(&J::KIND).chain(J::ALIASES) {
            assert!(self.kinds.insert(name, kind).is_none(), "two kinds of jobs are named {name:?}");
        }
        self
    }

    /// The kind of that name.
    pub fn find(&self, name: &str) -> Option<Kind> {
        self.kinds.get(name).copied()
    }

    /// Every name a kind has or had.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.keys().copied()
    }

    /// All kinds, by name.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.kinds.iter().filter(|(name, kind)| **name == kind.name).map(|(_, kind)| *kind)
    }
}

fn run<J: Job>(payload: serde_json::Value, context: JobContext) -> Run {
    match serde_json::from_value::<J>(payload) {
        Ok(job) => job.run(context).boxed(),
        Err(error) => std::future::ready(Err(JobError::discard(Unreadable(error)))).boxed(),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the payload cannot be read: {0}")]
struct Unreadable(#[source] serde_json::Error);
