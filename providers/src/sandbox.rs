//! The provider without a provider: the default until credentials are set.
//!
//! It accepts, delivers, reads, answers and sometimes fails, so that everything can be tried and rehearsed offline.
//! What becomes of a message depends only on the message's id, so a rehearsal can be repeated. It fails as the real
//! one does: with a class, and some messages are never heard of again.

use crate::{
    config::{ConfigFault, Settings},
    email::EmailMessage,
    messaging::{
        Accepted, EmailProvider, EventKind, FeedbackEvent, Handed, InboundEvent, ProviderEvent, SendRate,
        SendingAccount, SmsMessage, SmsProvider, StatusEvent, WhatsappMessage, WhatsappProvider,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ids::MessageId,
    messaging::{BounceKind, Channel, Correlation, FailureClass, Feedback, MessageStatus, SendFailure},
};
use futures_util::future::BoxFuture;
use serde_json::json;
use std::time::Duration;

/// Of 1,000 messages, those refused at once: the number is not on WhatsApp.
const REFUSED_PER_MILLE: u64 = 10;
/// Of 1,000 accepted messages, those that fail later.
const FAILED_PER_MILLE: u64 = 20;
/// Of 1,000 accepted messages, those that are delivered; of the rest nothing more is heard.
const DELIVERED_PER_MILLE: u64 = 950;
/// Of 1,000 delivered messages, those that are read.
const READ_PER_MILLE: u64 = 600;
/// Of 1,000 read messages, those that are answered.
const REPLIED_PER_MILLE: u64 = 50;
/// How long after acceptance a message is delivered or fails, in milliseconds.
const DELIVERY_MS: std::ops::Range<u64> = 200..2_000;
/// How long after delivery it is read.
const READ_MS: std::ops::Range<u64> = 500..4_000;
/// How long after reading it is answered.
const REPLY_MS: std::ops::Range<u64> = 1_000..6_000;
/// What those who answer write.
const REPLIES: [&str; 4] = ["Please call me", "Done, thank you", "How can I pay?", "Renew it"];

/// The sandbox's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxConfig {
    /// How long a call takes.
    pub latency: Duration,
    /// How fast it may be called.
    pub rate: SendRate,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self { latency: Duration::from_millis(20), rate: SendRate { per_second: 1_000, burst: 1_000 } }
    }
}

impl SandboxConfig {
    /// `SANDBOX_LATENCY_MS` (default 20) and `SANDBOX_RATE_PER_SECOND` (default 1,000).
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigFault>> {
        let mut settings = Settings::new(lookup);
        let milliseconds =
            settings.parsed("SANDBOX_LATENCY_MS", 20, "milliseconds from 0 to 60000", |ms| *ms <= 60_000);
        let per_second =
            settings.parsed("SANDBOX_RATE_PER_SECOND", 1_000, "messages a second from 1 to 100000", |rate| {
                (1..=100_000).contains(rate)
            });
        let rate = SendRate { per_second, burst: per_second };
        settings.finish(Self { latency: Duration::from_millis(milliseconds), rate })
    }
}

/// Answers every call by itself.
#[derive(Debug)]
pub struct Sandbox {
    config: SandboxConfig,
    channel: Channel,
}

impl Sandbox {
    /// One that stands in for a channel, with these settings.
    pub fn new(config: SandboxConfig, channel: Channel) -> Self {
        Self { config, channel }
    }
}

/// What becomes of an accepted message: how long after acceptance, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimulatedEvent {
    /// Counted from the acceptance.
    pub after: Duration,
    /// What happens.
    pub step: Step,
}

/// A step in the life of a simulated message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It reached the device.
    Delivered,
    /// It was read.
    Read,
    /// It could not be delivered after all.
    Failed,
    /// The recipient answered with this.
    Replied(&'static str),
}

/// What will become of an accepted message, in order of time; the same for the same message.
pub fn fate(message: MessageId) -> Vec<SimulatedEvent> {
    let mut events = Vec::new();
    let mut after = Duration::from_millis(draw_from(message, "delivery time", DELIVERY_MS));
    let draw = draw(message, "delivery") % 1_000;
    if draw < FAILED_PER_MILLE {
        events.push(SimulatedEvent { after, step: Step::Failed });
    } else if draw < FAILED_PER_MILLE + DELIVERED_PER_MILLE {
        events.push(SimulatedEvent { after, step: Step::Delivered });
        if happens(message, "read", READ_PER_MILLE) {
            after += Duration::from_millis(draw_from(message, "read time", READ_MS));
            events.push(SimulatedEvent { after, step: Step::Read });
            if happens(message, "reply", REPLIED_PER_MILLE) {
                after += Duration::from_millis(draw_from(message, "reply time", REPLY_MS));
                let which = usize::try_from(draw_from(message, "reply text", 0..REPLIES.len() as u64)).unwrap_or(0);
                events.push(SimulatedEvent { after, step: Step::Replied(REPLIES[which]) });
            }
        }
    }
    events
}

