//! What every stand-in does alike: listening, the common faults, the record, and telling what became of messages.

use super::teller::{Teller, Told};
use crate::meta::{
    AcceptedMessage, Behaviour, WebhookCounts,
    http::{Connection, Request},
    record::Record,
};
use anyhow::{Context, Result};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// An answer to a call.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Further headers, each with its line's end.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Without further headers.
    pub fn of(status: u16, body: impl ToString) -> Self {
        Self { status, headers: String::new(), body: body.to_string().into_bytes() }
    }
}

/// A message that a vendor is asked to send.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The attempt, as the caller wrote it.
    pub correlation: String,
    /// The recipient.
    pub recipient: String,
    /// Where the caller wants to be told, when the call says so.
    pub callback: String,
    /// The sender.
    pub sender: String,
}

/// What a vendor makes of a call.
#[derive(Debug)]
pub enum Judged {
    /// It is no message; this is the answer.
    Other(Answer),
    /// It is refused, with this code for the record, and what the description has against it.
    Refused { code: i64, answer: Answer, against: Vec<String> },
    /// A message that would be taken.
    Message(Asked),
}

/// What tells one vendor from another.
pub trait Vendor: Send + Sync + Sized + 'static {
    /// Checks a call: credentials, description, and rules of its own.
    fn judge(&self, behaviour: &Behaviour, request: &Request) -> Judged;

    /// What a call that fails for a reason of the vendor's is answered: 429, 500, 502 or 503.
    fn fault(&self, status: u16) -> Answer;

    /// The id of the nth message.
    fn id(&self, number: usize) -> String;

    /// The message is taken, whether or not the caller is told; what the caller is told if it is.
    fn take(&self, asked: &Asked, id: &str) -> Answer;

    /// What will be told of it, in order.
    fn story(&self, behaviour: &Behaviour, asked: &Asked, id: &str) -> Vec<Told>;

    /// Whether several things are told at once.
    fn batches(&self) -> bool {
        false
    }

    /// What is posted to tell these: the path and query, the headers, the body. Signed truly, or not.
    fn delivery(&self, public_url: &str, told: &[Told], truly: bool) -> Delivery;
}

/// A webhook, ready to be posted.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Below the address of the API.
    pub path: String,
    /// With the content type.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A running stand-in; it ends with this value.
pub struct StandIn<V: Vendor> {
    base_url: String,
    pub(super) stage: Arc<Stage<V>>,
    tasks: Vec<JoinHandle<()>>,
}

pub(super) struct Stage<V> {
    pub vendor: V,
    pub behaviour: RwLock<Behaviour>,
    pub record: Record,
    pub teller: Teller,
}

