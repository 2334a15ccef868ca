//! Splitting people by a stable hash, so that the same person is always on the same side: variants of a test, and holdout
//! groups.
//!
//! `schema` has the same function in SQL ([`SQL`]): SHA-256 of the salt, a colon and the id; its first four bytes,
//! modulo 10,000.

use sha2::{Digest, Sha256};

/// Buckets that people fall into.
pub const BUCKETS: u32 = 10_000;

/// The bucket, for SQL: `{salt}` and `{id}` are expressions of the statement.
pub const SQL: &str =
    "(('x' || left(encode(sha256(convert_to({salt} || ':' || {id}, 'UTF8')), 'hex'), 8))::BIT(32)::BIGINT % 10000)";

/// Which bucket a person falls into.
pub fn bucket(salt: &str, id: i64) -> u32 {
    let hash = Sha256::digest(format!("{salt}:{id}"));
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % BUCKETS
}

/// Shares of the buckets, in order of the weights: where each begins and ends, the first `share_percent` of all.
pub fn shares(weights: &[u16], share_percent: u8) -> Vec<(u32, u32)> {
    let total: u32 = weights.iter().map(|weight| u32::from(*weight)).sum();
    let tried = BUCKETS * u32::from(share_percent.min(100)) / 100;
    let mut before = 0_u32;
    weights
        .iter()
        .map(|weight| {
            let from = tried * before / total.max(1);
            before += u32::from(*weight);
            (from, tried * before / total.max(1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_never_change() {
        // computed with coreutils: printf 'campaign-7:42' | sha256sum
        assert_eq!(bucket("campaign-7", 42), 9_559);
    }

    #[test]
    fn halves_are_halves() {
        assert_eq!(shares(&[1, 1], 100), [(0, 5_000), (5_000, 10_000)]);
        assert_eq!(shares(&[1, 3], 20), [(0, 500), (500, 2_000)]);
        let in_first = (0..20_000).filter(|id| bucket("s", *id) < 5_000).count();
        assert!((9_700..10_300).contains(&in_first), "{in_first}");
    }

    proptest! {
        #[test]
        fn shares_meet_and_fill_what_is_tried(
            weights in proptest::collection::vec(1_u16..1_000, 1..8),
            percent in 1_u8..=100,
        ) {
            let shares = shares(&weights, percent);
            prop_assert_eq!(shares[0].0, 0);
            prop_assert_eq!(shares[shares.len() - 1].1, u32::from(percent) * 100);
            prop_assert!(shares.windows(2).all(|pair| pair[0].1 == pair[1].0));
        }
    }
}