fn happens(message: MessageId, what: &str, per_mille: u64) -> bool {
    draw(message, what) % 1_000 < per_mille
}

fn draw_from(message: MessageId, what: &str, range: std::ops::Range<u64>) -> u64 {
    range.start + draw(message, what) % (range.end - range.start)
}

fn draw(message: MessageId, what: &str) -> u64 {
    crate::draw::draw(0, &[what.as_bytes(), &message.0.to_le_bytes()])
}

impl SendingAccount for Sandbox {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn account(&self) -> &str {
        match self.channel {
            Channel::Email => "sandbox:email",
            Channel::Whatsapp => "sandbox",
            Channel::Sms => "sandbox:sms",
        }
    }

    fn rate(&self) -> SendRate {
        self.config.rate
    }

    fn simulated_events(&self, handed: Handed<'_>, at: DateTime<Utc>) -> Vec<ProviderEvent> {
        let events = fate(handed.correlation.message).into_iter();
        let event = |event: SimulatedEvent| {
            let (name, kind) = self.kind_of(event.step, handed)?;
            Some(ProviderEvent {
                id: format!("{}:{name}", handed.provider_message_id),
                occurred_at: at + TimeDelta::from_std(event.after).unwrap_or_default(),
                payload: json!({"sandbox": name, "message": handed.provider_message_id}),
                kind,
            })
        };
        events.filter_map(event).collect()
    }
}

impl Sandbox {
    /// What a step is on this channel; `None` where the channel knows no such thing.
    fn kind_of(&self, step: Step, handed: Handed<'_>) -> Option<(&'static str, EventKind)> {
        let (id, recipient) = (handed.provider_message_id.to_owned(), Some(handed.to.to_owned()));
        let status = |status, failure: Option<SendFailure>| {
            let bounce = (failure.is_some() && self.channel == Channel::Email).then_some(BounceKind::Hard);
            EventKind::Status(StatusEvent {
                provider_message_id: id.clone(),
                correlation: Some(handed.correlation),
                status,
                recipient: recipient.clone(),
                failure,
                bounce,
                cost: None,
            })
        };
        Some(match (step, self.channel) {
            (Step::Delivered, _) => ("delivered", status(MessageStatus::Delivered, None)),
            (Step::Read, Channel::Whatsapp) => ("read", status(MessageStatus::Read, None)),
            (Step::Read, Channel::Email) => {
                let opened = FeedbackEvent {
                    provider_message_id: id.clone(),
                    correlation: Some(handed.correlation),
                    feedback: Feedback::Opened,
                    recipient: recipient.clone(),
                    url: None,
                    automatic: false,
                    detail: None,
                };
                ("opened", EventKind::Feedback(opened))
            }
            (Step::Read, Channel::Sms) | (Step::Replied(_), Channel::Email) => return None,
            (Step::Failed, _) => {
                let detail = "the sandbox says: the message could not be delivered";
                let failure = SendFailure::new(FailureClass::Recipient, Some("sandbox_failed".into()), detail);
                ("failed", status(MessageStatus::Failed, Some(failure)))
            }
            (Step::Replied(text), Channel::Whatsapp | Channel::Sms) => (
                "replied",
                EventKind::Inbound(InboundEvent {
                    provider_message_id: format!("{id}-reply"),
                    from: handed.to.parse().ok()?,
                    text: Some(text.to_owned()),
                    in_reply_to: Some(id.clone()),
                    choice: None,
                    content: None,
                    profile_name: None,
                }),
            ),
        })
    }

    async fn take(&self, correlation: Correlation) -> Result<Accepted, SendFailure> {
        if !self.config.latency.is_zero() {
            tokio::time::sleep(self.config.latency).await;
        }
        let id = correlation.message;
        if happens(id, "refusal", REFUSED_PER_MILLE) {
            let detail = "the sandbox says: this recipient cannot be reached";
            return Err(SendFailure::new(FailureClass::Recipient, Some("sandbox_refused".into()), detail));
        }
        Ok(Accepted { provider_message_id: format!("sandbox-{}-{}", id.0, correlation.attempt), held: false })
    }
}

impl WhatsappProvider for Sandbox {
    fn send<'a>(&'a self, message: &'a WhatsappMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>> {
        Box::pin(self.take(message.correlation))
    }
}

impl SmsProvider for Sandbox {
    fn send<'a>(&'a self, message: &'a SmsMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>> {
        Box::pin(self.take(message.correlation))
    }
}

