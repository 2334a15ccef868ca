//! How probable it is that an arm is the best of all: Beta(1 + successes, 1 + failures) after a prior that knows nothing.
//!
//! For two arms the sum of Miller ("Formulas for Bayesian A/B Testing"), which is exact. For more, ∫ fᵢ Π Fⱼ by
//! composite Gauss-Legendre quadrature over where arm i can lie: deterministic, right to about 1e-10. So are two arms
//! whose sum would have more than [`TERMS`] terms.

use super::{Arm, beta_distribution, ln_beta, real};

/// The longest exact sum.
const TERMS: u64 = 100_000;
/// How far from its mean an arm's share is looked for, in standard deviations; one panel each.
const REACH: i32 = 40;
/// Abscissas and weights of ten-point Gauss-Legendre on [-1, 1], its positive half.
const POINTS: [(f64, f64); 5] = [
    (0.148_874_338_981_631_22, 0.295_524_224_714_752_87),
    (0.433_395_394_129_247_2, 0.269_266_719_309_996_35),
    (0.679_409_568_299_024_4, 0.219_086_362_515_982_04),
    (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
    (0.973_906_528_517_171_7, 0.066_671_344_308_688_14),
];

/// What is believed of an arm: Beta(a, b).
#[derive(Clone, Copy)]
struct Belief {
    a: f64,
    b: f64,
    successes: u64,
    failures: u64,
}

impl Belief {
    fn of(arm: &Arm) -> Self {
        let (successes, failures) = (arm.successes(), arm.trials - arm.successes());
        Self { a: real(successes) + 1.0, b: real(failures) + 1.0, successes, failures }
    }

    /// Where panels end, so that each is smooth for this arm: one a standard deviation, as far as there is anything.
    fn marks(&self) -> Vec<f64> {
        let mean = self.a / (self.a + self.b);
        let deviation = (mean * (1.0 - mean) / (self.a + self.b + 1.0)).sqrt();
        (-REACH..=REACH).map(|place| mean + f64::from(place) * deviation).collect()
    }

    /// The same of the other outcome.
    fn turned(self) -> Self {
        Self { a: self.b, b: self.a, successes: self.failures, failures: self.successes }
    }
}

/// For each arm the probability that its true share is the highest; they add up to one.
pub fn probability_best(arms: &[Arm]) -> Vec<f64> {
    let beliefs: Vec<Belief> = arms.iter().map(Belief::of).collect();
    match beliefs[..] {
        [] => Vec::new(),
        [_] => vec![1.0],
        [first, second] => {
            let second_better = two(first, second);
            vec![1.0 - second_better, second_better]
        }
        _ => many(&beliefs),
    }
}

/// The probability that the second is better than the first.
fn two(first: Belief, second: Belief) -> f64 {
    // the sum runs over one of the four counts: the smallest
    let counts = [second.successes, first.successes, second.failures, first.failures];
    let least = counts.into_iter().min().unwrap_or(0);
    if least > TERMS {
        return many(&[first, second])[1];
    }
    let probability = if least == second.successes {
        sum(first, second)
    } else if least == first.successes {
        1.0 - sum(second, first)
    } else if least == first.failures {
        // second > first is 1 - first > 1 - second
        sum(second.turned(), first.turned())
    } else {
        1.0 - sum(first.turned(), second.turned())
    };
    probability.clamp(0.0, 1.0)
}

/// P(second > first) = Σ_{i < a₂} B(a₁ + i, b₁ + b₂) / ((b₂ + i) B(1 + i, b₂) B(a₁, b₁))
fn sum(first: Belief, second: Belief) -> f64 {
    let both = first.b + second.b;
    let mut total = 0.0;
    for step in 0..=second.successes {
        let i = real(step);
        let term =
            ln_beta(first.a + i, both) - (second.b + i).ln() - ln_beta(1.0 + i, second.b) - ln_beta(first.a, first.b);
        total += term.exp();
    }
    total
}

fn many(beliefs: &[Belief]) -> Vec<f64> {
    let shares: Vec<f64> = (0..beliefs.len()).map(|best| integral(beliefs, best)).collect();
    let total: f64 = shares.iter().sum();
    if total > 0.0 { shares.iter().map(|share| share / total).collect() } else { shares }
}

/// ∫ f_best Π F_other
fn integral(beliefs: &[Belief], best: usize) -> f64 {
    let Belief { a, b, .. } = beliefs[best];
    let mean = a / (a + b);
    let deviation = (mean * (1.0 - mean) / (a + b + 1.0)).sqrt();
    let scale = ln_beta(a, b);
    let at = |x: f64| {
        let density = ((a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p() - scale).exp();
        if density * deviation < 1e-18 {
            return 0.0;
        }
        let others = beliefs.iter().enumerate().filter(|(index, _)| *index != best);
        others.fold(density, |product, (_, other)| product * beta_distribution(other.a, other.b, x))
    };
    let low_end = (mean - f64::from(REACH) * deviation).max(0.0);
    let high_end = (mean + f64::from(REACH) * deviation).min(1.0);
    // a narrow arm makes a step in the density of a wide one: no panel reaches across what is a step to any of them
    let mut marks: Vec<f64> =
        beliefs.iter().flat_map(Belief::marks).map(|mark| mark.clamp(low_end, high_end)).collect();
    marks.extend([low_end, high_end]);
    marks.sort_by(f64::total_cmp);
    let mut total = 0.0;
    for ends in marks.windows(2) {
        let (low, high) = (ends[0], ends[1]);
        if high <= low {
            continue;
        }
        let (middle, half) = ((low + high) / 2.0, (high - low) / 2.0);
        for (point, weight) in POINTS {
            total += weight * half * (at(middle - half * point) + at(middle + half * point));
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(counts: &[(u64, u64)]) -> Vec<f64> {
        let arms: Vec<Arm> = counts.iter().map(|(trials, successes)| Arm::new("", *trials, *successes)).collect();
        probability_best(&arms)
    }

    #[test]
    fn closed_forms() {
        assert_eq!(best(&[]), Vec::<f64>::new());
        assert_eq!(best(&[(5, 2)]), [1.0]);
        // Beta(2, 1) against Beta(1, 1): 2/3; against Beta(1, 2): 5/6
        assert!((best(&[(1, 1), (0, 0)])[0] - 2.0 / 3.0).abs() < 1e-14);
        assert!((best(&[(1, 1), (1, 0)])[0] - 5.0 / 6.0).abs() < 1e-14);
        // the best of n unknown ones is any of them
        for share in best(&[(0, 0), (0, 0), (0, 0), (0, 0)]) {
            assert!((share - 0.25).abs() < 1e-12, "{share}");
        }
        // one that always won (density 2x) against two unknown ones: ∫ 2x·x² = 1/2
        assert!((best(&[(1, 1), (0, 0), (0, 0)])[0] - 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_sum_and_the_integral_agree_and_every_side_of_the_sum_does() {
        for counts in [[(100, 3), (120, 9)], [(40, 38), (50, 41)], [(1000, 500), (900, 470)], [(30, 0), (30, 30)]] {
            let exact = best(&counts);
            let beliefs: Vec<Belief> = counts.iter().map(|(t, s)| Belief::of(&Arm::new("", *t, *s))).collect();
            let integrated = many(&beliefs);
            assert!((exact[0] - integrated[0]).abs() < 1e-10, "{counts:?}: {exact:?} {integrated:?}");
            assert!((exact[0] + exact[1] - 1.0).abs() < 1e-15);
            let turned = best(&[counts[1], counts[0]]);
            assert!((exact[0] - turned[1]).abs() < 1e-11, "{counts:?}");
        }
    }

    #[test]
    fn narrow_ones_beside_wide_ones() {
        // by SciPy
        for (counts, shares) in [
            (
                vec![(25, 23), (6, 4), (36, 19), (832, 627)],
                [0.9276020099220204, 0.049477058786392795, 5.442831258084927e-05, 0.022866502979023023],
            ),
            (
                vec![(2119, 1621), (8707, 6380), (338, 217), (1, 1)],
                [0.5842705710562213, 0.0006362038315649712, 6.877229952772249e-07, 0.415092537388308],
            ),
        ] {
            for (ours, theirs) in best(&counts).into_iter().zip(shares) {
                assert!((ours - theirs).abs() < 1e-9, "{counts:?}: {ours} {theirs}");
            }
        }
    }

    #[test]
    fn large_ones_are_no_trouble() {
        let found = best(&[(1_000_000, 500_000), (1_000_000, 501_000), (1_000_000, 499_000)]);
        assert!(found[1] > 0.9 && (found.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{found:?}");
        let two = best(&[(1_000_000, 500_000), (1_000_000, 500_000)]);
        assert!((two[0] - 0.5).abs() < 1e-8, "{two:?}");
    }
}
