//! `renewals user`: accounts looked after from the command line, with servers of the test's own.

#![expect(clippy::expect_used, reason = "what a test cannot go on without has failed it")]

use std::{os::unix::fs::PermissionsExt, path::Path, process::Command};

/// What a command says, and whether it went well.
fn user(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_renewals"));
    command.current_dir(folder).arg("user").args(arguments);
    for name in ["DATABASE_URL", "REDIS_URL", "PORT", "SECRET_KEY", "STORAGE_DIR", "RUST_LOG", "LOG_FORMAT"] {
        command.env_remove(name);
    }
    let output = command.output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

#[test]
fn accounts_are_looked_after_when_nobody_can_sign_in() {
    let folder = tempfile::tempdir().expect("a folder");
    // PostgreSQL may run as another user, who must be able to enter
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).expect("a mode");
    let done = |arguments: &[&str], expected: &str| {
        let (went_well, said) = user(folder.path(), arguments);
        assert!(went_well && said.contains(expected), "{arguments:?}: {said}");
    };
    let refused = |arguments: &[&str], expected: &str| {
        let (went_well, said) = user(folder.path(), arguments);
        assert!(!went_well && said.contains(expected), "{arguments:?}: {said}");
    };
    done(&["create", "Boss@example.com", "--role", "administrator"], "boss@example.com added; password: ");
    done(&["create", "a@example.com", "--role", "agent"], "shown only this once");
    refused(&["suspend", "boss@example.com"], "last active administrator");
    done(&["suspend", "a@example.com"], "is suspended, 0 sessions ended");
    refused(&["suspend", "a@example.com"], "suspended already");
    done(&["list", "--status", "suspended"], "a@example.com  New User  agent  suspended  no   -");
    refused(&["disable-mfa", "boss@example.com"], "no second factor");
    done(&["unlock", "boss@example.com"], "can try again");
    done(&["reset-password", "boss@example.com"], "signed out everywhere; password: ");
    refused(&["unlock", "nobody@example.com"], "there is no user nobody@example.com");
}