impl EmailProvider for Sandbox {
    fn sender(&self) -> &str {
        "Intelipro Renewals <no-reply@localhost>"
    }

    fn send<'a>(&'a self, message: &'a EmailMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>> {
        Box::pin(async move {
            // what could not be a message is refused as by a real server
            message.build()?;
            let unknown = Correlation { message: MessageId(i64::MAX), attempt: 1 };
            self.take(message.correlation.unwrap_or(unknown)).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn outbound(id: i64) -> SmsMessage {
        SmsMessage {
            to: "+919876543210".parse().unwrap(),
            body: "Renew".to_owned(),
            sender: None,
            purpose: domain::messaging::Purpose::Service,
            registration: None,
            validity: None,
            correlation: Correlation { message: MessageId(id), attempt: 1 },
        }
    }

    fn sandbox(channel: Channel) -> Sandbox {
        Sandbox::new(SandboxConfig { latency: Duration::ZERO, ..SandboxConfig::default() }, channel)
    }

    fn share(count: usize, of: usize, expected_per_mille: u64) {
        let expected = of as f64 * expected_per_mille as f64 / 1_000.0;
        let slack = 6.0 * expected.sqrt() + 1.0;
        assert!((count as f64 - expected).abs() < slack, "{count} of {of}, expected about {expected}");
    }

    #[test]
    fn fates_come_in_the_promised_shares_and_in_order() {
        let fates: Vec<_> = (1..=20_000).map(|id| fate(MessageId(id))).collect();
        let with = |step: fn(&Step) -> bool| fates.iter().filter(|f| f.iter().any(|event| step(&event.step))).count();
        let delivered = with(|step| *step == Step::Delivered);
        let read = with(|step| *step == Step::Read);
        share(with(|step| *step == Step::Failed), fates.len(), FAILED_PER_MILLE);
        share(delivered, fates.len(), DELIVERED_PER_MILLE);
        share(read, delivered, READ_PER_MILLE);
        share(with(|step| matches!(step, Step::Replied(_))), read, REPLIED_PER_MILLE);
        assert!(fates.iter().all(|f| f.windows(2).all(|pair| pair[0].after < pair[1].after)));
        assert_eq!(fate(MessageId(7)), fate(MessageId(7)));
    }

    #[tokio::test]
    async fn calls_are_accepted_or_refused_for_good() {
        let sandbox = sandbox(Channel::Sms);
        let mut refused = 0;
        for id in 1..=20_000 {
            match SmsProvider::send(&sandbox, &outbound(id)).await {
                Ok(accepted) => assert_eq!(accepted.provider_message_id, format!("sandbox-{id}-1")),
                Err(failure) => {
                    assert_eq!(failure.class, FailureClass::Recipient);
                    refused += 1;
                }
            }
        }
        share(refused, 20_000, REFUSED_PER_MILLE);
    }

    #[tokio::test]
    async fn events_look_as_if_they_had_come_in() {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let answered =
            (1..).find(|id| fate(MessageId(*id)).iter().any(|e| matches!(e.step, Step::Replied(_)))).unwrap();
        let message = outbound(answered);
        let handed =
            Handed { correlation: message.correlation, to: message.to.as_str(), provider_message_id: "sandbox-x" };
        let names = |channel| {
            let events = sandbox(channel).simulated_events(handed, at);
            events.into_iter().map(|event| event.id).collect::<Vec<_>>()
        };
        assert_eq!(names(Channel::Sms), ["sandbox-x:delivered", "sandbox-x:replied"]);
        assert_eq!(names(Channel::Email), ["sandbox-x:delivered", "sandbox-x:opened"]);
        let events = sandbox(Channel::Whatsapp).simulated_events(handed, at);
        let ids: Vec<_> = events.iter().map(|event| event.id.as_str()).collect();
        assert_eq!(ids, ["sandbox-x:delivered", "sandbox-x:read", "sandbox-x:replied"]);
        assert!(events.iter().all(|event| event.occurred_at > at));
        let EventKind::Status(first) = &events[0].kind else { panic!("{events:?}") };
        assert_eq!((first.correlation, first.status), (Some(message.correlation), MessageStatus::Delivered));
        let EventKind::Inbound(reply) = &events[2].kind else { panic!("{events:?}") };
        assert_eq!(reply.in_reply_to.as_deref(), Some("sandbox-x"));
    }

    #[test]
    fn settings() {
        assert_eq!(SandboxConfig::from_env(&|_| None), Ok(SandboxConfig::default()));
        let faults = SandboxConfig::from_env(&|_| Some("-1".to_owned())).unwrap_err();
        assert_eq!(faults.len(), 2);
    }
}
