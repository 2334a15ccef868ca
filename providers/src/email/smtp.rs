//! E-mail over SMTP (RFC 5321): pooled connections, encrypted, with a time limit on each step.
//!
//! What the server answers decides the class of a failure ([`classes`](super::classes)). A connection that breaks while a
//! message is handed over leaves open whether it was taken.

use super::{
    EmailMessage, EmailProvider, Encryption, SmtpConfig,
    classes::{asks_for_rest, classified},
    dkim::{DkimError, Signer},
    domains::Domains,
};
use crate::messaging::{Accepted, SendRate, SendingAccount};
use domain::messaging::{FailureClass, SendFailure};
use futures_util::future::BoxFuture;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    transport::smtp::{
        Error as TransportError, PoolConfig,
        authentication::{Credentials, Mechanism},
        client::{Certificate, Tls, TlsParameters},
    },
};
use secrecy::ExposeSecret;
use std::{sync::Arc, time::Duration};

/// A connection that nobody uses is closed: servers close theirs after some minutes.
const IDLE: Duration = Duration::from_secs(60);

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
    transport: AsyncSmtpTransport<Tokio1Executor>,
    domains: Domains,
    signer: Option<Arc<Signer>>,
    sender: String,
    account: String,
    rate: SendRate,
}

impl Smtp {
    /// Connects to nothing yet.
    pub fn new(config: &SmtpConfig) -> Result<Self, SmtpError> {
        let tls = match config.encryption {
            Encryption::None => Tls::None,
            Encryption::Implicit => Tls::Wrapper(parameters(config)?),
            Encryption::StartTls => Tls::Required(parameters(config)?),
        };
        let pool = PoolConfig::new().max_size(config.connections).idle_timeout(IDLE);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port)
            .tls(tls)
            .timeout(Some(config.timeout))
            .pool_config(pool);
        if let Some((user, password)) = &config.credentials {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            builder = builder.credentials(credentials).authentication(vec![Mechanism::Plain, Mechanism::Login]);
        }
        let account = format!("smtp:{}", config.host);
        let rate = SendRate { per_second: config.rate_per_second, burst: config.rate_per_second };
        let signer = config.dkim.as_ref().map(Signer::open).transpose()?.map(Arc::new);
        let domains = Domains::new(config.per_domain, config.timeout);
        Ok(Self { transport: builder.build(), domains, signer, sender: config.from.clone(), account, rate })
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
        match self.transport.send(built).await {
            Ok(_) => {
                turn.taken();
                Ok(Accepted { provider_message_id: message.id.clone(), held: false })
            }
            Err(error) => {
                let mut failure = classified(&error);
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
