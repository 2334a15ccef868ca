//! A mail server that keeps nothing and counts everything, with faults by recipient and as behaved.
//!
//! Besides what a recipient is told to be answered, as behaved: mailboxes that are busy, a server that shuts down, refuses,
//! fails after the message, breaks off in the middle of it (the share of bad gateways), or takes it and breaks off.
//!
//! The dialogue is that of RFC 5321 with PIPELINING. A message is accepted when its final dot is, whether or not the
//! caller is told: a connection cut after that is the unknown outcome that a sender must not repeat.

use crate::meta::{AcceptedMessage, Behaviour, record::Record};
use anyhow::{Context, Result, bail};
use domain::messaging::Correlation;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError, RwLock},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// The longest line, in bytes.
const LINE_LIMIT: u64 = 4 * 1024;
/// The longest message, in bytes.
const MESSAGE_LIMIT: usize = 32 * 1024 * 1024;
/// The header that carries the attempt.
const CORRELATION: &str = "x-renewals-correlation:";

/// A running mail server; it ends with this value.
pub struct SmtpSink {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    behaviour: RwLock<Behaviour>,
    record: Record,
    faults: RwLock<BTreeMap<String, Fault>>,
    /// How often each recipient was named.
    named: Mutex<HashMap<String, u32>>,
}

/// What a recipient is answered, by address or domain.
#[derive(Debug, Clone)]
struct Fault {
    reply: String,
    left: u32,
}

