//! Which queues a worker serves, with how many jobs at once.

use jobs::Queue;
use std::str::FromStr;
use std::time::Duration;

/// `whatsapp=64`: a queue and how many of its jobs run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueSlots {
    /// The queue.
    pub queue: Queue,
    /// Jobs at once, from 1.
    pub slots: usize,
}

/// What was given is not a queue and a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueSlotsError {
    /// No `=`, or what follows is not a number from 1 to 10,000.
    #[error("expected a queue and how many of its jobs run at once, such as whatsapp=64")]
    Shape,
    /// There is no such queue.
    #[error("there is no queue {0}; there are uploads, campaigns, whatsapp, events and maintenance")]
    Unknown(String),
}

impl FromStr for QueueSlots {
    type Err = QueueSlotsError;
    fn from_str(text: &str) -> Result<Self, QueueSlotsError> {
        let (name, slots) = text.split_once('=').ok_or(QueueSlotsError::Shape)?;
        let slots = slots.parse().ok().filter(|slots| (1..=10_000).contains(slots)).ok_or(QueueSlotsError::Shape)?;
        let queue = Queue::from_name(name).ok_or_else(|| QueueSlotsError::Unknown(name.to_owned()))?;
        Ok(Self { queue, slots })
    }
}

/// How a worker process works.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// What it serves.
    pub queues: Vec<QueueSlots>,
    /// How long jobs may go on after a signal to stop.
    pub drain_timeout: Duration,
    /// How long a job stays leased without a heartbeat; renewed at a third of it.
    pub lease: Duration,
}

impl WorkerConfig {
    /// The default lease.
    pub const LEASE: Duration = Duration::from_secs(30);

    /// These queues, with 30 s to drain.
    pub fn new(queues: Vec<QueueSlots>) -> Self {
        Self { queues, drain_timeout: Duration::from_secs(30), lease: Self::LEASE }
    }

    /// Every queue, as one process serves them all on one machine.
    pub fn all_queues() -> Self {
        let slots = |queue| match queue {
            Queue::Whatsapp | Queue::Email | Queue::Sms => 16,
            Queue::Events => 4,
            Queue::Uploads | Queue::Campaigns | Queue::Maintenance => 2,
        };
        Self::new(Queue::ALL.map(|queue| QueueSlots { queue, slots: slots(queue) }).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_read_and_faults_are_named() {
        assert_eq!("whatsapp=64".parse(), Ok(QueueSlots { queue: Queue::Whatsapp, slots: 64 }));
        for text in ["whatsapp", "whatsapp=", "whatsapp=0", "whatsapp=-1", "whatsapp=10001", "=3"] {
            let expected = match text {
                "=3" => QueueSlotsError::Unknown(String::new()),
                _ => QueueSlotsError::Shape,
            };
            assert_eq!(text.parse::<QueueSlots>(), Err(expected), "{text}");
        }
    }
}
