//! The apalis backend over any transport: a carrier takes ids and feeds it, and its layer acknowledges what was handled.
//!
//! Redis errors are retried inside the carrier and the acknowledger and never reach a running job, nor apalis, which
//! would end the worker and drop the runs under way. What a vanished worker had taken is carried again by the
//! transport's own means; the ledger makes the repetition harmless.

use super::acks::{Acknowledgement, acknowledge};
use super::carrier::{Carrier, CarrierConfig};
use super::entry::Entry;
use super::intake::Intake;
use apalis::prelude::*;
use apalis_core::backend::{Backend, BackendConfig, finalize::Ephemeral};
use futures_util::future::BoxFuture;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};
use uuid::Uuid;

/// The backend of one worker of one queue.
pub struct CarrierBackend {
    carrier: Arc<dyn Carrier>,
    config: CarrierConfig,
    /// Cancelled to stop taking.
    stop: CancellationToken,
    started: Option<Started>,
    closing: Option<oneshot::Receiver<()>>,
}

struct Started {
    entries: mpsc::Receiver<Entry>,
    acks: mpsc::UnboundedSender<Acknowledgement>,
}

impl CarrierBackend {
    /// Nothing is read before the worker starts. Cancelling `stop` ends the taking at once.
    pub fn new(carrier: Arc<dyn Carrier>, config: CarrierConfig, stop: CancellationToken) -> Self {
        Self { carrier, config, stop, started: None, closing: None }
    }
}

impl Backend for CarrierBackend {
    type Task = Task<Uuid>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Infallible>>> {
        let Some(started) = self.started.as_mut() else { return Poll::Ready(None) };
        let entry = ready!(started.entries.poll_recv(context));
        Poll::Ready(entry.map(|entry| {
            let task = TaskBuilder::new(entry.job).task_id(TaskId::from_string(entry.handle())).build();
            Ok(task)
        }))
    }

    fn poll_close(&mut self, context: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        self.stop.cancel();
        let Some(started) = self.started.as_mut() else { return Poll::Ready(Ok(())) };
        // the reader ends with the stop, which closes the channel: what it still held goes back
        while let Some(entry) = ready!(started.entries.poll_recv(context)) {
            let _ended = started.acks.send(Acknowledgement::GiveBack(entry));
        }
        let closing = self.closing.get_or_insert_with(|| {
            let (done, closing) = oneshot::channel();
            let _ended = started.acks.send(Acknowledgement::Close(done));
            closing
        });
        std::pin::Pin::new(closing).poll(context).map(|_| Ok(()))
    }
}

impl BackendConfig for CarrierBackend {
    type Args = Uuid;
    type Id = String;
    type Kind = Ephemeral;
    type Config = CarrierConfig;
    type Layer = AcknowledgeLayer;

    fn config(&self) -> &CarrierConfig {
        &self.config
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> AcknowledgeLayer {
        let slots = Arc::new(Semaphore::new(self.config.slots));
        let (entries_in, entries) = mpsc::channel(self.config.slots.max(1));
        let (acks, acks_out) = mpsc::unbounded_channel();
        let intake = Intake::new(slots.clone(), entries_in, acks.clone());
        tokio::spawn(self.carrier.clone().read(intake, self.stop.clone()));
        tokio::spawn(acknowledge(self.carrier.clone(), slots, acks_out));
        self.started = Some(Started { entries, acks: acks.clone() });
        AcknowledgeLayer { acks }
    }
}

/// Acknowledges what the handler is done with, and gives back what it could not take on.
#[derive(Clone)]
pub struct AcknowledgeLayer {
    acks: mpsc::UnboundedSender<Acknowledgement>,
}

impl<S> Layer<S> for AcknowledgeLayer {
    type Service = AcknowledgeService<S>;
    fn layer(&self, inner: S) -> Self::Service {
        AcknowledgeService { inner, acks: self.acks.clone() }
    }
}

/// See [`AcknowledgeLayer`].
#[derive(Clone)]
pub struct AcknowledgeService<S> {
    inner: S,
    acks: mpsc::UnboundedSender<Acknowledgement>,
}

impl<S> Service<Task<Uuid>> for AcknowledgeService<S>
where
    S: Service<Task<Uuid>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxDynError>,
    S::Response: Send,
{
    type Response = S::Response;
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<S::Response, BoxDynError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Uuid>) -> Self::Future {
        let entry = task.task_id().and_then(|id| Entry::of_handle(&id.to_string(), task.args));
        let acks = self.acks.clone();
        let call = self.inner.call(task);
        Box::pin(async move {
            let outcome = call.await.map_err(Into::into);
            if let Some(entry) = entry {
                let word = match &outcome {
                    Ok(_) => Acknowledgement::Done(entry),
                    Err(_) => Acknowledgement::GiveBack(entry),
                };
                // ended: the process stops, and another worker takes the entry over
                let _ended = acks.send(word);
            }
            outcome
        })
    }
}
