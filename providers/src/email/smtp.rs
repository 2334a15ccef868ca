//! E-mail over SMTP (RFC 5321): pooled connections, encrypted, with a time limit on each step.
//!
//! What the server answers decides the class of a failure: 5yz is permanent, 4yz is worth a retry (RFC 5321, 4.2.1). A
//! connection that breaks while a message is handed over leaves open whether it was taken.

use super::{EmailMessage, EmailProvider, Encryption, SmtpConfig};
use crate::messaging::{Accepted, SendRate, SendingAccount};
use domain::messaging::{FailureClass, SendFailure};
use futures_util::future::BoxFuture;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    transport::smtp::{
        Error as TransportError, PoolConfig,
        authentication::{Credentials, Mechanism},
        client::{Certificate, Tls, TlsParameters},
    },
};
use secrecy::ExposeSecret;
use std::time::Duration;

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
}

/// A mail server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
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
        Ok(Self { transport: builder.build(), sender: config.from.clone(), account, rate })
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
        Box::pin(async move {
            let built = message.build()?;
            let taken = self.transport.send(built).await.map_err(|error| classified(&error));
            taken.map(|_| Accepted { provider_message_id: message.id.clone(), held: false })
        })
    }
}

fn classified(error: &TransportError) -> SendFailure {
    let retry = FailureClass::Retry { after: None };
    let status = error.status().map(u16::from);
    let class = match status {
        // the server wants another sign-in, or none at all from us (RFC 4954, 6)
        Some(530 | 534 | 535 | 538) => FailureClass::Account,
        // no such mailbox, or none that may be written to
        Some(550 | 551 | 553 | 556) => FailureClass::Recipient,
        Some(status) if status < 500 => retry,
        Some(_) => FailureClass::Request,
        // certificates, encryption or a sign-in that the server does not offer: nothing was handed over
        None if error.is_tls() || error.is_client() => FailureClass::Account,
        // lettre does not tell these apart otherwise
        None if error.to_string().starts_with("Connection error") => retry,
        None => FailureClass::Unknown,
    };
    let code = status.map(|status| status.to_string().into());
    SendFailure::new(class, code.or(Some("network".into())), &without_addresses(error))
}

/// What happened, without the addresses that servers like to repeat.
fn without_addresses(error: &TransportError) -> String {
    let text = error.to_string();
    let words = text.split(' ').map(|word| if word.contains('@') { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
