//! The channels that are measured: what stands in for the provider, and the bare loop of the same calls.

use super::{CONCURRENCY, RATE};
use crate::book;
use anyhow::ensure;
use domain::messaging::Channel;
use futures_util::{StreamExt, stream};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, transport::smtp::PoolConfig};
use serde_json::json;
use tests::meta::{ACCESS_TOKEN, Behaviour, MetaServer, PHONE_NUMBER_ID};
use tests::vendors::{SmtpSink, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM, TwilioServer};

/// Connections to the mail server, here and there.
const CONNECTIONS: u32 = 32;

/// A channel and what stands behind it.
pub trait Line {
    /// Which.
    fn channel(&self) -> Channel;
    /// The settings of a worker that is to send here.
    fn environment(&self) -> Vec<(&'static str, String)>;
    /// How many messages were taken.
    fn taken(&self) -> usize;
    /// How many of them more than once.
    fn doubles(&self) -> usize;
    /// So many calls, and nothing else.
    async fn bare(&self, count: usize) -> anyhow::Result<()>;
}

/// All of these, so many at once; none may fail.
async fn all<F: Future<Output = anyhow::Result<()>>>(calls: impl Iterator<Item = F>) -> anyhow::Result<()> {
    let calls = stream::iter(calls).buffer_unordered(CONCURRENCY);
    let failed = calls.filter(|call| std::future::ready(call.is_err())).count().await;
    ensure!(failed == 0, "{failed} bare calls failed");
    Ok(())
}

/// Meta's Cloud API.
pub struct WhatsApp(MetaServer);

impl WhatsApp {
    pub async fn start(behaviour: Behaviour) -> anyhow::Result<Self> {
        Ok(Self(MetaServer::start(behaviour).await?))
    }
}

impl Line for WhatsApp {
    fn channel(&self) -> Channel {
        Channel::Whatsapp
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        self.0.environment()
    }

    fn taken(&self) -> usize {
        self.0.accepted_count()
    }

    fn doubles(&self) -> usize {
        self.0.doubles().len()
    }

    async fn bare(&self, count: usize) -> anyhow::Result<()> {
        let (url, client) =
            (format!("{}/v23.0/{PHONE_NUMBER_ID}/messages", self.0.base_url()), reqwest::Client::builder().build()?);
        all((0..count).map(|number| {
            let body = json!({
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": book::phone(number).trim_start_matches('+'),
                "type": "template",
                "template": {
                    "name": "renewal_reminder",
                    "language": {"code": "en"},
                    "components": [{"type": "body", "parameters": [{"type": "text", "text": format!("First{number}")}]}],
                },
                "biz_opaque_callback_data": format!("bare-{number}"),
            });
            let request = client.post(&url).bearer_auth(ACCESS_TOKEN).json(&body);
            async move { Ok(request.send().await?.error_for_status()?.bytes().await.map(drop)?) }
        }))
        .await
    }
}

/// Twilio.
pub struct Text(TwilioServer);

impl Text {
    pub async fn start(behaviour: Behaviour) -> anyhow::Result<Self> {
        Ok(Self(TwilioServer::start(behaviour).await?))
    }
}

impl Line for Text {
    fn channel(&self) -> Channel {
        Channel::Sms
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = self.0.environment();
        environment.push(("TWILIO_RATE_PER_SECOND", RATE.to_string()));
        environment.push(("PUBLIC_URL", "https://renewals.example".to_owned()));
        environment
    }

    fn taken(&self) -> usize {
        self.0.accepted_count()
    }

    fn doubles(&self) -> usize {
        self.0.doubles().len()
    }

    async fn bare(&self, count: usize) -> anyhow::Result<()> {
        let url = format!("{}/2010-04-01/Accounts/{TWILIO_ACCOUNT_SID}/Messages.json", self.0.base_url());
        let client = reqwest::Client::builder().build()?;
        all((0..count).map(|number| {
            let form = [
                ("To", book::phone(number)),
                ("From", TWILIO_FROM.to_owned()),
                ("Body", format!("Dear First{number}, policy P{number} ends on 22 December 2026.")),
                ("StatusCallback", format!("https://renewals.example/api/webhooks/twilio?m=bare-{number}")),
            ];
            let request = client.post(&url).basic_auth(TWILIO_ACCOUNT_SID, Some(TWILIO_AUTH_TOKEN)).form(&form);
            async move { Ok(request.send().await?.error_for_status()?.bytes().await.map(drop)?) }
        }))
        .await
    }
}

/// A mail server.
pub struct Mail(SmtpSink);

impl Mail {
    pub async fn start(behaviour: Behaviour) -> anyhow::Result<Self> {
        Ok(Self(SmtpSink::start(behaviour).await?))
    }
}

impl Line for Mail {
    fn channel(&self) -> Channel {
        Channel::Email
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = self.0.environment();
        environment.push(("SMTP_RATE_PER_SECOND", RATE.to_string()));
        environment.push(("SMTP_CONNECTIONS", CONNECTIONS.to_string()));
        environment
    }

    fn taken(&self) -> usize {
        self.0.accepted_count()
    }

    fn doubles(&self) -> usize {
        self.0.doubles().len()
    }

    async fn bare(&self, count: usize) -> anyhow::Result<()> {
        let port = self.0.environment().into_iter().find(|(name, _)| *name == "SMTP_PORT");
        let port = port.and_then(|(_, port)| port.parse().ok()).unwrap_or_default();
        let pool = PoolConfig::new().max_size(CONNECTIONS);
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1");
        let transport = transport.port(port).pool_config(pool).build();
        all((0..count).map(|number| {
            let transport = transport.clone();
            async move {
                let to = format!("person{number}@d{}.example.com", number % 400);
                let builder = Message::builder().from("no-reply@renewals.example".parse()?).to(to.parse()?);
                let (text, html) = ("Hello\n".repeat(20), "<p>Hello</p>".repeat(40));
                let bodies = lettre::message::MultiPart::alternative_plain_html(text, html);
                let message = builder.subject("Your renewal").multipart(bodies)?;
                Ok(transport.send(message).await.map(drop)?)
            }
        }))
        .await
    }
}
