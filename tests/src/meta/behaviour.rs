//! How the stand-in behaves: well, unless told otherwise. Shares are between 0 and 1.

use providers::draw::draw;
use std::{collections::BTreeMap, time::Duration};

/// How the stand-in behaves.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// What chance depends on, besides the correlation id.
    pub seed: u64,
    /// How long a call takes.
    pub latency: Latency,
    /// Messages a second of the number; above it 130429.
    pub rate_per_second: Option<u32>,
    /// Messages that one recipient gets; those above it are refused with 131056.
    pub pair_burst: Option<usize>,
    /// What is thought of the number.
    pub quality: &'static str,
    /// How many people it may write to first within a day.
    pub tier: &'static str,
    /// Whether a 429 says how long to wait.
    pub retry_after: bool,
    /// Refuses every call as if the token had expired: 401 with 190.
    pub token_expired: bool,
    /// Cuts every connection at once.
    pub down: bool,
    /// Share of calls answered 500 with 131000.
    pub server_errors: f64,
    /// Share of calls that a gateway answers 502 with, before anything was taken.
    pub bad_gateway: f64,
    /// Share of calls answered 503 with 2.
    pub unavailable: f64,
    /// Share of calls cut before anything was taken.
    pub reset_before: f64,
    /// Share of calls cut after the message was taken.
    pub reset_after: f64,
    /// Share of calls never answered, after the message was taken.
    pub silent_after: f64,
    /// Share of recipients refused at once with 131026.
    pub unreachable: f64,
    /// Share of messages that fail with 131049 after they were accepted.
    pub capped: f64,
    /// Share of messages that fail with 131026 after they were accepted.
    pub undeliverable: f64,
    /// The approved templates and the number of parameters of each; `None` approves anything.
    pub templates: Option<BTreeMap<String, usize>>,
    /// What is told later.
    pub webhooks: WebhookBehaviour,
}

/// How long a call takes: half of all at most `p50`, 99 of 100 at most `p99`.
#[derive(Debug, Clone, Copy)]
pub struct Latency {
    /// The median.
    pub p50: Duration,
    /// The 99th percentile.
    pub p99: Duration,
}

/// What is told later, and how badly.
#[derive(Debug, Clone)]
pub struct WebhookBehaviour {
    /// Share of accepted messages that are delivered.
    pub delivered: f64,
    /// Share of delivered messages that are read.
    pub read: f64,
    /// Share of read messages whose delivery is never told.
    pub read_only: f64,
    /// Share of messages that are told failed, then delivered all the same.
    pub failed_first: f64,
    /// How long after the acceptance the first status comes; each further one as long after the one before.
    pub delay: Duration,
    /// Share of statuses that come ten delays later.
    pub late: f64,
    /// Share of statuses that come twice.
    pub duplicated: f64,
    /// Share of messages nothing is ever told of.
    pub missing: f64,
    /// Share of messages whose `sent` comes before the call is answered.
    pub early: f64,
    /// Share of deliveries with a wrong signature; the right one follows.
    pub badly_signed: f64,
    /// The most statuses in one delivery.
    pub batch: usize,
    /// Whether statuses within a delivery lose their order.
    pub shuffled: bool,
    /// How often a delivery that is not taken is tried again.
    pub tries: u32,
    /// The longest wait between tries.
    pub longest_wait: Duration,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            seed: 1,
            latency: Latency { p50: Duration::ZERO, p99: Duration::ZERO },
            rate_per_second: None,
            pair_burst: None,
            quality: "GREEN",
            tier: "TIER_UNLIMITED",
            retry_after: false,
            token_expired: false,
            down: false,
            server_errors: 0.0,
            bad_gateway: 0.0,
            unavailable: 0.0,
            reset_before: 0.0,
            reset_after: 0.0,
            silent_after: 0.0,
            unreachable: 0.0,
            capped: 0.0,
            undeliverable: 0.0,
            templates: None,
            webhooks: WebhookBehaviour::default(),
        }
    }
}

impl Default for WebhookBehaviour {
    fn default() -> Self {
        Self {
            delivered: 1.0,
            read: 0.5,
            read_only: 0.0,
            failed_first: 0.0,
            delay: Duration::from_millis(50),
            late: 0.0,
            duplicated: 0.0,
            missing: 0.0,
            early: 0.0,
            badly_signed: 0.0,
            batch: 100,
            shuffled: false,
            tries: 200,
            longest_wait: Duration::from_secs(1),
        }
    }
}

impl Behaviour {
    /// Everything at once, in the shares of a bad day.
    pub fn bad_day(seed: u64) -> Self {
        Self {
            seed,
            latency: Latency { p50: Duration::from_millis(5), p99: Duration::from_millis(80) },
            retry_after: true,
            server_errors: 0.01,
            unavailable: 0.01,
            reset_before: 0.005,
            reset_after: 0.005,
            unreachable: 0.01,
            undeliverable: 0.01,
            webhooks: WebhookBehaviour {
                delivered: 0.97,
                read: 0.6,
                read_only: 0.05,
                failed_first: 0.005,
                late: 0.05,
                duplicated: 0.1,
                missing: 0.01,
                early: 0.05,
                badly_signed: 0.01,
                shuffled: true,
                ..WebhookBehaviour::default()
            },
            ..Self::default()
        }
    }

    /// Whether something of a share happens to a message; the same whenever it is asked.
    pub(crate) fn happens(&self, what: &str, to: &str, share: f64) -> bool {
        share > 0.0 && self.fraction(what, to) < share
    }

    /// Between 0 and 1.
    fn fraction(&self, what: &str, to: &str) -> f64 {
        let high = u32::try_from(draw(self.seed, &[what.as_bytes(), to.as_bytes()]) >> 32).unwrap_or_default();
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }

    /// How long the call of a message takes: log-normal through the two points.
    pub(crate) fn latency_of(&self, to: &str) -> Duration {
        /// The 99th percentile of the normal distribution.
        const Z99: f64 = 2.326;
        if self.latency.p50.is_zero() {
            return Duration::ZERO;
        }
        let (u, v) = (self.fraction("latency", to).max(1e-9), self.fraction("latency too", to));
        let z = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        let spread = (self.latency.p99.as_secs_f64() / self.latency.p50.as_secs_f64()).ln().max(0.0) / Z99;
        Duration::from_secs_f64((self.latency.p50.as_secs_f64() * (spread * z).exp()).min(60.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_meet_their_percentiles() {
        let behaviour = Behaviour {
            latency: Latency { p50: Duration::from_millis(10), p99: Duration::from_millis(100) },
            ..Behaviour::default()
        };
        let mut all: Vec<_> = (0..10_000).map(|n| behaviour.latency_of(&n.to_string())).collect();
        all.sort_unstable();
        let (p50, p99) = (all[5_000].as_secs_f64(), all[9_900].as_secs_f64());
        assert!((0.009..0.011).contains(&p50) && (0.08..0.125).contains(&p99), "{p50} {p99}");
    }

    #[test]
    fn shares_are_met() {
        let behaviour = Behaviour::default();
        let hit = (0..10_000).filter(|n| behaviour.happens("x", &n.to_string(), 0.1)).count();
        assert!((850..1_150).contains(&hit), "{hit}");
        assert!(!behaviour.happens("x", "y", 0.0) && behaviour.happens("x", "y", 1.0));
    }
}
