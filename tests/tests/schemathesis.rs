//! The API held against its own document by schemathesis: every operation, with what the document allows and what it
//! does not, as an administrator and as somebody who may only look.
//!
//! `scripts/setup --for test` installs schemathesis outside the clone. The server runs in this process, over a socket.

use domain::permissions::SystemRole;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};
use tests::http::{TestApi, config};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Cases an operation, of each kind.
const CASES: &str = "10";
/// These may end the session that everything else rests on, and so come last.
const ENDS_SESSIONS: [&str; 4] = [
    "POST /api/auth/logout",
    "DELETE /api/auth/sessions",
    "DELETE /api/auth/sessions/{id}",
    "POST /api/users/{id}/sessions/end",
];
/// A run that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(900);
/// One role asks for everything here.
const UNLIMITED: [(&str, &str); 5] = [
    ("RATE_LIMIT_AUTH", "off"),
    ("RATE_LIMIT_READ", "off"),
    ("RATE_LIMIT_WRITE", "off"),
    ("RATE_LIMIT_UPLOAD", "off"),
    ("PORT", "0"),
];

/// Where `scripts/setup` puts it.
#[expect(clippy::disallowed_methods, reason = "what the scripts of this folder tell each other")]
fn program() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let version = include_str!("../schemathesis.version").trim();
    let cache = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    let folder = cache.expect("a folder for what is kept").join(format!("renewals-schemathesis-{version}"));
    folder.join("bin/schemathesis")
}

/// Runs it over all operations but some, or over those only.
async fn run(address: SocketAddr, token: &str, folder: &Path, which: &str) -> Output {
    let program = program();
    assert!(program.exists(), "{} is not there: scripts/setup --for test installs it", program.display());
    let mut command = Command::new(program);
    command
        .args(["--config-file", concat!(env!("CARGO_MANIFEST_DIR"), "/schemathesis.toml"), "--no-color"])
        .args(["run", &format!("http://{address}/api/openapi.json"), "--checks", "all", "--seed", "1"])
        // pages for people, whose tests are their own
        .args(["--exclude-path-regex", "^/(t|u|p|v)/"])
        .args(["--max-examples", CASES, "--workers", "1", "--header", &format!("Authorization: Bearer {token}")])
        .args(ENDS_SESSIONS.iter().flat_map(|name| [which, name]))
        .current_dir(folder)
        .kill_on_drop(true);
    let running = tokio::time::timeout(LONGEST, command.output());
    running.await.expect("an end of the run").expect("schemathesis starts")
}

async fn holds_for(role: SystemRole) {
    let api = TestApi::with(&UNLIMITED).await;
    let user = api.user(role).await;
    let config = config(&api.base, api.storage.path(), &UNLIMITED);
    let listening = api::listen(config, api.state.services.clone()).await.unwrap();
    let (address, stop) = (listening.address(), CancellationToken::new());
    let server = tokio::spawn(listening.serve(stop.clone()));
    let folder = tempfile::tempdir().unwrap();
    for which in ["--exclude-name", "--include-name"] {
        let output = run(address, &user.token, folder.path(), which).await;
        let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{told}\n{errors}");
        assert!(told.contains("Test cases"), "nothing was tried: {told}\n{errors}");
        if which == "--exclude-name" {
            api.get("/api/auth/me").by(&user).send().await.data(200);
        }
    }
    stop.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_holds_for_an_administrator() {
    holds_for(SystemRole::Administrator).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_holds_for_somebody_who_may_only_look() {
    holds_for(SystemRole::ReadOnly).await;
}
