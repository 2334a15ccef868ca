//! What keeps people's accounts and the platform's secrets safe, shared by the programs.

pub mod choice;
pub mod password;
pub mod reseal;
pub mod rotation;
pub mod sealing;
pub mod secret_token;
pub mod token_keys;
pub mod totp;
