//! A stand-in for Meta's Cloud API, in the test's own process, on a free port of this machine.
//!
//! It takes only what the vendor's API description allows and refuses the rest as Meta does; it misbehaves as told, by
//! a seed, so that a run can be repeated; it posts signed webhooks; and it keeps a record of every message it
//! accepted, answered or not, so that a message accepted twice is seen.
//!
//! What a message meets depends on the seed and its correlation id alone, not on timing. Faults of the callback (the
//! API is down) are met by retries, as Meta retries.

mod behaviour;
mod contract;
pub(crate) mod http;
mod media;
pub(crate) mod record;
mod server;
mod webhooks;

pub use behaviour::{Behaviour, Latency, WebhookBehaviour};
pub use contract::Contract;
pub use record::{AcceptedMessage, Record};
pub use webhooks::WebhookCounts;

use anyhow::{Context, Result, ensure};
use secrecy::SecretString;
use server::Server;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};
use webhooks::Webhooks;

/// The number that messages are sent from.
pub const PHONE_NUMBER_ID: &str = "106540352242922";
/// Another number, for a second account.
pub const OTHER_PHONE_NUMBER_ID: &str = "106540352242923";
/// The token that calls must carry.
pub const ACCESS_TOKEN: &str = "EAAGtest";
/// The secret that webhooks are signed with.
pub const APP_SECRET: &str = "meta-app-secret";
/// What the set-up call of the webhook shows.
pub const VERIFY_TOKEN: &str = "meta-verify-token";

/// A running stand-in; it ends with this value.
pub struct MetaServer {
    base_url: String,
    behaviour: Arc<RwLock<Behaviour>>,
    record: Arc<Record>,
    webhooks: Arc<Webhooks>,
    tasks: Vec<JoinHandle<()>>,
}

impl MetaServer {
    /// Starts on a free port.
    pub async fn start(behaviour: Behaviour) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("the stand-in for Meta needs a port")?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let behaviour = Arc::new(RwLock::new(behaviour));
        let record = Arc::new(Record::default());
        let (webhooks, dispatcher) = Webhooks::start(SecretString::from(APP_SECRET), Arc::clone(&behaviour))?;
        let server = Server::new(Arc::clone(&behaviour), Arc::clone(&record), Arc::clone(&webhooks))?;
        let listening = tokio::spawn(server.listen(listener));
        Ok(Self { base_url, behaviour, record, webhooks, tasks: vec![listening, dispatcher] })
    }

    /// `http://127.0.0.1:…`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The settings of a process that is to send here.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("WHATSAPP_BASE_URL", self.base_url.clone()),
            ("WHATSAPP_PHONE_NUMBER_ID", PHONE_NUMBER_ID.to_owned()),
            ("WHATSAPP_ACCESS_TOKEN", ACCESS_TOKEN.to_owned()),
            ("WHATSAPP_APP_SECRET", APP_SECRET.to_owned()),
            ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", VERIFY_TOKEN.to_owned()),
        ]
    }

    /// Changes how it behaves from now on.
    pub fn change(&self, how: impl FnOnce(&mut Behaviour)) {
        how(&mut self.behaviour.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Where webhooks go from now on; without an address they wait.
    pub fn set_callback(&self, url: Option<String>) {
        self.webhooks.set_callback(url);
    }

    /// Sets the webhook up as Meta does: the address must echo a challenge, and refuse a wrong token.
    pub async fn subscribe(&self, url: &str) -> Result<()> {
        let echoed = self.webhooks.challenge(url, VERIFY_TOKEN, "1158201444").await?;
        ensure!(echoed == (200, "1158201444".to_owned()), "the challenge was answered with {echoed:?}");
        let (status, _) = self.webhooks.challenge(url, "wrong", "1158201444").await?;
        ensure!(status == 403, "a wrong verify token was answered with {status}");
        self.set_callback(Some(url.to_owned()));
        Ok(())
    }

    /// Somebody writes to us, perhaps in answer to a message; the id of what they wrote.
    pub fn write_to_us(&self, from: &str, text: &str, in_reply_to: Option<&str>) -> String {
        self.webhooks.inbound(from, text, in_reply_to)
    }

    /// Every message that was accepted, whether or not the caller was told.
    pub fn accepted(&self) -> Vec<AcceptedMessage> {
        self.record.accepted()
    }

    /// What was asked for last, oldest first.
    pub fn bodies(&self) -> Vec<String> {
        self.record.bodies()
    }

    /// How many messages were accepted.
    pub fn accepted_count(&self) -> usize {
        self.record.accepted_count()
    }

    /// The messages that were accepted more than once, and how often: always a fault of the caller.
    pub fn doubles(&self) -> BTreeMap<String, usize> {
        self.record.doubles()
    }

    /// How many messages each recipient was sent.
    pub fn by_recipient(&self) -> BTreeMap<String, usize> {
        self.record.by_recipient()
    }

    /// The files that were uploaded, by name and type, with their lengths.
    pub fn uploads(&self) -> Vec<(String, usize)> {
        self.record.uploads()
    }

    /// How many calls came.
    pub fn requests(&self) -> u64 {
        self.record.requests()
    }

    /// How often each error code was answered; 0 stands for a connection that was cut before anything was taken.
    pub fn refusals(&self) -> BTreeMap<i64, u64> {
        self.record.refusals()
    }

    /// What the API description had against calls that came; empty unless the caller is at fault.
    pub fn violations(&self) -> Vec<String> {
        self.record.violations()
    }

    /// How the webhooks fare.
    pub fn webhooks(&self) -> WebhookCounts {
        self.webhooks.counts()
    }

    /// Waits until every webhook is delivered or given up; whether that came to pass in time.
    pub async fn webhooks_settled(&self, within: Duration) -> bool {
        self.webhooks.settled(within).await
    }
}

impl Drop for MetaServer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
