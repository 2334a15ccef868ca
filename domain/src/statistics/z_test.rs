//! The two-proportion z test with pooled variance, two-sided.

use super::{Arm, erfc, real};
use std::f64::consts::FRAC_1_SQRT_2;

/// How surprising the difference of two shares is if there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZTest {
    /// The difference in standard errors; above zero when the first is better.
    pub z: f64,
    /// How often chance alone makes a difference this large, either way.
    pub p_value: f64,
}

/// Tests whether two arms differ.
pub fn z_test(first: &Arm, second: &Arm) -> ZTest {
    let trials = real(first.trials) + real(second.trials);
    let successes = real(first.successes()) + real(second.successes());
    if first.trials == 0 || second.trials == 0 || successes == 0.0 || successes >= trials {
        return ZTest { z: 0.0, p_value: 1.0 };
    }
    let pooled = successes / trials;
    let error = (pooled * (1.0 - pooled) * (1.0 / real(first.trials) + 1.0 / real(second.trials))).sqrt();
    let z = (first.share() - second.share()) / error;
    ZTest { z, p_value: erfc(z.abs() * FRAC_1_SQRT_2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_is_pearsons_chi_square() {
        // Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions: the square of z is the chi-square of
        // the fourfold table, n (ad - bc)² / (r₁ r₂ c₁ c₂)
        for (a, m, b, n) in [(56_u32, 70_u32, 48_u32, 80_u32), (15, 100, 30, 100), (1, 20, 7, 31)] {
            let found = z_test(&Arm::new("", m.into(), a.into()), &Arm::new("", n.into(), b.into()));
            let [a, m, b, n] = [a, m, b, n].map(f64::from);
            let (c, d) = (m - a, n - b);
            let chi = (m + n) * (a * d - b * c).powi(2) / (m * n * (a + b) * (c + d));
            assert!((found.z * found.z - chi).abs() < 1e-12 * chi, "{found:?}");
        }
    }

    #[test]
    fn a_worked_example() {
        // 15 of 100 against 30 of 100: z = -2.540, p = 0.0111
        let found = z_test(&Arm::new("a", 100, 15), &Arm::new("b", 100, 30));
        assert!((found.z + 2.5400).abs() < 5e-5 && (found.p_value - 0.0111).abs() < 5e-5, "{found:?}");
    }

    #[test]
    fn counts_that_say_nothing() {
        for (first, second) in [((0, 0), (10, 5)), ((10, 0), (10, 0)), ((10, 10), (5, 5))] {
            let found = z_test(&Arm::new("", first.0, first.1), &Arm::new("", second.0, second.1));
            assert_eq!(found, ZTest { z: 0.0, p_value: 1.0 });
        }
    }
}
