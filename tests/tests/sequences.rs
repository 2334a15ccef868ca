//! Ladders of steps: their clocks, their steps, what ends them.

#[path = "sequences/approval.rs"]
mod approval;
#[path = "sequences/climb.rs"]
mod climb;
#[path = "sequences/clocks.rs"]
mod clocks;
#[path = "sequences/crash.rs"]
mod crash;
#[path = "sequences/drafts.rs"]
mod drafts;
#[path = "sequences/fallbacks.rs"]
mod fallbacks;
#[path = "sequences/figures.rs"]
mod figures;
#[path = "sequences/ground.rs"]
mod ground;
#[path = "sequences/holdout.rs"]
mod holdout;
#[path = "sequences/once.rs"]
mod once;
#[path = "sequences/random.rs"]
mod random;
#[path = "sequences/rehearsal.rs"]
mod rehearsal;
#[path = "sequences/retry.rs"]
mod retry;
#[path = "sequences/stops.rs"]
mod stops;
#[path = "sequences/texts.rs"]
mod texts;
