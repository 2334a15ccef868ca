//! Ladders of steps: their clocks, their steps, what ends them.

#[path = "sequences/climb.rs"]
mod climb;
#[path = "sequences/clocks.rs"]
mod clocks;
#[path = "sequences/crash.rs"]
mod crash;
#[path = "sequences/fallbacks.rs"]
mod fallbacks;
#[path = "sequences/ground.rs"]
mod ground;
#[path = "sequences/random.rs"]
mod random;
#[path = "sequences/stops.rs"]
mod stops;
