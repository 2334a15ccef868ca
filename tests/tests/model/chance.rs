//! Repeatable chance: everything that a world does follows from its seed.

/// A stream of numbers.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            chance.next();
        }
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From 0, below the limit.
    pub fn below(&mut self, limit: i64) -> i64 {
        i64::try_from((self.next() >> 11) % u64::try_from(limit).unwrap()).unwrap()
    }

    pub fn within(&mut self, from: i64, to: i64) -> i64 {
        from + self.below(to - from + 1)
    }

    pub fn one_in(&mut self, many: i64) -> bool {
        self.below(many) == 0
    }

    pub fn place(&mut self, of: usize) -> usize {
        usize::try_from(self.below(i64::try_from(of).unwrap())).unwrap()
    }

    pub fn of<T: Copy>(&mut self, some: &[T]) -> T {
        some[self.place(some.len())]
    }
}
