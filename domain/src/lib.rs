//! Pure rules of policy renewal: no I/O, no clock, no randomness.
//!
//! Time and random numbers are passed in, so every rule can be tested by calling it. Nothing here fails except by
//! returning a typed error to the caller, which decides what a user sees.

pub mod book;
pub mod campaigns;
pub mod cases;
pub mod contact;
pub mod ids;
pub mod local_day;
pub mod masking;
pub mod messaging;
pub mod money;
pub mod password;
pub mod people;
pub mod permissions;
pub mod sign_in;
pub mod statistics;
pub mod text_enum;
pub mod timetable;
pub mod upload;
