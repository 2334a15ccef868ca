//! The providers of all channels: stand-ins that count what they take, and have good and bad days together.

use crate::chance::Chance;
use chrono::TimeDelta;
use domain::messaging::Correlation;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tests::{
    meta::{AcceptedMessage, Behaviour, Latency, MetaServer, WebhookBehaviour},
    vendors::{SendgridServer, TwilioServer},
};

/// What our links and callbacks begin with.
pub const PUBLIC: &str = "https://renewals.example.com";

pub struct Peers {
    meta: MetaServer,
    twilio: TwilioServer,
    sendgrid: SendgridServer,
    seed: u64,
}

/// What is the matter with the providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Good,
    /// Many calls fail in every way there is, many after the message was taken.
    Bad,
    /// So few a second that most are told to wait.
    Slow,
    /// Nothing is taken.
    Down,
    /// Most people cannot be reached.
    Refusing,
}

impl Mood {
    pub const ALL: [Self; 5] = [Self::Good, Self::Bad, Self::Slow, Self::Down, Self::Refusing];

    fn behaviour(self, seed: u64) -> Behaviour {
        let good = Behaviour {
            seed,
            latency: Latency { p50: Duration::from_millis(40), p99: Duration::from_millis(250) },
            ..Behaviour::default()
        };
        match self {
            Self::Good => good,
            Self::Bad => Behaviour {
                server_errors: 0.1,
                bad_gateway: 0.1,
                unavailable: 0.1,
                reset_before: 0.1,
                reset_after: 0.2,
                unreachable: 0.1,
                undeliverable: 0.1,
                webhooks: WebhookBehaviour {
                    read: 0.5,
                    read_only: 0.1,
                    failed_first: 0.2,
                    late: 0.3,
                    duplicated: 0.4,
                    missing: 0.2,
                    early: 0.2,
                    shuffled: true,
                    ..WebhookBehaviour::default()
                },
                ..good
            },
            Self::Slow => Behaviour { rate_per_second: Some(5), ..good },
            Self::Down => Behaviour { server_errors: 1.0, ..good },
            Self::Refusing => Behaviour { unreachable: 0.8, ..good },
        }
    }
}

impl Peers {
    pub async fn start(seed: u64) -> Self {
        let behaviour = || Mood::Good.behaviour(seed);
        Self {
            meta: MetaServer::start(behaviour()).await.unwrap(),
            twilio: TwilioServer::start(behaviour()).await.unwrap(),
            sendgrid: SendgridServer::start(behaviour()).await.unwrap(),
            seed,
        }
    }

    /// The settings of processes that send here; so slowly at times that a campaign can be stopped in the middle.
    pub fn environment(&self, chance: &mut Chance) -> Vec<(&'static str, String)> {
        let rate = chance.of(&[30, 60, 200, 2_000]).to_string();
        let all = [self.meta.environment(), self.twilio.environment(), self.sendgrid.environment()];
        let rates = ["WHATSAPP_RATE_PER_SECOND", "TWILIO_RATE_PER_SECOND", "SENDGRID_RATE_PER_SECOND"];
        all.into_iter().flatten().chain(rates.map(|name| (name, rate.clone()))).collect()
    }

    pub fn tell(&self, api: &str) {
        self.meta.set_callback(Some(format!("{api}/api/webhooks/whatsapp")));
        self.twilio.set_public_url(PUBLIC);
        self.twilio.set_callback(Some(api.to_owned()));
        self.sendgrid.set_callback(Some(api.to_owned()));
    }

    /// Where a provider's clock counts, it is moved with ours.
    pub fn advance(&self, by: TimeDelta) {
        self.sendgrid.advance(by);
    }

    pub fn turn(&self, mood: Mood) {
        let change = |known: &mut Behaviour| *known = mood.behaviour(self.seed);
        self.meta.change(change);
        self.twilio.change(change);
        self.sendgrid.change(change);
    }

    /// Calls take long, half of the time before the message is taken and half of it after.
    pub fn linger(&self) {
        let change = |known: &mut Behaviour| {
            known.latency = Latency { p50: Duration::from_millis(600), p99: Duration::from_millis(900) };
        };
        self.meta.change(change);
        self.twilio.change(change);
        self.sendgrid.change(change);
    }

    /// Which attempt each message that was taken is of, and when it was; by provider, in the order they came.
    pub fn accepted(&self) -> [Vec<(String, Instant)>; 3] {
        let read = |all: Vec<AcceptedMessage>| all.into_iter().map(|one| (one.correlation, one.at)).collect();
        [read(self.meta.accepted()), read(self.twilio.accepted()), read(self.sendgrid.accepted())]
    }

    /// How many of these messages were taken.
    pub fn taken_of(&self, messages: &BTreeSet<i64>) -> usize {
        let is_one = |(correlation, _): &&(String, Instant)| {
            correlation.parse().is_ok_and(|read: Correlation| messages.contains(&read.message.0))
        };
        self.accepted().iter().flatten().filter(is_one).count()
    }

    /// What the vendors' descriptions had against calls.
    pub fn violations(&self) -> Vec<String> {
        [self.meta.violations(), self.twilio.violations(), self.sendgrid.violations()].concat()
    }

    /// Whether everything was told of what was taken.
    pub async fn settled(&self, within: Duration) -> bool {
        self.meta.webhooks_settled(within).await
            && self.twilio.webhooks_settled(within).await
            && self.sendgrid.webhooks_settled(within).await
    }
}