impl<V: Vendor> Stage<V> {
    pub fn now(&self) -> Behaviour {
        self.behaviour.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<V: Vendor> StandIn<V> {
    /// Starts on a free port.
    pub(super) async fn of(vendor: V, behaviour: Behaviour) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a stand-in needs a port")?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let (teller, queued) = Teller::new()?;
        let stage = Arc::new(Stage { vendor, behaviour: RwLock::new(behaviour), record: Record::default(), teller });
        let telling = tokio::spawn(super::teller::dispatch(Arc::clone(&stage), queued));
        let listening = tokio::spawn(listen(Arc::clone(&stage), listener));
        Ok(Self { base_url, stage, tasks: vec![listening, telling] })
    }

    /// `http://127.0.0.1:…`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Changes how it behaves from now on.
    pub fn change(&self, how: impl FnOnce(&mut Behaviour)) {
        how(&mut self.stage.behaviour.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Where the API is reached from now on, `http://127.0.0.1:…`; without an address webhooks wait.
    pub fn set_callback(&self, api: Option<String>) {
        self.stage.teller.set_callback(api);
    }

    /// What the API takes for its own address (`PUBLIC_URL`), when that is another than where it is reached.
    pub fn set_public_url(&self, url: &str) {
        self.stage.teller.set_public_url(url);
    }

    /// Every message that was accepted, whether or not the caller was told.
    pub fn accepted(&self) -> Vec<AcceptedMessage> {
        self.stage.record.accepted()
    }

    /// What was asked for last, oldest first.
    pub fn bodies(&self) -> Vec<String> {
        self.stage.record.bodies()
    }

    /// How many messages were accepted.
    pub fn accepted_count(&self) -> usize {
        self.stage.record.accepted_count()
    }

    /// The messages that were accepted more than once, and how often: always a fault of the caller.
    pub fn doubles(&self) -> BTreeMap<String, usize> {
        self.stage.record.doubles()
    }

    /// How many messages each recipient was sent.
    pub fn by_recipient(&self) -> BTreeMap<String, usize> {
        self.stage.record.by_recipient()
    }

    /// How many calls came.
    pub fn requests(&self) -> u64 {
        self.stage.record.requests()
    }

    /// How often each code was answered; 0 stands for a connection that was cut before anything was taken.
    pub fn refusals(&self) -> BTreeMap<i64, u64> {
        self.stage.record.refusals()
    }

    /// What the description had against calls that came; empty unless the caller is at fault.
    pub fn violations(&self) -> Vec<String> {
        self.stage.record.violations()
    }

    /// How the webhooks fare.
    pub fn webhooks(&self) -> WebhookCounts {
        self.stage.teller.counts()
    }

    /// Waits until every webhook is delivered or given up; whether that came to pass in time.
    pub async fn webhooks_settled(&self, within: Duration) -> bool {
        self.stage.teller.settled(within).await
    }
}

impl<V: Vendor> Drop for StandIn<V> {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn listen<V: Vendor>(stage: Arc<Stage<V>>, listener: TcpListener) {
    // its tasks end with it
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            incoming = listener.accept() => {
                if let Ok((stream, _)) = incoming {
                    let stage = Arc::clone(&stage);
                    connections.spawn(async move {
                        // a caller that went away is no fault of the stand-in
                        let _ended = serve(&stage, stream).await;
                    });
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve<V: Vendor>(stage: &Arc<Stage<V>>, stream: TcpStream) -> Result<()> {
    let mut connection = Connection::new(stream)?;
    if stage.now().down {
        return connection.cut();
    }
    while let Some(request) = connection.read().await? {
        stage.record.note_request();
        stage.record.note_body(&request.body);
        let behaviour = stage.now();
        let asked = match stage.vendor.judge(&behaviour, &request) {
            Judged::Other(answer) => {
                connection.answer(answer.status, &answer.headers, &answer.body).await?;
                continue;
            }
            Judged::Refused { code, answer, against } => {
                stage.record.note_violations(&against);
                stage.record.note_refusal(code);
                connection.answer(answer.status, &answer.headers, &answer.body).await?;
                continue;
            }
            Judged::Message(asked) => asked,
        };
        let happens = |what, share| behaviour.happens(what, &asked.correlation, share);
        if happens("reset before", behaviour.reset_before) {
            stage.record.note_refusal(0);
            return connection.cut();
        }
        if let Some(status) = fault(stage, &behaviour, &asked.correlation) {
            let answer = stage.vendor.fault(status);
            stage.record.note_refusal(i64::from(status));
            let wait = if behaviour.retry_after && matches!(status, 429 | 503) { "retry-after: 1\r\n" } else { "" };
            connection.answer(answer.status, &format!("{}{wait}", answer.headers), &answer.body).await?;
            continue;
        }
        let (cut, silent) =
            (happens("reset after", behaviour.reset_after), happens("silent after", behaviour.silent_after));
        let latency = behaviour.latency_of(&asked.correlation);
        pause(latency / 2).await;
        let answered = !cut && !silent;
        let id =
            stage.record.accept_as(&asked.correlation, &asked.recipient, answered, |number| stage.vendor.id(number));
        let answer = stage.vendor.take(&asked, &id);
        let story = stage.vendor.story(&behaviour, &asked, &id);
        stage.teller.tell(stage.as_ref(), &behaviour, &asked.correlation, story).await;
        pause(latency / 2).await;
        if cut {
            return connection.cut();
        }
        if silent {
            connection.wait_for_end().await;
            return Ok(());
        }
        connection.answer(answer.status, &answer.headers, &answer.body).await?;
    }
    Ok(())
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// The status of a fault of the vendor's that a message meets.
fn fault<V>(stage: &Stage<V>, behaviour: &Behaviour, correlation: &str) -> Option<u16> {
    let happens = |what, share| behaviour.happens(what, correlation, share);
    if behaviour.rate_per_second.is_some_and(|rate| !stage.record.within_rate(rate)) {
        Some(429)
    } else if happens("server error", behaviour.server_errors) {
        Some(500)
    } else if happens("bad gateway", behaviour.bad_gateway) {
        Some(502)
    } else if happens("unavailable", behaviour.unavailable) {
        Some(503)
    } else {
        None
    }
}
