//! E-mail without a mail server: each message becomes a file in the storage, to be read instead of being received.
//!
//! Fails as the storage does, and is worth a retry then.

use super::{EmailMessage, EmailProvider};
use crate::{
    messaging::{Accepted, SendRate, SendingAccount},
    storage::{Storage, StorageError},
};
use bytes::Bytes;
use domain::messaging::{FailureClass, SendFailure};
use futures_util::{future::BoxFuture, stream};

/// No message of ours is longer.
const LONGEST: u64 = 16 << 20;

/// Where messages wait to be read.
#[derive(Debug, Clone)]
pub struct Outbox {
    storage: Storage,
    sender: String,
}

impl Outbox {
    /// In that storage; `sender` is what messages are from.
    pub fn new(storage: Storage, sender: Option<String>) -> Self {
        Self { storage, sender: sender.unwrap_or_else(|| "Intelipro Renewals <no-reply@localhost>".to_owned()) }
    }

    /// Where the message of that id is kept.
    pub fn key(id: &str) -> String {
        format!("outbox/{id}.eml")
    }
}

impl SendingAccount for Outbox {
    fn name(&self) -> &'static str {
        "outbox"
    }

    fn account(&self) -> &str {
        "outbox"
    }

    fn rate(&self) -> SendRate {
        SendRate { per_second: 100, burst: 100 }
    }
}

impl EmailProvider for Outbox {
    fn sender(&self) -> &str {
        &self.sender
    }

    fn send<'a>(&'a self, message: &'a EmailMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>> {
        Box::pin(async move {
            let built = Bytes::from(message.build()?.formatted());
            let key = Self::key(&message.id);
            let content = stream::iter([Ok::<_, StorageError>(built)]);
            let kept = self.storage.put_stream(&key, content, LONGEST).await;
            kept.map_err(|error| {
                SendFailure::new(FailureClass::Retry { after: None }, Some("storage".into()), &error.to_string())
            })?;
            tracing::info!(key, "no mail server is set up: the message is kept in the storage");
            Ok(Accepted { provider_message_id: message.id.clone(), held: false })
        })
    }
}
