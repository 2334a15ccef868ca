//! What the counts of a trial say: tests, intervals and probabilities over proportions.
//!
//! Pure and deterministic: the same counts give the same answer on every machine, without random numbers. `f64` holds
//! probabilities only, never money. Nothing here fails: counts that say nothing give the answer that says nothing (a
//! p-value of one, an interval from -1 to 1, equal probabilities), and more successes than trials count as all of them.
//! Held against SciPy by the tests' peers, and against published tables here.

pub mod bayes;
mod beta;
mod interval;
pub mod judge;
mod normal;
mod sample;
pub mod z_test;

pub use bayes::probability_best;
pub use beta::{beta_distribution, ln_beta};
pub use interval::{Interval, newcombe, wilson};
pub use judge::{Judgement, Method, judge};
pub use normal::{erfc, normal_distribution, normal_quantile};
pub use sample::{Lack, lack, sample_size};
pub use z_test::{ZTest, z_test};

/// What was tried on one group, and how often it went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    /// Its name, for people.
    pub label: String,
    /// How many were tried.
    pub trials: u64,
    /// With how many it went well.
    pub successes: u64,
}

impl Arm {
    /// An arm of these counts.
    pub fn new(label: impl Into<String>, trials: u64, successes: u64) -> Self {
        Self { label: label.into(), trials, successes }
    }

    /// Successes, never more than trials.
    pub fn successes(&self) -> u64 {
        self.successes.min(self.trials)
    }

    /// The share of successes; zero without trials.
    pub fn share(&self) -> f64 {
        if self.trials == 0 { 0.0 } else { real(self.successes()) / real(self.trials) }
    }
}

/// A count as a real number: exact up to 2^53, beyond which the last digits say nothing.
fn real(count: u64) -> f64 {
    count as f64
}