impl SmtpSink {
    /// Starts on a free port.
    pub async fn start(behaviour: Behaviour) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a mail server needs a port")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared { behaviour: RwLock::new(behaviour), ..Shared::default() });
        let task = tokio::spawn(listen(Arc::clone(&shared), listener));
        Ok(Self { port, shared, task })
    }

    /// The settings of a process that is to send here.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SMTP_HOST", "127.0.0.1".to_owned()),
            ("SMTP_PORT", self.port.to_string()),
            ("SMTP_ENCRYPTION", "none".to_owned()),
            ("EMAIL_FROM", "Renewals <no-reply@renewals.example>".to_owned()),
        ]
    }

    /// Answers a recipient, or all of a domain, with this reply (`450 4.2.1 busy`), so many times.
    pub fn refuse(&self, recipient: &str, reply: &str, times: u32) {
        let mut faults = self.shared.faults.write().unwrap_or_else(PoisonError::into_inner);
        faults.insert(recipient.to_ascii_lowercase(), Fault { reply: reply.to_owned(), left: times });
    }

    /// Changes how it behaves from now on.
    pub fn change(&self, how: impl FnOnce(&mut Behaviour)) {
        how(&mut self.shared.behaviour.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Every message that was accepted, whether or not the caller was told.
    pub fn accepted(&self) -> Vec<AcceptedMessage> {
        self.shared.record.accepted()
    }

    /// How many messages were accepted.
    pub fn accepted_count(&self) -> usize {
        self.shared.record.accepted_count()
    }

    /// The messages that were accepted more than once, and how often: always a fault of the caller.
    pub fn doubles(&self) -> BTreeMap<String, usize> {
        self.shared.record.doubles()
    }

    /// How many messages each recipient was sent.
    pub fn by_recipient(&self) -> BTreeMap<String, usize> {
        self.shared.record.by_recipient()
    }

    /// How many connections came.
    pub fn requests(&self) -> u64 {
        self.shared.record.requests()
    }

    /// How often each reply code was given; 0 stands for a connection that was cut before anything was taken.
    pub fn refusals(&self) -> BTreeMap<i64, u64> {
        self.shared.record.refusals()
    }

    /// What the protocol has against callers; empty unless one is at fault.
    pub fn violations(&self) -> Vec<String> {
        self.shared.record.violations()
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(shared: Arc<Shared>, listener: TcpListener) {
    // its tasks end with it
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            incoming = listener.accept() => {
                if let Ok((stream, _)) = incoming {
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        // a caller that went away is no fault of the server
                        let _ended = Session { shared: &shared, stream: BufReader::new(stream) }.run().await;
                    });
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

struct Session<'a> {
    shared: &'a Shared,
    stream: BufReader<TcpStream>,
}

/// What has been said of the message under way.
#[derive(Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
}

impl Session<'_> {
    async fn run(mut self) -> Result<()> {
        self.shared.record.note_request();
        self.stream.get_ref().set_nodelay(true)?;
        if self.behaviour().down {
            return self.cut();
        }
        self.say("220 sink.example ESMTP").await?;
        let mut envelope = Envelope::default();
        loop {
            let Some(line) = self.line().await? else { return Ok(()) };
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    self.say("250-sink.example\r\n250-PIPELINING\r\n250-SIZE 33554432\r\n250-8BITMIME\r\n250 SMTPUTF8")
                        .await?
                }
                "HELO" | "NOOP" | "RSET" => {
                    envelope = Envelope::default();
                    self.say("250 ok").await?;
                }
                "MAIL" => {
                    envelope = Envelope { from: Some(address(&line)), to: Vec::new() };
                    self.say("250 2.1.0 ok").await?;
                }
                "RCPT" => {
                    let to = address(&line);
                    let reply = self.to_recipient(&to);
                    if reply.starts_with("250") {
                        envelope.to.push(to);
                    }
                    let closing = reply.starts_with("421");
                    self.say(&reply).await?;
                    if closing {
                        return Ok(());
                    }
                }
                "DATA" if envelope.from.is_some() && !envelope.to.is_empty() => {
                    self.say("354 go on").await?;
                    let behaviour = self.behaviour();
                    let attempt = format!("{} {}", envelope.to.join(" "), self.named(&envelope.to.join(" ")));
                    if behaviour.happens("broken off", &attempt, behaviour.bad_gateway) {
                        // in the middle of the message
                        self.line().await?;
                        self.shared.record.note_refusal(0);
                        return self.cut();
                    }
                    let message = self.message().await?;
                    if !self.take(&envelope, &message).await? {
                        return Ok(());
                    }
                    envelope = Envelope::default();
                }
                "DATA" => self.say("503 5.5.1 nobody to send it to").await?,
                "QUIT" => return self.say("221 bye").await,
                other => {
                    self.shared.record.note_violations(&[format!("{other}: not a command")]);
                    self.say("502 5.5.2 not implemented").await?;
                }
            }
        }
    }

    fn behaviour(&self) -> Behaviour {
        self.shared.behaviour.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn to_recipient(&self, to: &str) -> String {
        let domain = to.rsplit('@').next().unwrap_or_default();
        let mut faults = self.shared.faults.write().unwrap_or_else(PoisonError::into_inner);
        for name in [to, domain] {
            if let Some(fault) = faults.get_mut(name).filter(|fault| fault.left > 0) {
                fault.left -= 1;
                return self.refused(&fault.reply);
            }
        }
        let behaviour = self.behaviour();
        if behaviour.happens("unreachable", to, behaviour.unreachable) {
            return self.refused("550 5.1.1 no such user");
        }
        // before a message comes there is nothing to tell one attempt from another
        let attempt = format!("{to} {}", self.named(to));
        if behaviour.happens("busy", &attempt, behaviour.server_errors) {
            return self.refused("450 4.2.1 mailbox busy");
        }
        if behaviour.happens("closing", &attempt, behaviour.unavailable) {
            return self.refused("421 4.3.2 shutting down");
        }
        "250 2.1.5 ok".to_owned()
    }

    /// How often a recipient has been named, this time among them.
    fn named(&self, to: &str) -> u32 {
        let mut named = self.shared.named.lock().unwrap_or_else(PoisonError::into_inner);
        let times = named.entry(to.to_owned()).or_default();
        *times += 1;
        *times
    }

    fn refused(&self, reply: &str) -> String {
        self.shared.record.note_refusal(reply.get(..3).and_then(|code| code.parse().ok()).unwrap_or_default());
        reply.to_owned()
    }

    /// What follows the final dot; whether the connection goes on.
    async fn take(&mut self, envelope: &Envelope, message: &[u8]) -> Result<bool> {
        let behaviour = self.behaviour();
        let correlation = correlation_of(message);
        let happens = |what: &str, share| behaviour.happens(what, &correlation, share);
        if happens("reset before", behaviour.reset_before) {
            self.shared.record.note_refusal(0);
            self.cut()?;
            return Ok(false);
        }
        let refusal = if behaviour.rate_per_second.is_some_and(|rate| !self.shared.record.within_rate(rate)) {
            Some("451 4.7.1 too many messages")
        } else if happens("server error", behaviour.server_errors) {
            Some("451 4.3.0 local error")
        } else if happens("unavailable", behaviour.unavailable) {
            Some("421 4.3.2 shutting down")
        } else if happens("undeliverable", behaviour.undeliverable) {
            Some("554 5.7.1 refused by policy")
        } else {
            None
        };
        if let Some(reply) = refusal {
            let reply = self.refused(reply);
            self.say(&reply).await?;
            return Ok(!reply.starts_with("421"));
        }
        let latency = behaviour.latency_of(&correlation);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let (cut, silent) =
            (happens("reset after", behaviour.reset_after), happens("silent after", behaviour.silent_after));
        let mut id = String::new();
        for to in &envelope.to {
            id = self.shared.record.accept_as(&correlation, to, !cut && !silent, |number| format!("Q{number:010}"));
        }
        if cut {
            self.cut()?;
            return Ok(false);
        }
        if silent {
            while self.line().await?.is_some() {}
            return Ok(false);
        }
        self.say(&format!("250 2.0.0 queued as {id}")).await?;
        Ok(true)
    }

    async fn say(&mut self, reply: &str) -> Result<()> {
        self.stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        Ok(())
    }

    async fn line(&mut self) -> Result<Option<String>> {
        let mut line = Vec::new();
        if (&mut self.stream).take(LINE_LIMIT).read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
    }

    /// Up to the final dot.
    async fn message(&mut self) -> Result<Vec<u8>> {
        let mut message = Vec::new();
        loop {
            let start = message.len();
            if self.stream.read_until(b'\n', &mut message).await? == 0 {
                bail!("the message broke off");
            }
            if message[start..] == *b".\r\n" {
                message.truncate(start);
                return Ok(message);
            }
            if !message.ends_with(b"\r\n") {
                self.shared.record.note_violations(&["a line that does not end with CRLF".to_owned()]);
            }
            if message.len() > MESSAGE_LIMIT {
                bail!("the message is too long");
            }
        }
    }

    /// Cuts the connection without a word: the caller sees a reset.
    fn cut(&self) -> Result<()> {
        self.stream.get_ref().set_zero_linger()?;
        Ok(())
    }
}

