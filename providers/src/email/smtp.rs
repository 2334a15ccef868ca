//! E-mail over SMTP (RFC 5321): pooled connections, encrypted, with a time limit on each step.
//!
//! How far a conversation had come and what the server answers decide the class of a failure
//! ([`classes`](super::classes)).

use super::{
    EmailMessage, EmailProvider, Encryption, SmtpConfig,
    classes::asks_for_rest,
    dkim::{DkimError, Signer},
    domains::Domains,
    session::{Server, Sessions},
};
use crate::messaging::{Accepted, SendRate, SendingAccount};
use domain::messaging::{FailureClass, SendFailure};
use futures_util::future::BoxFuture;
use lettre::{
    Message,
    transport::smtp::{
        Error as TransportError,
        authentication::Credentials,
        client::{Certificate, TlsParameters},
    },
};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// The transport could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// `SMTP_CA_FILE` cannot be read.
    #[error("SMTP_CA_FILE cannot be read")]
    CaFile(#[from] std::io::Error),
    /// Its content, or the TLS settings, cannot be used.
    #[error("the TLS settings of the mail server cannot be used")]
    Tls(#[from] TransportError),
    /// Messages cannot be signed.
    #[error("messages cannot be signed")]
    Dkim(#[from] DkimError),
}

/// A mail server.
pub struct Smtp {
    sessions: Sessions,
    domains: Domains,
    signer: Option<Arc<Signer>>,
    sender: String,
    account: String,
    rate: SendRate,
}

impl Smtp {
    /// Connects to nothing yet.
    pub fn new(config: &SmtpConfig) -> Result<Self, SmtpError> {
        let (mut implicit, mut start) = (None, None);
        match config.encryption {
            Encryption::None => {}
            Encryption::Implicit => implicit = Some(parameters(config)?),
            Encryption::StartTls => start = Some(parameters(config)?),
        }
        let of = |(user, password): &(String, SecretString)| {
            Credentials::new(user.clone(), password.expose_secret().to_owned())
        };
        let server = Server {
            host: config.host.clone(),
            port: config.port,
            implicit,
            start,
            credentials: config.credentials.as_ref().map(of),
            step: config.timeout,
        };
        let sessions = Sessions::new(server, config.connections);
        let account = format!("smtp:{}", config.host);
        let rate = SendRate { per_second: config.rate_per_second, burst: config.rate_per_second };
        let signer = config.dkim.as_ref().map(Signer::open).transpose()?.map(Arc::new);
        let domains = Domains::new(config.per_domain, config.timeout);
        Ok(Self { sessions, domains, signer, sender: config.from.clone(), account, rate })
    }

    async fn written(&self, message: &EmailMessage) -> Result<Message, SendFailure> {
        let mut built = message.build()?;
        let Some(signer) = self.signer.clone() else { return Ok(built) };
        // milliseconds of arithmetic, which other tasks of this thread need not wait for
        let signed = tokio::task::spawn_blocking(move || {
            signer.sign(&mut built);
            built
        });
        let failed = |_| SendFailure::new(FailureClass::Request, Some("dkim".into()), "the message cannot be signed");
        signed.await.map_err(failed)
    }

    async fn hand_over(&self, message: &EmailMessage) -> Result<Accepted, SendFailure> {
        let built = self.written(message).await?;
        let name = built.envelope().to().first().map(|to| to.domain().to_ascii_lowercase()).unwrap_or_default();
        let turn = self.domains.turn(&name).await?;
        let text = String::from_utf8(built.formatted())
            .map_err(|_| SendFailure::new(FailureClass::Request, None, "the message is not text"))?;
        match self.sessions.send(built.envelope(), &text).await {
            Ok(()) => {
                turn.taken();
                Ok(Accepted { provider_message_id: message.id.clone(), held: false })
            }
            Err(mut failure) => {
                if asks_for_rest(&failure) {
                    failure.class = FailureClass::Retry { after: Some(turn.rest()) };
                }
                Err(failure)
            }
        }
    }
}

fn parameters(config: &SmtpConfig) -> Result<TlsParameters, SmtpError> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(path) = &config.ca_file {
        builder = builder.add_root_certificate(Certificate::from_pem(&std::fs::read(path)?)?);
    }
    Ok(builder.build()?)
}

impl SendingAccount for Smtp {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn rate(&self) -> SendRate {
        self.rate
    }
}

impl EmailProvider for Smtp {
    fn sender(&self) -> &str {
        &self.sender
    }

    fn send<'a>(&'a self, message: &'a EmailMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>> {
        Box::pin(self.hand_over(message))
    }
}
