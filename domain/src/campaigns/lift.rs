//! What a campaign added: those it was to reach against those held out, whether or not a message was sent.
//!
//! Everybody counts in the group they were put in, so that messages that failed do not make the campaign look better
//! than it was.

use crate::statistics::{Arm, Interval, Lack, lack, newcombe, z_test};

/// How sure the interval is.
pub const CONFIDENCE: f64 = 0.95;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Lift {
    /// Those it was to reach, and how many renewed.
    pub treated: Arm,
    /// Those held out.
    pub holdout: Arm,
    /// The share that renewed of the treated, less that of the held out.
    pub difference: f64,
    /// Where the true difference lies.
    pub interval: Interval,
    /// The difference relative to those held out; `None` when none of them renewed.
    pub relative: Option<f64>,
    /// How often chance alone makes such a difference.
    pub p_value: f64,
    /// Why it says little, if it does.
    pub lack: Option<Lack>,
}

impl Lift {
    /// Of these groups; `None` without people held out.
    pub fn of(treated: Arm, holdout: Arm) -> Option<Self> {
        if holdout.trials == 0 || treated.trials == 0 {
            return None;
        }
        let (share, base) = (treated.share(), holdout.share());
        Some(Self {
            difference: share - base,
            interval: newcombe(&treated, &holdout, CONFIDENCE),
            relative: (base > 0.0).then(|| (share - base) / base),
            p_value: z_test(&treated, &holdout).p_value,
            lack: lack(&[treated.clone(), holdout.clone()]),
            treated,
            holdout,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_has_an_interval_around_it() {
        let lift = Lift::of(Arm::new("treated", 9_000, 900), Arm::new("holdout", 1_000, 70)).unwrap();
        assert!((lift.difference - 0.03).abs() < 1e-12 && lift.interval.low > 0.0 && lift.interval.high < 0.06);
        assert!(lift.relative.is_some_and(|relative| (relative - 3.0 / 7.0).abs() < 1e-12));
        assert!(lift.p_value < 0.01 && lift.lack.is_none());
        assert_eq!(Lift::of(Arm::new("treated", 9_000, 900), Arm::new("holdout", 0, 0)), None);
        let none = Lift::of(Arm::new("treated", 50, 1), Arm::new("holdout", 5, 0)).unwrap();
        assert_eq!((none.relative, none.lack), (None, Some(Lack::Trials)));
    }
}