/// Between the brackets, in small letters.
fn address(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(address, _)| address);
    inner.unwrap_or_default().to_ascii_lowercase()
}

/// The attempt that a message names: in a header of ours, or as the first part of its id.
fn correlation_of(message: &[u8]) -> String {
    let end = message.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(message.len());
    let head = String::from_utf8_lossy(&message[..end]);
    let header = |name: &str| {
        let mut lines = head.split("\r\n");
        lines.find_map(|line| {
            line.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name)).map(|_| line[name.len()..].trim())
        })
    };
    if let Some(correlation) = header(CORRELATION) {
        return correlation.to_owned();
    }
    let id = header("message-id:").unwrap_or_default().trim_matches(['<', '>']);
    let local = id.split('@').next().unwrap_or_default();
    let own = local.parse::<Correlation>().map(|correlation| correlation.to_string());
    own.unwrap_or_else(|_| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_its_attempt() {
        assert_eq!(correlation_of(b"Subject: x\r\nX-Renewals-Correlation: m-1-2\r\n\r\nbody"), "m-1-2");
        assert_eq!(
            correlation_of(b"Message-ID: <m-7-1@renewals.example>\r\n\r\nX-Renewals-Correlation: m-1-2"),
            "m-7-1"
        );
        assert_eq!(correlation_of(b"Message-ID: <other@a.example>\r\n\r\n"), "other@a.example");
        assert_eq!(address("RCPT TO:<Asha@Example.com> NOTIFY=NEVER"), "asha@example.com");
    }
}
