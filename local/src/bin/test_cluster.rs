//! `test-cluster COMMAND [ARGS…]`: runs a command (such as `cargo test`) with one cluster for all test processes under
//! it, so that servers start and templates are prepared once and not once a test binary.
//!
//! Exits as the command did; 2 when the servers or the command could not be started.

use std::error::Error;
use std::process::ExitCode;

use local::Options;
use local::testing::{CLUSTER_VARIABLE, temporary};
use tokio::process::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("test-cluster: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next().ok_or("usage: test-cluster COMMAND [ARGS...]")?;
    let cluster = temporary(Options::for_tests()).await?;
    let mut child = Command::new(&program).args(arguments).env(CLUSTER_VARIABLE, cluster.folder()).spawn()?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            // the terminal has told the command too: wait for it to end
            interrupted = tokio::signal::ctrl_c() => interrupted?,
        }
    };
    cluster.stop().await?;
    // ended by a signal: as a shell would say it
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(130)))
}
