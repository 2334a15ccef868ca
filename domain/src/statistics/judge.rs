//! Which of several arms won, if any did.

use super::{Arm, Interval, Lack, lack, newcombe, probability_best, z_test};
use crate::text_enum::text_enum;

text_enum! {
    /// How a winner is found.
    pub enum Method {
        /// The best one differs from every other by the two-proportion z test. Since the best is picked after looking,
        /// p-values are multiplied by the number of pairs (Bonferroni).
        TwoProportion = "two_proportion",
        /// The probability of being the best reaches the confidence.
        Bayesian = "bayesian",
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The place of the winner, when there is one.
    pub winner: Option<usize>,
    /// The place of the one with the highest share, whether it won or not; the first of equals.
    pub leader: Option<usize>,
    /// For each arm, in order: the probability that it is the best.
    pub probability_best: Vec<f64>,
    /// The leader against the one it is hardest to tell from, adjusted for the number of pairs; one when there is
    /// nothing to compare.
    pub p_value: f64,
    /// The leader's share less that of the next best, at the confidence asked for.
    pub lead: Option<Interval>,
    /// Why no winner is named, whatever the figures.
    pub lack: Option<Lack>,
}

/// Judges arms. `confidence` is a share, such as 0.95.
pub fn judge(arms: &[Arm], method: Method, confidence: f64) -> Judgement {
    let leader = leader(arms, |_| true);
    let next = leader.and_then(|leader| self::leader(arms, |place| place != leader));
    let probability_best = probability_best(arms);
    let p_value = leader.map_or(1.0, |leader| p_value(arms, leader));
    let lack = lack(arms);
    let winner = leader.filter(|_| lack.is_none()).filter(|leader| match method {
        Method::TwoProportion => p_value <= 1.0 - confidence,
        Method::Bayesian => probability_best[*leader] >= confidence,
    });
    let lead = leader.zip(next).map(|(leader, next)| newcombe(&arms[leader], &arms[next], confidence));
    Judgement { winner, leader, probability_best, p_value, lead, lack }
}

/// The one with the highest share among some.
fn leader(arms: &[Arm], among: impl Fn(usize) -> bool) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (place, arm) in arms.iter().enumerate() {
        if among(place) && arm.trials > 0 && best.is_none_or(|best| arm.share() > arms[best].share()) {
            best = Some(place);
        }
    }
    best
}

fn p_value(arms: &[Arm], leader: usize) -> f64 {
    let others = arms.len().saturating_sub(1);
    // n (n - 1) / 2 pairs, counted without overflow or cast
    let pairs: f64 = (0..=others).map(|n| super::real(u64::try_from(n).unwrap_or(u64::MAX))).sum();
    let compared = arms.iter().enumerate().filter(|(place, _)| *place != leader);
    let worst = compared.map(|(_, arm)| z_test(&arms[leader], arm).p_value).reduce(f64::max);
    worst.map_or(1.0, |worst| (worst * pairs).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arms(counts: &[(u64, u64)]) -> Vec<Arm> {
        counts.iter().map(|(trials, successes)| Arm::new("", *trials, *successes)).collect()
    }

    #[test]
    fn a_clear_winner_wins_by_either_method() {
        for method in [Method::TwoProportion, Method::Bayesian] {
            let found = judge(&arms(&[(1000, 100), (1000, 160), (1000, 90)]), method, 0.95);
            assert_eq!((found.winner, found.leader, found.lack), (Some(1), Some(1), None), "{method}");
            assert!(found.p_value < 0.001 && found.probability_best[1] > 0.999);
            assert!(found.lead.is_some_and(|lead| lead.low > 0.0 && lead.high < 0.1));
        }
    }

    #[test]
    fn the_best_of_many_is_held_to_more() {
        // 100 against 130 of 1000 is p = 0.035: enough for two, not for the best of four
        let two = judge(&arms(&[(1000, 100), (1000, 130)]), Method::TwoProportion, 0.95);
        assert_eq!(two.winner, Some(1));
        let four = judge(&arms(&[(1000, 100), (1000, 130), (1000, 100), (1000, 100)]), Method::TwoProportion, 0.95);
        assert_eq!((four.winner, four.leader), (None, Some(1)));
        assert!((four.p_value / two.p_value - 6.0).abs() < 1e-9);
    }

    #[test]
    fn no_winner_without_enough_or_without_a_difference() {
        for method in [Method::TwoProportion, Method::Bayesian] {
            let few = judge(&arms(&[(10, 0), (10, 10)]), method, 0.95);
            assert_eq!((few.winner, few.leader, few.lack), (None, Some(1), Some(Lack::Trials)), "{method}");
            assert_eq!(judge(&arms(&[(500, 50), (500, 51)]), method, 0.95).winner, None, "{method}");
            assert_eq!(judge(&[], method, 0.95).leader, None);
            assert_eq!(judge(&arms(&[(0, 0), (0, 0)]), method, 0.95).leader, None);
            let one = judge(&arms(&[(500, 50)]), method, 0.95);
            assert_eq!((one.winner, one.lack, one.p_value), (None, Some(Lack::Arms), 1.0));
        }
    }
}
