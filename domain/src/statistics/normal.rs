//! The standard normal distribution.
//!
//! The complementary error function is a power series near zero and a continued fraction beyond, both run to the end of
//! double precision; relative error below 1e-13 where the result is not under 1e-300.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Where the series gives way to the continued fraction.
const SERIES: f64 = 2.0;
/// The steps either may take; far more than they need.
const STEPS: u32 = 500;
const TINY: f64 = 1e-300;

/// The complementary error function.
pub fn erfc(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    if x < SERIES {
        return 1.0 - erf_series(x);
    }
    if x > 27.3 {
        return 0.0;
    }
    // Lentz's method on erfc(x) = exp(-x²)/√π · 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …))))
    let (mut fraction, mut c, mut d) = (x, x, 0.0);
    for step in 1..STEPS {
        let numerator = f64::from(step) / 2.0;
        d = 1.0 / (x + numerator * d).max(TINY);
        c = x + numerator / c;
        let factor = c * d;
        fraction *= factor;
        if (factor - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    (-x * x).exp() / (PI.sqrt() * fraction)
}

/// erf(x) = 2/√π · e^(-x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms are all positive
fn erf_series(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for step in 1..STEPS {
        term *= 2.0 * x * x / f64::from(2 * step + 1);
        sum += term;
        if term < sum * f64::EPSILON / 4.0 {
            break;
        }
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// The probability of at most `z`.
pub fn normal_distribution(z: f64) -> f64 {
    0.5 * erfc(-z * FRAC_1_SQRT_2)
}

/// The z that is exceeded with probability `1 - p`; infinite at the ends.
pub fn normal_quantile(p: f64) -> f64 {
    if p.is_nan() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    if p == 1.0 {
        return f64::INFINITY;
    }
    if p > 0.5 {
        return -lower_quantile(1.0 - p);
    }
    lower_quantile(p)
}

/// A start that is right to three digits (Abramowitz and Stegun 26.2.23), and Halley's steps on it.
fn lower_quantile(p: f64) -> f64 {
    let t = (-2.0 * p.ln()).sqrt();
    let over = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let under = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = over / under - t;
    for _ in 0..4 {
        let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
        if density == 0.0 {
            break;
        }
        let error = (normal_distribution(z) - p) / density;
        let step = error / (1.0 + z * error / 2.0);
        z -= step;
        if step.abs() <= z.abs() * f64::EPSILON {
            break;
        }
    }
    z
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabled_values() {
        // Abramowitz and Stegun, tables 7.1 and 26.1
        for (x, erf) in [(0.5, 0.520_499_877_8), (1.0, 0.842_700_792_9), (1.5, 0.966_105_146_5), (2.0, 0.995_322_265_0)]
        {
            assert!((1.0 - erfc(x) - erf).abs() < 1e-10, "{x}");
            assert!((1.0 - erfc(-x) + erf).abs() < 1e-10, "-{x}");
        }
        for (z, p) in
            [(0.0, 0.5), (1.0, 0.841_344_746_068_543), (1.96, 0.975_002_104_851_780), (3.0, 0.998_650_101_968_37)]
        {
            assert!((normal_distribution(z) - p).abs() < 1e-14, "{z}");
        }
        assert!((erfc(5.0) / 1.537_459_794_428_035e-12 - 1.0).abs() < 1e-13);
        assert!((erfc(10.0) / 2.088_487_583_762_545e-45 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn quantiles() {
        for (p, z) in [(0.975, 1.959_963_984_540_054), (0.95, 1.644_853_626_951_472), (0.995, 2.575_829_303_548_901)] {
            assert!((normal_quantile(p) - z).abs() < 1e-13, "{p}");
            assert!((normal_quantile(1.0 - p) + z).abs() < 1e-12, "{p}");
        }
        assert_eq!((normal_quantile(0.0), normal_quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert!(normal_quantile(0.5).abs() < 1e-15);
        assert!(normal_quantile(1.5).is_nan() && normal_quantile(f64::NAN).is_nan());
    }
}
