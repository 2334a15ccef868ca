//! What a kind of job states about itself.

use super::{
    context::JobContext,
    decision::{Decision, JobError},
};
use domain::messaging::Channel;
use serde::{Serialize, de::DeserializeOwned};
use std::{future::Future, time::Duration};

/// The queues, each scaled by its own pool of workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    /// Reading uploaded books of policies.
    Uploads,
    /// Building audiences, computing analytics.
    Campaigns,
    /// Sending over WhatsApp.
    Whatsapp,
    /// Sending e-mail.
    Email,
    /// Sending text messages.
    Sms,
    /// Applying what providers tell us.
    Events,
    /// Reports, clean-up and whatever is in no hurry.
    Maintenance,
}

impl Queue {
    /// All queues.
    pub const ALL: [Queue; 7] =
        [Self::Uploads, Self::Campaigns, Self::Whatsapp, Self::Email, Self::Sms, Self::Events, Self::Maintenance];

    /// The wire name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uploads => "uploads",
            Self::Campaigns => "campaigns",
            Self::Whatsapp => "whatsapp",
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Events => "events",
            Self::Maintenance => "maintenance",
        }
    }

    /// Who sends on a channel.
    pub const fn of(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::Email,
            Channel::Whatsapp => Self::Whatsapp,
            Channel::Sms => Self::Sms,
        }
    }

    /// The queue of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name)
    }
}

/// Which of a queue's three streams carries the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Priority {
    /// A person waits for it.
    High,
    /// Most work.
    #[default]
    Default,
    /// Whenever there is room; never starved.
    Low,
}

impl Priority {
    /// All levels, most urgent first.
    pub const ALL: [Priority; 3] = [Self::High, Self::Default, Self::Low];

    /// The wire name.
    pub fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Default => "default",
            Self::Low => "low",
        }
    }

    /// As the ledger keeps it: 0, 1, 2.
    pub fn level(self) -> i16 {
        match self {
            Self::High => 0,
            Self::Default => 1,
            Self::Low => 2,
        }
    }

    /// From the ledger; anything unknown is of no hurry.
    pub fn from_level(level: i16) -> Self {
        match level {
            0 => Self::High,
            1 => Self::Default,
            _ => Self::Low,
        }
    }
}

/// How often and how patiently a kind is tried.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Attempts before the job is discarded; snoozes are not attempts.
    pub max_attempts: i32,
    /// The wait after the first failed attempt; doubles with each further one.
    pub backoff: Duration,
    /// The wait never grows past this.
    pub backoff_cap: Duration,
    /// An attempt is stopped after this long and tried again.
    pub timeout: Duration,
}

impl Policy {
    /// Five attempts, from one second up to ten minutes apart, five minutes each.
    pub const DEFAULT: Policy = Policy {
        max_attempts: 5,
        backoff: Duration::from_secs(1),
        backoff_cap: Duration::from_secs(600),
        timeout: Duration::from_secs(300),
    };

    /// The wait before the next attempt: exponential, with `jitter` in 0..1 taking off up to half.
    pub fn backoff_after(&self, attempt: i32, jitter: f64) -> Duration {
        let doublings = u32::try_from(attempt.saturating_sub(1).clamp(0, 20)).unwrap_or(0);
        let wait = self.backoff.saturating_mul(1 << doublings).min(self.backoff_cap);
        wait.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A kind of job. Its payload is the struct itself: ids, never rows or secrets.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The wire name. It never changes; a renamed kind keeps its old name among [`Job::ALIASES`].
    const KIND: &'static str;
    /// Names this kind once had.
    const ALIASES: &'static [&'static str] = &[];
    /// Which workers run it.
    const QUEUE: Queue;
    /// How it is tried.
    const POLICY: Policy = Policy::DEFAULT;

    /// While a job with this key is alive, enqueueing another returns the first.
    fn unique_key(&self) -> Option<String> {
        None
    }

    /// Does the work and states what is to happen next. Dropped at shutdown, cancellation or a lost lease, so every
    /// `await` must be a place where stopping is safe; a job that cannot be dropped watches [`JobContext::stopping`].
    fn run(self, context: JobContext) -> impl Future<Output = Result<Decision, JobError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_cap_and_jitter_shortens_it() {
        let policy = Policy { backoff_cap: Duration::from_secs(5), ..Policy::DEFAULT };
        let waits: Vec<u64> = (1..=5).map(|attempt| policy.backoff_after(attempt, 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 5, 5]);
        assert_eq!(policy.backoff_after(3, 1.0), Duration::from_secs(2));
        assert_eq!(policy.backoff_after(i32::MAX, 0.0), Duration::from_secs(5));
    }

    #[test]
    fn names_and_levels_are_read_back() {
        for queue in Queue::ALL {
            assert_eq!(Queue::from_name(queue.name()), Some(queue));
        }
        for priority in Priority::ALL {
            assert_eq!(Priority::from_level(priority.level()), priority);
        }
    }
}
