//! Conversations with a mail server, over connections that are kept: which step failed decides what a failure means.
//!
//! Until the last line of a message is sent nothing has been handed over, and a connection that breaks is worth a retry;
//! after it nobody knows. Each step has a time limit. A connection that was kept and turns out to be closed is replaced
//! without a word.

use super::classes::{Stage, classified, timed_out};
use domain::messaging::{FailureClass, SendFailure};
use lettre::{
    address::Envelope,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt, Rset},
        extension::{ClientId, Extension, MailParameter},
    },
};
use std::{
    fmt::{self, Display, Formatter},
    io,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, sync::Semaphore};

/// A connection that nobody uses is closed: servers close theirs after some minutes.
const IDLE: Duration = Duration::from_secs(60);

/// How the server is reached.
pub(super) struct Server {
    pub host: String,
    pub port: u16,
    /// TLS from the first byte.
    pub implicit: Option<TlsParameters>,
    /// TLS after STARTTLS, which the server must offer.
    pub start: Option<TlsParameters>,
    pub credentials: Option<Credentials>,
    /// Each step may take so long.
    pub step: Duration,
}

/// Connections to one server, and how many there may be.
pub(super) struct Sessions {
    server: Server,
    places: Semaphore,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

/// Why a conversation ended.
enum Ended {
    /// The server said no, or the connection broke.
    Failed(Stage, Error),
    /// It did not answer.
    Silent(Stage),
    /// There is no connection.
    Unreachable(io::Error),
    /// It does not take such addresses.
    Foreign,
}

impl Sessions {
    pub fn new(server: Server, connections: u32) -> Self {
        let places = Semaphore::new(connections.try_into().unwrap_or(1).max(1));
        Self { server, places, idle: Mutex::default() }
    }

    /// Hands one message over.
    pub async fn send(&self, envelope: &Envelope, message: &str) -> Result<(), SendFailure> {
        let closed = |_| SendFailure::new(FailureClass::Retry { after: None }, Some("closed".into()), "closing");
        let _place = self.places.acquire().await.map_err(closed)?;
        if let Some(mut kept) = self.kept() {
            match self.hand_over(&mut kept, envelope, message).await {
                // the server closed it meanwhile, or wants no more messages over it
                Err(Ended::Failed(Stage::Sender, error)) if is_stale(&error) => {}
                ended => return self.end(kept, ended).await,
            }
        }
        let mut fresh = self.connect().await.map_err(Ended::into_failure)?;
        let ended = self.hand_over(&mut fresh, envelope, message).await;
        self.end(fresh, ended).await
    }

    fn kept(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        idle.pop().map(|(connection, _)| connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Ended> {
        let (server, name) = (&self.server, ClientId::default());
        let address = (server.host.as_str(), server.port);
        let mut connection = if server.implicit.is_some() {
            let (limit, tls) = (Some(server.step), server.implicit.clone());
            let connecting = AsyncSmtpConnection::connect_tokio1(address, limit, &name, tls, None);
            self.step(Stage::Connection, connecting).await?
        } else {
            let stream = match tokio::time::timeout(server.step, TcpStream::connect(address)).await {
                Ok(stream) => stream.map_err(Ended::Unreachable)?,
                Err(_) => return Err(Ended::Silent(Stage::Connection)),
            };
            // an answer is awaited after every line: none is to wait for the one before
            stream.set_nodelay(true).map_err(Ended::Unreachable)?;
            let greeting = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &name);
            self.step(Stage::Connection, greeting).await?
        };
        if let Some(parameters) = &server.start {
            self.step(Stage::Connection, connection.starttls(parameters.clone(), &name)).await?;
        }
        if let Some(credentials) = &server.credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            self.step(Stage::Connection, connection.auth(&mechanisms, credentials)).await?;
        }
        Ok(connection)
    }

    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        envelope: &Envelope,
        message: &str,
    ) -> Result<(), Ended> {
        let mut options = Vec::new();
        if !envelope.from().into_iter().chain(envelope.to()).all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Ended::Foreign);
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        self.step(Stage::Sender, connection.command(Mail::new(envelope.from().cloned(), options))).await?;
        for to in envelope.to() {
            self.step(Stage::Recipient, connection.command(Rcpt::new(to.clone(), Vec::new()))).await?;
        }
        self.step(Stage::Message, connection.command(Data)).await?;
        self.step(Stage::End, connection.command(Whole(message))).await?;
        Ok(())
    }

    async fn step<T>(&self, stage: Stage, work: impl Future<Output = Result<T, Error>>) -> Result<T, Ended> {
        match tokio::time::timeout(self.server.step, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(Ended::Failed(stage, error)),
            Err(_) => Err(Ended::Silent(stage)),
        }
    }

    /// Keeps the connection for the next message where the server still speaks to us.
    async fn end(&self, mut connection: AsyncSmtpConnection, ended: Result<(), Ended>) -> Result<(), SendFailure> {
        let speaks = match &ended {
            Ok(()) | Err(Ended::Foreign) => true,
            Err(Ended::Failed(_, error)) if error.status().is_some_and(|code| u16::from(code) != 421) => {
                self.step(Stage::Sender, connection.command(Rset)).await.is_ok()
            }
            Err(Ended::Failed(..) | Ended::Silent(_) | Ended::Unreachable(_)) => false,
        };
        if speaks {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, Instant::now()));
        }
        ended.map_err(Ended::into_failure)
    }
}

impl Ended {
    fn into_failure(self) -> SendFailure {
        match self {
            Self::Failed(stage, error) => classified(&error, stage),
            Self::Silent(stage) => timed_out(stage),
            Self::Unreachable(error) => {
                SendFailure::new(FailureClass::Retry { after: None }, Some("network".into()), &error.to_string())
            }
            Self::Foreign => SendFailure::new(
                FailureClass::Recipient,
                Some("smtputf8".into()),
                "the mail server takes no addresses with letters beyond ASCII",
            ),
        }
    }
}

/// A message and the line that ends it, in one piece: in two, the second would wait for the first to be confirmed.
struct Whole<'a>(&'a str);

impl Display for Whole<'_> {
    /// A dot that begins a line is doubled (RFC 5321, 4.5.2).
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for line in self.0.split_inclusive('\n') {
            if line.starts_with('.') {
                f.write_str(".")?;
            }
            f.write_str(line)?;
        }
        f.write_str(if self.0.ends_with("\r\n") { ".\r\n" } else { "\r\n.\r\n" })
    }
}

/// Nothing was said, or only that the connection is to end.
fn is_stale(error: &Error) -> bool {
    error.status().is_none_or(|code| u16::from(code) == 421)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_with_a_line_of_its_own() {
        assert_eq!(Whole("a\r\n.\r\n..b\r\n").to_string(), "a\r\n..\r\n...b\r\n.\r\n");
        assert_eq!(Whole(".a").to_string(), "..a\r\n.\r\n");
        assert_eq!(Whole("").to_string(), "\r\n.\r\n");
    }
}
