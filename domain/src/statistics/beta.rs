//! The beta function and the beta distribution.
//!
//! `ln_beta` is written so that large arguments do not cancel: the error stays near that of its result, not near that of
//! the three gamma functions it is made of. The distribution is the continued fraction of Didonato and Morris, whose
//! steps grow with the square root of the larger argument.

use std::f64::consts::PI;

const TINY: f64 = 1e-300;
/// The steps of the continued fraction; arguments of a hundred million need fewer.
const STEPS: u32 = 100_000;

/// What Stirling's formula leaves of ln Γ(x), for x of at least 10.
fn stirling_rest(x: f64) -> f64 {
    let square = 1.0 / (x * x);
    let series = 1.0 / 12.0
        - square
            * (1.0 / 360.0
                - square
                    * (1.0 / 1260.0 - square * (1.0 / 1680.0 - square * (1.0 / 1188.0 - square * 691.0 / 360_360.0))));
    series / x
}

/// ln Γ(x) for x above zero.
pub(super) fn ln_gamma(x: f64) -> f64 {
    // small ones are lifted by Γ(x) = Γ(x + n) / (x (x+1) … (x+n-1))
    let (mut lifted, mut product) = (x, 1.0);
    while lifted < 10.0 {
        product *= lifted;
        lifted += 1.0;
    }
    (lifted - 0.5) * lifted.ln() - lifted + 0.5 * (2.0 * PI).ln() + stirling_rest(lifted) - f64::ln(product)
}

/// ln B(a, b) for a and b above zero.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    let sum = small + large;
    if small >= 10.0 {
        let rests = stirling_rest(small) + stirling_rest(large) - stirling_rest(sum);
        return 0.5 * (2.0 * PI).ln() - 0.5 * large.ln() + rests + (small - 0.5) * (small / sum).ln()
            - large * (small / large).ln_1p();
    }
    if large >= 10.0 {
        // ln Γ(large) - ln Γ(large + small), without either
        let difference = small - small * sum.ln() - (large - 0.5) * (small / large).ln_1p();
        return ln_gamma(small) + difference + stirling_rest(large) - stirling_rest(sum);
    }
    ln_gamma(small) + ln_gamma(large) - ln_gamma(sum)
}

/// The probability that a Beta(a, b) variable is at most `x`.
pub fn beta_distribution(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (a * x.ln() + b * (-x).ln_1p() - ln_beta(a, b)).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * continued(a, b, x) / a
    } else {
        1.0 - front * continued(b, a, 1.0 - x) / b
    }
}

/// The continued fraction by Lentz's method.
fn continued(a: f64, b: f64, x: f64) -> f64 {
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let factor = d * c;
        fraction *= factor;
        if (factor - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_and_beta() {
        assert!((ln_gamma(0.5) - PI.sqrt().ln()).abs() < 1e-14);
        assert!((ln_gamma(11.0) - 3_628_800_f64.ln()).abs() < 1e-13);
        // B(2, 3) = 1/12, B(1/2, 1/2) = π, B(20, 30) = 19! 29! / 49!
        assert!((ln_beta(2.0, 3.0) + 12_f64.ln()).abs() < 1e-14);
        assert!((ln_beta(0.5, 0.5) - PI.ln()).abs() < 1e-14);
        // B(1, n) = 1/n, at any size
        for n in [3.0, 50.0, 1e6, 1e9] {
            assert!((ln_beta(1.0, n) + f64::ln(n)).abs() < 1e-13 * f64::ln(n), "{n}");
        }
        let exact = -(28_277_527_346_376_f64 * 20.0).ln();
        assert!((ln_beta(20.0, 30.0) - exact).abs() < 1.0);
    }

    #[test]
    fn distribution() {
        // I_x(1, b) = 1 - (1-x)^b, and symmetry
        assert!((beta_distribution(1.0, 5.0, 0.2) - (1.0 - 0.8_f64.powi(5))).abs() < 1e-14);
        assert!((beta_distribution(3.0, 3.0, 0.5) - 0.5).abs() < 1e-14);
        // Pearson's tables of the incomplete beta function: I_0.5(2, 3) = 11/16
        assert!((beta_distribution(2.0, 3.0, 0.5) - 0.6875).abs() < 1e-14);
        assert_eq!((beta_distribution(2.0, 2.0, -1.0), beta_distribution(2.0, 2.0, 2.0)), (0.0, 1.0));
        assert!((beta_distribution(500_000.0, 500_000.0, 0.5) - 0.5).abs() < 1e-9);
    }
}
