//! A job that does what the test has written for it, and a book of what was run.

use jobs::queue::job::Policy;
use jobs::{Decision, Job, JobContext, JobError, NewJob, Queue};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tests::wait::until;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

/// The plays that are on in this process, by the id that payloads carry.
static PLAYS: Mutex<BTreeMap<Uuid, Arc<Play>>> = Mutex::new(BTreeMap::new());

/// What a run does; the last one of a script is repeated.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Act {
    /// Is done.
    Done,
    /// Fails.
    Fail,
    /// Fails for good.
    Discard,
    /// Panics.
    Panic,
    /// Is put off by a tenth of a second.
    Snooze,
    /// Waits for its cue, and is put off for an hour.
    Sleep,
    /// Waits for its cue; stops when told to.
    Wait,
    /// Waits for its cue, whatever it is told.
    WaitDeaf,
}

/// One run of one job.
#[derive(Debug, Clone)]
pub struct Run {
    pub label: String,
    pub attempt: i32,
    pub began: Instant,
    pub ended: bool,
}

/// A test's book and its cues.
pub struct Play {
    id: Uuid,
    runs: Mutex<Vec<Run>>,
    cues: watch::Sender<BTreeSet<String>>,
}

impl Play {
    pub fn new() -> Arc<Self> {
        let play = Self { id: Uuid::new_v4(), runs: Mutex::default(), cues: watch::channel(BTreeSet::new()).0 };
        let play = Arc::new(play);
        lock(&PLAYS).insert(play.id, play.clone());
        play
    }

    /// A job of this play.
    pub fn job(&self, label: &str, script: &[Act]) -> NewJob {
        NewJob::of(&Part { play: self.id, label: label.to_owned(), script: script.to_vec(), key: None }).unwrap()
    }

    /// A job of which one may be alive.
    pub fn unique(&self, label: &str, script: &[Act]) -> NewJob {
        let key = Some(format!("{}/{label}", self.id));
        NewJob::of(&Part { play: self.id, label: label.to_owned(), script: script.to_vec(), key }).unwrap()
    }

    /// Lets all waiting runs of that label go on, or that attempt as `label/attempt`.
    pub fn cue(&self, label: &str) {
        self.cues.send_if_modified(|cues| cues.insert(label.to_owned()));
    }

    /// The runs so far, in the order they began.
    pub fn runs(&self) -> Vec<Run> {
        lock(&self.runs).clone()
    }

    /// Of one label.
    pub fn runs_of(&self, label: &str) -> Vec<Run> {
        self.runs().into_iter().filter(|run| run.label == label).collect()
    }

    /// Waits until so many runs have begun.
    pub async fn began(&self, count: usize) {
        until(&format!("{count} runs began"), super::hall::SOON, || async { self.runs().len() >= count }).await;
    }

    /// Asserts that each of the labels was run once and nothing else was.
    pub fn ran_once<'a>(&self, labels: impl IntoIterator<Item = &'a str>) {
        let mut ran: Vec<String> = self.runs().into_iter().map(|run| run.label).collect();
        let mut expected: Vec<&str> = labels.into_iter().collect();
        ran.sort();
        expected.sort_unstable();
        assert_eq!(ran, expected);
    }

    async fn cued(&self, label: &str, attempt: i32) {
        let attempt = format!("{label}/{attempt}");
        let mut cues = self.cues.subscribe();
        let cued = cues.wait_for(|cues| cues.contains(label) || cues.contains(&attempt)).await;
        assert!(cued.is_ok(), "a play lasts as long as its process");
    }
}

/// The job.
#[derive(Serialize, Deserialize)]
pub struct Part {
    play: Uuid,
    label: String,
    script: Vec<Act>,
    key: Option<String>,
}

impl Job for Part {
    const KIND: &'static str = "test_part";
    const QUEUE: Queue = Queue::Events;
    const POLICY: Policy = Policy {
        max_attempts: 3,
        backoff: Duration::from_millis(400),
        backoff_cap: Duration::from_secs(2),
        timeout: Duration::from_secs(60),
    };

    fn unique_key(&self) -> Option<String> {
        self.key.clone()
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        let play = lock(&PLAYS)[&self.play].clone();
        let (place, turn) = {
            let mut runs = lock(&play.runs);
            let turn = runs.iter().filter(|run| run.label == self.label).count();
            let (label, attempt) = (self.label.clone(), context.attempt);
            runs.push(Run { label, attempt, began: Instant::now(), ended: false });
            (runs.len() - 1, turn)
        };
        let decision = act(self.script[turn.min(self.script.len() - 1)], &self.label, &play, &context).await;
        lock(&play.runs)[place].ended = true;
        decision
    }
}

async fn act(act: Act, label: &str, play: &Play, context: &JobContext) -> Result<Decision, JobError> {
    match act {
        Act::Done => Ok(Decision::done_with(&context.attempt)),
        Act::Fail => Err(JobError::retry(format!("attempt {} failed", context.attempt))),
        Act::Discard => Err(JobError::discard("no attempt can succeed")),
        Act::Panic => panic!("as the play has it"),
        Act::Snooze => {
            let until = context.now() + Duration::from_millis(100);
            Ok(Decision::Snooze { until, reason: "not yet".to_owned() })
        }
        Act::Sleep => {
            play.cued(label, context.attempt).await;
            let until = context.now() + Duration::from_secs(3_600);
            Ok(Decision::Snooze { until, reason: "for long".to_owned() })
        }
        Act::Wait => tokio::select! {
            () = play.cued(label, context.attempt) => Ok(Decision::done_with(&context.attempt)),
            () = context.stopping.cancelled() => Ok(Decision::Cancelled),
        },
        Act::WaitDeaf => {
            play.cued(label, context.attempt).await;
            Ok(Decision::done_with(&context.attempt))
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
