//! How a transport hands over the ids it took: each with a free slot, and none without.

use super::acks::Acknowledgement;
use super::entry::Entry;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};

/// The way in; the worker sees no more ids once it is dropped.
pub struct Intake {
    /// Given back by whoever acknowledges.
    slots: Arc<Semaphore>,
    entries: mpsc::Sender<Entry>,
    acks: mpsc::UnboundedSender<Acknowledgement>,
}

impl Intake {
    /// Over these slots.
    pub fn new(
        slots: Arc<Semaphore>,
        entries: mpsc::Sender<Entry>,
        acks: mpsc::UnboundedSender<Acknowledgement>,
    ) -> Self {
        Self { slots, entries, acks }
    }

    /// Waits for a free slot; says how many there are.
    pub async fn free(&self) -> usize {
        // closed never: an error would mean no slots for ever
        match self.slots.acquire().await {
            Ok(permit) => {
                drop(permit);
                self.slots.available_permits()
            }
            Err(_) => std::future::pending().await,
        }
    }

    /// Passes entries on, each with a slot; what has no slot, or comes after the worker closed, is given back.
    pub async fn pass_on(&self, taken: impl IntoIterator<Item = Entry>) {
        for entry in taken {
            let word = match self.slots.try_acquire() {
                Ok(slot) => {
                    slot.forget();
                    self.entries.send(entry).await.err().map(|closed| Acknowledgement::GiveBack(closed.0))
                }
                Err(_) => Some(Acknowledgement::Excess(entry)),
            };
            if let Some(word) = word {
                let _ended = self.acks.send(word);
            }
        }
    }

    /// Has what names no job forgotten.
    pub fn throw_away(&self, entry: Entry) {
        let _ended = self.acks.send(Acknowledgement::Rubbish(entry));
    }
}
