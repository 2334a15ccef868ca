//! What keeps people's accounts safe, shared by the API and the command line.

pub mod password;
