//! `renewals up` as a person meets it: it starts, says where it is, works with the commands beside it, and stops.

#![expect(clippy::expect_used, reason = "what a test cannot go on without has failed it")]

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    time::Duration,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_renewals");

/// In a folder of its own, with nothing of the caller's settings.
fn renewals(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(arguments);
    for name in ["DATABASE_URL", "REDIS_URL", "PORT", "SECRET_KEY", "STORAGE_DIR", "RUST_LOG", "LOG_FORMAT"] {
        command.env_remove(name);
    }
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    renewals(folder, arguments).output().expect("it runs")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

struct Up {
    child: Child,
    said: Vec<String>,
    rest: Option<std::thread::JoinHandle<String>>,
}

/// A test that failed leaves nothing running: the servers go with the program.
impl Drop for Up {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().expect("it can be killed");
            self.child.wait().expect("an end");
        }
    }
}

impl Up {
    /// Starts it and waits until it has said how to stop it.
    fn start(folder: &Path) -> Self {
        let mut child = renewals(folder, &["up", "--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("it starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let (sender, receiver) = mpsc::channel();
        let rest = std::thread::spawn(move || {
            let mut line = String::new();
            while output.read_line(&mut line).is_ok_and(|length| length > 0) {
                let last = line.contains("To stop");
                if sender.send(std::mem::take(&mut line)).is_err() || last {
                    break;
                }
            }
            drop(sender);
            let mut rest = String::new();
            output.read_to_string(&mut rest).expect("text");
            rest
        });
        let mut said = Vec::new();
        while let Ok(line) = receiver.recv_timeout(Duration::from_secs(120)) {
            said.push(line);
        }
        let up = Self { child, said, rest: Some(rest) };
        assert!(up.said.iter().any(|line| line.contains("To stop")), "{:?}", up.said);
        up
    }

    fn value(&self, name: &str) -> Option<&str> {
        let line = self.said.iter().find_map(|line| line.trim().strip_prefix(name))?;
        line.split_whitespace().next()
    }

    /// As Ctrl-C would.
    fn stop(mut self) -> String {
        let signalled = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(signalled.expect("kill runs").success());
        let ended = self.child.wait().expect("an end");
        assert!(ended.success(), "{ended}");
        self.rest.take().expect("stopped once").join().expect("the rest of the output")
    }
}

#[test]
fn it_runs_beside_other_commands_and_starts_again() {
    let folder = tempfile::tempdir().expect("a folder");
    // PostgreSQL may run as another user, who must be able to enter
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).expect("a mode");

    let first = Up::start(folder.path());
    let url = first.value("URL").expect("a URL").to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    assert_eq!(first.value("Login"), Some("admin@example.com"));
    assert_eq!(first.value("Password").map(str::len), Some(20));

    let second = run(folder.path(), &["up"]);
    assert!(!second.status.success() && text(&second).contains("in use"), "{}", text(&second));
    let status = run(folder.path(), &["migrate", "status"]);
    assert!(text(&status).contains("applied") && !text(&status).contains("pending"), "{}", text(&status));
    let created = run(folder.path(), &["user", "create", "a@example.com", "--role", "agent", "--json"]);
    assert!(text(&created).contains("\"email\": \"a@example.com\""), "{}", text(&created));
    let refused = run(folder.path(), &["user", "create", "A@example.com"]);
    assert!(!refused.status.success() && text(&refused).contains("is taken"), "{}", text(&refused));
    let unknown = run(folder.path(), &["user", "create", "b@example.com", "--role", "king"]);
    assert!(text(&unknown).contains("there is no role \"king\""), "{}", text(&unknown));
    assert!(text(&run(folder.path(), &["queue", "pause", "whatsapp"])).contains("whatsapp is paused"));
    assert!(text(&run(folder.path(), &["queue", "list"])).contains("paused"));
    let verified = run(folder.path(), &["audit", "verify"]);
    assert!(verified.status.success() && text(&verified).contains("are as they were written"), "{}", text(&verified));
    assert!(text(&run(folder.path(), &["keys", "list"])).contains("seals"));
    let rotated = run(folder.path(), &["keys", "rotate"]);
    assert!(rotated.status.success() && text(&rotated).contains("sealed with the key app"), "{}", text(&rotated));
    let unwilling = run(folder.path(), &["migrate", "down"]);
    assert!(text(&unwilling).contains("--yes"), "{}", text(&unwilling));
    assert!(first.stop().contains("Stopped."));

    // with nothing running, a command starts the servers for itself
    let alone = run(folder.path(), &["user", "reset-password", "a@example.com"]);
    assert!(text(&alone).contains("has another password"), "{}", text(&alone));

    let again = Up::start(folder.path());
    assert_eq!(again.value("Password"), None);
    again.stop();
}

#[test]
fn every_fault_of_the_configuration_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(".env"), "SANDBOX_LATENCY_MS=soon\nDB_POOL=none\nRUST_LOG=\n").expect("a file");
    let outcome = renewals(folder.path(), &["queue", "list"])
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
        .env("REDIS_URL", "redis://127.0.0.1:1/0")
        .output()
        .expect("it runs");
    let said = text(&outcome);
    assert!(!outcome.status.success());
    assert!(said.contains("DB_POOL: is \"none\"") && said.contains("SANDBOX_LATENCY_MS: expected"), "{said}");
}
