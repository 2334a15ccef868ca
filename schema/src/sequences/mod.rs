//! Ladders: the steps of a sequence, who is on it, and every policy's way up.
//!
//! Whoever moves somebody on holds their enrolment, and writes the message and where they stand in one statement, so
//! that of any number of workers one takes each step. What ends somebody's way is one expression, [`stop::reason`], read
//! when a step is taken and again when a message is about to be handed over.

mod advance;
mod create;
mod due;
mod enrol;
mod foretell;
mod list;
mod steps;
pub(crate) mod stop;
mod tallies;
mod weighed;
mod why;
mod withdraw;

pub use advance::{Advanced, advance};
pub use create::{Drafted, NewSequence, change, insert, launch};
pub use due::{Ladder, due, ladder, told, unlooked};
pub use enrol::{Enrolled, Enrolling, enrol, settle};
pub use foretell::{StepText, foretell, sample, step_texts};
pub use list::{Enrolment, EnrolmentList, list};
pub use steps::{StepRow, replace, steps};
pub(crate) use tallies::enrolled;
pub use tallies::{Tally, tallies};
pub use why::{LeftOut, Taken, Way, taken, way};
pub use withdraw::{Looked, stop_over, stop_told, withdraw};
