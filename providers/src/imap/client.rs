//! The client: one connection for one reading.

use super::{ImapConfig, ImapEncryption, ImapError};
use crate::http::install_tls;
use async_imap::{Client, error::Error as ProtocolError};
use futures_util::TryStreamExt;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use secrecy::ExposeSecret;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, Join, ReadHalf, Take, WriteHalf},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// What the server may send for one command beside mails: lists of numbers, most of all.
const ANSWER_LIMIT: u64 = 32 << 20;

/// The connection: what is read of it is counted.
type Stream = Join<Take<ReadHalf<TlsStream<TcpStream>>>, WriteHalf<TlsStream<TcpStream>>>;

/// A mailbox, not connected.
pub struct Mailbox {
    config: ImapConfig,
    account: String,
    name: ServerName<'static>,
    tls: TlsConnector,
}

/// A mailbox that is being read.
#[derive(Debug)]
pub struct Session {
    session: async_imap::Session<Stream>,
    timeout: Duration,
    /// Numbers of mails count within this one (RFC 9051, 2.3.1.1).
    pub uid_validity: u32,
}

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its number.
    pub uid: u32,
    /// As much of it as was asked for.
    pub raw: Vec<u8>,
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mailbox({})", self.account)
    }
}

impl Mailbox {
    /// Connects to nothing yet.
    pub fn new(config: &ImapConfig) -> Result<Self, ImapError> {
        install_tls();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = &config.ca_file {
            let pem = std::fs::read(path).map_err(ImapError::CaFile)?;
            let unreadable = |error| ImapError::CaFile(std::io::Error::other(error));
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let added = roots.add(certificate.map_err(|error| unreadable(error.to_string()))?);
                added.map_err(|error| unreadable(error.to_string()))?;
            }
        }
        let name = ServerName::try_from(config.host.clone()).map_err(|_| ImapError::Name)?;
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let account = format!("{}@{}/{}", config.user, config.host, config.folder);
        Ok(Self { config: config.clone(), account, name, tls: TlsConnector::from(Arc::new(tls)) })
    }

    /// Its name, unique among mailboxes.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Connects, signs in and opens the folder for reading only.
    pub async fn open(&self) -> Result<Session, ImapError> {
        let timeout = self.config.timeout;
        let stream = within(timeout, self.connect()).await??;
        let client = Client::new(stream);
        let password = self.config.password.expose_secret();
        let signed_in = within(timeout, client.login(&self.config.user, password)).await?;
        let mut session = signed_in.map_err(|(error, _)| match error {
            ProtocolError::No(_) | ProtocolError::Bad(_) | ProtocolError::Validate(_) => ImapError::SignIn(error),
            other => ImapError::Protocol(other),
        })?;
        let folder = within(timeout, session.examine(&self.config.folder)).await??;
        let unsaid = || ProtocolError::Bad("the server does not number its mails for good".to_owned());
        let uid_validity = folder.uid_validity.ok_or_else(unsaid)?;
        Ok(Session { session, timeout, uid_validity })
    }

    async fn connect(&self) -> Result<Stream, ImapError> {
        let tcp = TcpStream::connect((self.config.host.as_str(), self.config.port)).await?;
        tcp.set_nodelay(true)?;
        if self.config.encryption == ImapEncryption::Implicit {
            let mut client = Client::new(counted(self.tls.connect(self.name.clone(), tcp).await?));
            greeting(&mut client).await?;
            return Ok(client.into_inner());
        }
        let mut client = Client::new(tcp);
        greeting(&mut client).await?;
        client.run_command_and_check_ok("STARTTLS", None).await?;
        // what came after the answer in clear is not looked at
        Ok(counted(self.tls.connect(self.name.clone(), client.into_inner()).await?))
    }
}

impl Session {
    /// The oldest mails whose numbers are above `after`, up to `count`, each up to `limit` bytes.
    pub async fn after(&mut self, after: u32, count: usize, limit: u32) -> Result<Vec<Fetched>, ImapError> {
        let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
        self.allow(ANSWER_LIMIT);
        let found = within(self.timeout, self.session.uid_search(format!("UID {first}:*"))).await??;
        // the last mail is always found, whatever its number
        let mut uids: Vec<u32> = found.into_iter().filter(|uid| *uid > after).collect();
        uids.sort_unstable();
        uids.truncate(count);
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let room = u64::from(limit).saturating_mul(uids.len().try_into().unwrap_or(u64::MAX));
        self.allow(ANSWER_LIMIT.saturating_add(room));
        let set = uids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let query = format!("(UID BODY.PEEK[]<0.{limit}>)");
        let timeout = self.timeout;
        let mut mails = Vec::with_capacity(uids.len());
        let mut answers = within(timeout, self.session.uid_fetch(set, query)).await??;
        while let Some(answer) = within(timeout, answers.try_next()).await?? {
            if let (Some(uid), Some(body)) = (answer.uid.filter(|uid| *uid > after), answer.body()) {
                let end = body.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
                mails.push(Fetched { uid, raw: body.get(..end).unwrap_or_default().to_vec() });
            }
        }
        drop(answers);
        // a mail that was removed meanwhile is not there to be read
        mails.sort_unstable_by_key(|mail| mail.uid);
        mails.dedup_by_key(|mail| mail.uid);
        Ok(mails)
    }

    /// Says goodbye. Whether the server hears it does not matter.
    pub async fn close(mut self) {
        let _said = within(self.timeout, self.session.logout()).await;
    }

    fn allow(&mut self, bytes: u64) {
        self.session.get_mut().reader_mut().set_limit(bytes);
    }
}

fn counted(stream: TlsStream<TcpStream>) -> Stream {
    let (reading, writing) = tokio::io::split(stream);
    tokio::io::join(reading.take(ANSWER_LIMIT), writing)
}

async fn greeting<T>(client: &mut Client<T>) -> Result<(), ImapError>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + std::fmt::Debug + Send,
{
    let greeted = client.read_response().await?;
    greeted.map(drop).ok_or_else(|| ProtocolError::ConnectionLost.into())
}

async fn within<F: Future>(timeout: Duration, step: F) -> Result<F::Output, ImapError> {
    tokio::time::timeout(timeout, step).await.map_err(|_| ImapError::TimedOut)
}
