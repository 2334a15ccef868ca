//! Intervals for a proportion, and for the difference of two.
//!
//! Wilson's score interval, and Newcombe's hybrid of two of them (method 10 of his paper of 1998, without correction for
//! continuity): both hold for small counts and shares near zero or one, where the textbook's interval does not.

use super::{Arm, normal_quantile, real};

/// Between which values something lies, at the confidence it was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The z of a two-sided confidence such as 0.95.
fn two_sided(confidence: f64) -> f64 {
    normal_quantile(0.5 + confidence.clamp(0.0, 1.0) / 2.0)
}

/// Where an arm's true share lies.
pub fn wilson(arm: &Arm, confidence: f64) -> Interval {
    let z = two_sided(confidence);
    if arm.trials == 0 || z.is_infinite() {
        return Interval { low: 0.0, high: 1.0 };
    }
    let (n, share, square) = (real(arm.trials), arm.share(), z * z);
    let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    let reach = z / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    // at the ends the formula is exact, its rounding is not
    let low = if arm.successes() == 0 { 0.0 } else { (middle - reach).max(0.0) };
    let high = if arm.successes() == arm.trials { 1.0 } else { (middle + reach).min(1.0) };
    Interval { low, high }
}

/// Where the true difference `first - second` of shares lies.
pub fn newcombe(first: &Arm, second: &Arm, confidence: f64) -> Interval {
    if first.trials == 0 || second.trials == 0 {
        return Interval { low: -1.0, high: 1.0 };
    }
    let (p, q) = (first.share(), second.share());
    let (of_first, of_second) = (wilson(first, confidence), wilson(second, confidence));
    let difference = p - q;
    Interval {
        low: difference - (p - of_first.low).hypot(of_second.high - q),
        high: difference + (of_first.high - p).hypot(q - of_second.low),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(successes: u64, trials: u64) -> Arm {
        Arm::new("", trials, successes)
    }

    #[test]
    fn newcombe_1998_single_proportion_table_one_method_three() {
        for (r, n, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let found = wilson(&arm(r, n), 0.95);
            assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{r}/{n}: {found:?}");
        }
    }

    #[test]
    fn newcombe_1998_difference_table_two_method_ten() {
        for (a, m, b, n, low, high) in [
            (56, 70, 48, 80, 0.0524, 0.3339),
            (9, 10, 3, 10, 0.1705, 0.8090),
            (6, 7, 2, 7, 0.0582, 0.8062),
            (5, 56, 0, 29, -0.0381, 0.1926),
            (0, 10, 0, 20, -0.1611, 0.2775),
            (0, 10, 0, 10, -0.2775, 0.2775),
            (10, 10, 0, 20, 0.6791, 1.0000),
            (10, 10, 0, 10, 0.6075, 1.0000),
        ] {
            let found = newcombe(&arm(a, m), &arm(b, n), 0.95);
            assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{a}/{m} {b}/{n}: {found:?}");
        }
    }

    #[test]
    fn nothing_tried_says_nothing() {
        assert_eq!(wilson(&arm(0, 0), 0.95), Interval { low: 0.0, high: 1.0 });
        assert_eq!(newcombe(&arm(0, 0), &arm(1, 2), 0.95), Interval { low: -1.0, high: 1.0 });
        assert_eq!(wilson(&arm(1, 2), 1.0), Interval { low: 0.0, high: 1.0 });
        assert_eq!(wilson(&arm(7, 2), 0.9).high, 1.0);
    }
}
