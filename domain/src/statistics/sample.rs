//! How many are enough: below it no test is asked, however clear its answer looks.

use super::{Arm, normal_quantile, real};
use crate::text_enum::text_enum;

/// The fewest trials of an arm that is judged.
const TRIALS: u64 = 30;
/// The fewest successes and failures each arm would have if all were alike: the rule under which the z test holds.
const EXPECTED: f64 = 5.0;

text_enum! {
    /// Why counts are not judged.
    pub enum Lack {
        /// There are not two arms.
        Arms = "arms",
        /// An arm has too few trials.
        Trials = "trials",
        /// There are too few successes or too few failures for so many trials.
        Outcomes = "outcomes",
    }
}

/// What is missing before these arms can be judged.
pub fn lack(arms: &[Arm]) -> Option<Lack> {
    if arms.len() < 2 {
        return Some(Lack::Arms);
    }
    let fewest = arms.iter().map(|arm| arm.trials).min().unwrap_or(0);
    if fewest < TRIALS {
        return Some(Lack::Trials);
    }
    let trials: f64 = arms.iter().map(|arm| real(arm.trials)).sum();
    let pooled = arms.iter().map(|arm| real(arm.successes())).sum::<f64>() / trials;
    let expected = real(fewest) * pooled.min(1.0 - pooled);
    (expected < EXPECTED).then_some(Lack::Outcomes)
}

/// The trials each of two arms needs so that a two-sided test finds `base` against `base + effect`; `None` when no
/// number does (no effect, or a share outside zero to one).
pub fn sample_size(base: f64, effect: f64, confidence: f64, power: f64) -> Option<u64> {
    let other = base + effect;
    let valid = [base, other].iter().all(|share| (0.0..=1.0).contains(share));
    if !valid || effect == 0.0 {
        return None;
    }
    let middle = (base + other) / 2.0;
    let of_chance = normal_quantile(0.5 + confidence / 2.0) * (2.0 * middle * (1.0 - middle)).sqrt();
    let of_power = normal_quantile(power) * (base * (1.0 - base) + other * (1.0 - other)).sqrt();
    let trials = ((of_chance + of_power) / effect).powi(2).ceil();
    // the next whole number, found without a cast that could cut it off
    format!("{trials:.0}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_not_judged() {
        let arms = |counts: [(u64, u64); 2]| counts.map(|(trials, successes)| Arm::new("", trials, successes));
        assert_eq!(lack(&arms([(29, 10), (500, 10)])), Some(Lack::Trials));
        assert_eq!(lack(&arms([(100, 3), (100, 4)])), Some(Lack::Outcomes));
        assert_eq!(lack(&arms([(100, 97), (100, 98)])), Some(Lack::Outcomes));
        assert_eq!(lack(&arms([(100, 5), (100, 6)])), None);
        assert_eq!(lack(&[Arm::new("", 100, 50)]), Some(Lack::Arms));
    }

    #[test]
    fn published_sizes() {
        // Fleiss, Levin and Paik, table A.4 without its correction for continuity: 0.6 against 0.7, 95 %, power 80 %
        assert_eq!(sample_size(0.6, 0.1, 0.95, 0.8), Some(356));
        assert_eq!(sample_size(0.1, 0.05, 0.95, 0.8), Some(686));
        assert_eq!(sample_size(0.5, 0.0, 0.95, 0.8), None);
        assert_eq!(sample_size(0.9, 0.2, 0.95, 0.8), None);
    }
}
