//! How a worker's free slots are shared among the levels: weighted, and low is never starved.

use crate::queue::job::Priority;

/// Parts of a hundred for high, default and low.
const WEIGHTS: [usize; 3] = [70, 25, 5];

/// Reads in which a level comes first when there are too few slots to share: of twenty, high 14, default 5, low 1.
const CYCLE: usize = 20;

/// How many entries to ask of each level, adding up to `free`. `turn` counts the reads.
pub fn share(free: usize, turn: usize) -> [usize; 3] {
    if free < CYCLE {
        // whoever's turn it is gets all: over a cycle that is the weights
        let mut counts = [0; 3];
        counts[first(turn)] = free;
        return counts;
    }
    let low = (free * WEIGHTS[2] / 100).max(1);
    let default = (free * WEIGHTS[1] / 100).max(1);
    [free - default - low, default, low]
}

/// The level whose turn it is.
pub fn first(turn: usize) -> usize {
    match turn % CYCLE {
        7 => 2,
        2 | 6 | 10 | 14 | 18 => 1,
        _ => 0,
    }
}

/// The levels in the order in which leftover slots are offered.
pub fn order(turn: usize) -> [Priority; 3] {
    match first(turn) {
        0 => Priority::ALL,
        1 => [Priority::Default, Priority::High, Priority::Low],
        _ => [Priority::Low, Priority::High, Priority::Default],
    }
}

/// A level's place in what [`share`] answers.
pub fn index(level: Priority) -> usize {
    match level {
        Priority::High => 0,
        Priority::Default => 1,
        Priority::Low => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_slots_are_shared_and_none_is_invented() {
        for free in 0..200 {
            for turn in 0..CYCLE {
                assert_eq!(share(free, turn).iter().sum::<usize>(), free);
            }
        }
    }

    #[test]
    fn over_a_cycle_each_level_has_its_weight() {
        let mut turns = [0; 3];
        for turn in 0..CYCLE {
            turns[first(turn)] += 1;
        }
        assert_eq!(turns, [14, 5, 1]);
    }
}
