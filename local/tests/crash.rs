//! What becomes of the servers when the process that owns them is killed.
#![cfg(target_os = "linux")]

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use local::{Cluster, Options};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio_postgres::NoTls;

type Tested = Result<(), Box<dyn Error>>;

/// A process that owns a cluster, and the folder it is in. It goes on until its input ends.
fn owner() -> Result<(Child, PathBuf), Box<dyn Error>> {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_test-cluster"))
        .args(["sh", "-c", "echo \"$RENEWALS_TEST_CLUSTER\"; read -r end"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut folder = String::new();
    BufReader::new(owner.stdout.take().ok_or("no output")?).read_line(&mut folder)?;
    Ok((owner, PathBuf::from(folder.trim())))
}

fn pid(file: &Path) -> Result<i32, Box<dyn Error>> {
    Ok(std::fs::read_to_string(file)?.lines().next().ok_or("empty pid file")?.trim().parse()?)
}

fn command_line(pid: i32) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn until(what: &str, condition: impl Fn() -> bool) -> Tested {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    while !condition() {
        if Instant::now() > deadline {
            return Err(format!("not in time: {what}").into());
        }
        looks.tick().await;
    }
    Ok(())
}

/// The shell that watches over the cluster in `folder`.
fn watchdog(folder: &Path) -> Result<i32, Box<dyn Error>> {
    let folder = folder.to_string_lossy();
    std::fs::read_dir("/proc")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .find(|pid| {
            let line = command_line(*pid);
            line.contains("renewals-watchdog") && line.contains(&*folder)
        })
        .ok_or_else(|| "no watchdog".into())
}

#[tokio::test]
async fn the_servers_of_a_killed_owner_stop_and_its_temporary_folder_goes() -> Tested {
    let (mut owner, folder) = owner()?;
    let servers = [pid(&folder.join("postgres/postmaster.pid"))?, pid(&folder.join("redis/redis.pid"))?];
    assert!(servers.iter().all(|pid| !command_line(*pid).is_empty()));
    owner.kill()?;
    owner.wait()?;
    until("servers stop", || servers.iter().all(|pid| command_line(*pid).is_empty())).await?;
    until("the folder is removed", || !folder.exists()).await
}

#[tokio::test]
async fn servers_without_owner_and_watchdog_are_taken_over_by_the_next_start() -> Tested {
    let (mut owner, folder) = owner()?;
    let postmaster = folder.join("postgres/postmaster.pid");
    let orphans = [pid(&postmaster)?, pid(&folder.join("redis/redis.pid"))?];
    // stopped first, so that it does not act on the end of its owner
    let watchdog = Pid::from_raw(watchdog(&folder)?);
    kill(watchdog, Signal::SIGSTOP)?;
    owner.kill()?;
    owner.wait()?;
    kill(watchdog, Signal::SIGKILL)?;
    assert!(orphans.iter().all(|pid| !command_line(*pid).is_empty()), "both must still run");

    let cluster = Cluster::start(&folder, Options::for_tests()).await?;
    assert!(orphans.iter().all(|pid| command_line(*pid).is_empty()), "the earlier servers must have ended");
    let (client, connection) = tokio_postgres::connect(cluster.database_url(), NoTls).await?;
    tokio::spawn(connection);
    client.query_one("SELECT 1", &[]).await?;
    cluster.stop().await?;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

#[tokio::test]
async fn pid_files_that_name_other_processes_are_no_obstacle() -> Tested {
    let folder = local::testing::temporary(Options::for_tests()).await?.stop().await?;
    // as after a restart of a container, where numbers come round quickly: this very process, and none
    let ours = format!("{}\n{}\n1\n5432\n", std::process::id(), folder.path().join("postgres").display());
    std::fs::write(folder.path().join("postgres/postmaster.pid"), ours)?;
    std::fs::write(folder.path().join("redis/redis.pid"), "999999999\n")?;
    Cluster::start(folder.path(), Options::for_tests()).await?.stop().await?;
    Ok(())
}
