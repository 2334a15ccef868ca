//! Acknowledging in batches, and giving entries back.
//!
//! Errors are retried until Redis answers; when Redis has lost the entries there is nothing left to acknowledge, and
//! that is no error. A slot is free again as soon as its job is recorded, whether or not Redis knows.

use super::carrier::{Carrier, Round};
use super::entry::Entry;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Entries of one round trip.
const BATCH: usize = 512;

/// How long to wait before trying again.
const PAUSE: Duration = Duration::from_millis(200);

/// How often the last batch is tried when the worker is closing: another worker takes over what stays.
const CLOSING_TRIES: usize = 5;

/// What is to become of an entry.
#[derive(Debug)]
pub enum Acknowledgement {
    /// Handled: forget it.
    Done(Entry),
    /// Not taken on: somebody else's.
    GiveBack(Entry),
    /// Taken without a free slot: somebody else's.
    Excess(Entry),
    /// Holds no id of ours: forget it. It took a slot of no job.
    Rubbish(Entry),
    /// Write what there is, take leave, and say so.
    Close(oneshot::Sender<()>),
}

/// Runs until everybody who could acknowledge is gone.
pub async fn acknowledge(
    carrier: Arc<dyn Carrier>,
    slots: Arc<Semaphore>,
    mut words: mpsc::UnboundedReceiver<Acknowledgement>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while words.recv_many(&mut batch, BATCH).await > 0 {
        let (mut round, mut closed) = (Round::default(), Vec::new());
        for word in batch.drain(..) {
            match word {
                Acknowledgement::Done(entry) => {
                    slots.add_permits(1);
                    round.done.push(entry);
                }
                Acknowledgement::GiveBack(entry) => {
                    slots.add_permits(1);
                    round.back.push(entry);
                }
                Acknowledgement::Excess(entry) => round.back.push(entry),
                Acknowledgement::Rubbish(entry) => round.done.push(entry),
                Acknowledgement::Close(done) => closed.push(done),
            }
        }
        write(carrier.as_ref(), &round, !closed.is_empty()).await;
        for done in closed {
            carrier.leave().await;
            let _gone = done.send(());
        }
    }
}

async fn write(carrier: &dyn Carrier, round: &Round, closing: bool) {
    if round.is_empty() {
        return;
    }
    let mut tries = 0;
    while let Err(error) = carrier.settle(round).await {
        tries += 1;
        if closing && tries >= CLOSING_TRIES {
            break;
        }
        tracing::debug!(%error, "acknowledging again");
        tokio::time::sleep(PAUSE).await;
    }
}
