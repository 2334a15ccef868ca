//! What a person reads when everything runs.

use crate::output::say;
use jobs::initial::Login;
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};

/// Tells where to go, how to get in, and what to do next.
pub fn print(url: &str, login: Option<&Login>) {
    let program = program();
    say("\nIntelipro Renewals is running.\n");
    say(&format!("  URL       {url}"));
    say(&format!("  API docs  {url}/api/docs/"));
    match login {
        Some(Login { email, password }) => {
            say(&format!("  Login     {email}"));
            say(&format!("  Password  {}   (shown only this once)", password.expose_secret()));
        }
        None => say(&format!("  Login     as before; a new password: {program} user reset-password ADDRESS")),
    }
    say(&format!("\n  Next, in another terminal:  {program} demo"));
    say("  To stop:  Ctrl-C\n");
}

/// This program as it can be called from the working directory.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("renewals"));
    let folder = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&folder) {
        Ok(inside) => Path::new(".").join(inside).display().to_string(),
        Err(_) => path.display().to_string(),
    }
}
