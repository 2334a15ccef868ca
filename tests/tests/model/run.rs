//! Worlds, one after the other.

use crate::world::World;
use std::time::Instant;

/// Worlds that are tried when nothing is said.
const SEEDS: u64 = 5;

#[expect(clippy::disallowed_methods, reason = "how long a test is to take is no setting of the product")]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

async fn live(seed: u64) -> String {
    let mut world = World::new(seed, asked("MODEL_SEED").is_some()).await;
    for _ in 0..=world.chance.below(3) {
        world.create().await;
    }
    for _ in 0..world.chance.within(8, 20) {
        world.act().await;
    }
    world.end().await;
    let states: Vec<_> = world.campaigns.iter().map(|campaign| campaign.state).collect();
    format!(
        "{states:?}, {} messages, {} taken, {} of them in hand at a crash",
        world.marks.len(),
        world.accepted.len(),
        world.cut
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_nobody_gets_it_twice_or_at_the_wrong_time_and_it_ends() {
    let seeds = match asked("MODEL_SEED") {
        Some(one) => one..one + 1,
        None => {
            let first = asked("MODEL_FIRST").unwrap_or(1);
            first..first + asked("MODEL_SEEDS").unwrap_or(SEEDS)
        }
    };
    let mut failed = Vec::new();
    for seed in seeds {
        let begun = Instant::now();
        // a world that fails does not keep the others from being tried
        match tokio::spawn(live(seed)).await {
            Ok(told) => eprintln!("seed {seed}: {told}, {:.1} s", begun.elapsed().as_secs_f64()),
            Err(_) => failed.push(seed),
        }
    }
    assert!(failed.is_empty(), "these seeds failed: {failed:?}; MODEL_SEED tries one again");
}
