//! To which messages a conversion is owed: the last one, or all of them by their place.
//!
//! Nothing here fails. Shares are whole millionths and amounts whole hundredths, and both add up to the whole exactly:
//! what rounding leaves goes to the last.

use rust_decimal::{Decimal, RoundingStrategy};

/// A whole case, in millionths.
pub const WHOLE: i64 = 1_000_000;
/// What the first and the last of three or more are owed: 40 %.
const END: i64 = 400_000;

/// The shares of `count` messages, in the order they were sent: all of it to one, half each to two, and 40 % to the
/// first, 40 % to the last and the rest to those between.
pub fn shares(count: usize) -> Vec<i64> {
    match count {
        0 => Vec::new(),
        1 => vec![WHOLE],
        2 => vec![WHOLE / 2, WHOLE / 2],
        _ => {
            let between = i64::try_from(count - 2).unwrap_or(i64::MAX);
            let each = (WHOLE - 2 * END) / between;
            let mut shares = vec![each; count];
            shares[0] = END;
            shares[count - 1] = WHOLE - END - each * between;
            shares
        }
    }
}

/// An amount divided by shares that add up to the whole.
pub fn divide(amount: Decimal, shares: &[i64]) -> Vec<Decimal> {
    let of = |share: &i64| {
        let part = amount * Decimal::from(*share) / Decimal::from(WHOLE);
        part.round_dp_with_strategy(2, RoundingStrategy::ToZero)
    };
    let mut parts: Vec<Decimal> = shares.iter().map(of).collect();
    let given: Decimal = parts.iter().sum();
    if let Some(last) = parts.last_mut() {
        *last += amount - given;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_position() {
        assert_eq!(shares(1), [WHOLE]);
        assert_eq!(shares(2), [500_000, 500_000]);
        assert_eq!(shares(3), [400_000, 200_000, 400_000]);
        assert_eq!(shares(4), [400_000, 100_000, 100_000, 400_000]);
        assert_eq!(
            divide(Decimal::new(10_000, 2), &shares(3)).iter().map(Decimal::to_string).collect::<Vec<_>>(),
            ["40.00", "20.00", "40.00"]
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_made(count in 1_usize..200, cents in 1_i64..1_000_000_000) {
            let shares = shares(count);
            prop_assert_eq!(shares.len(), count);
            prop_assert_eq!(shares.iter().sum::<i64>(), WHOLE);
            prop_assert!(shares.iter().all(|share| *share >= 0));
            let parts = divide(Decimal::new(cents, 2), &shares);
            prop_assert_eq!(parts.iter().sum::<Decimal>(), Decimal::new(cents, 2));
            prop_assert!(parts.iter().all(|part| *part >= Decimal::ZERO));
        }
    }
}
