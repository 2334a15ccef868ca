//! Chance that can be repeated: what simulations draw depends only on a seed and on what is asked.

/// A number that looks random: the same for the same seed and parts (FNV-1a, finished as SplitMix64 does).
pub fn draw(seed: u64, parts: &[&[u8]]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.iter().chain(&[0xff]));
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64 ^ seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_repeat() {
        let mut counts = [0_u32; 10];
        for number in 0..10_000_u32 {
            let drawn = draw(7, &[b"x", &number.to_le_bytes()]);
            assert_eq!(drawn, draw(7, &[b"x", &number.to_le_bytes()]));
            counts[usize::try_from(drawn % 10).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
        assert_ne!(draw(0, &[b"ab", b"c"]), draw(0, &[b"a", b"bc"]));
        assert_ne!(draw(0, &[b"a"]), draw(1, &[b"a"]));
    }
}
