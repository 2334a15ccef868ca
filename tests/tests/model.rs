//! A campaign's whole life at random, held against a small model of it: control by people, crashes of workers, moves of
//! the clock, bad days of the providers, in any order.
//!
//! `MODEL_SEEDS` says how many worlds are tried, `MODEL_SEED` tries one again. A world that fails tells its seed and
//! what was done in it, in order.

#[path = "model/act.rs"]
mod act;
#[path = "model/actions.rs"]
mod actions;
#[path = "model/ask.rs"]
mod ask;
#[path = "model/book.rs"]
mod book;
#[path = "model/chance.rs"]
mod chance;
#[path = "model/end.rs"]
mod end;
#[path = "model/ground.rs"]
mod ground;
#[path = "model/invariants.rs"]
mod invariants;
#[path = "model/machine.rs"]
mod machine;
#[path = "model/moves.rs"]
mod moves;
#[path = "model/peers.rs"]
mod peers;
#[path = "model/run.rs"]
mod run;
#[path = "model/sums.rs"]
mod sums;
#[path = "model/terms.rs"]
mod terms;
#[path = "model/watch.rs"]
mod watch;
#[path = "model/world.rs"]
mod world;
