//! The queue against real servers: what its statements promise, and one suite that both transports must pass.

#[path = "queue/conformance.rs"]
mod conformance;

#[path = "queue/ledger.rs"]
mod ledger;

#[path = "queue/run.rs"]
mod run;
