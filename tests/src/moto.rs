//! A stand-in for AWS that checks signatures: `moto_server`, on a free port of this machine, with one key pair.
//!
//! `scripts/setup --for test` installs it outside the clone. It ends with this value.

use anyhow::{Context, Result, ensure};
use std::{net::TcpListener, path::PathBuf, process::Stdio, time::Duration};
use tokio::process::{Child, Command};

/// The region everything is in.
pub const REGION: &str = "us-east-1";
/// What everybody may do before signatures are checked: a user, what they may do, their key pair, and a domain that may
/// send.
const UNCHECKED: &str = "4";
/// Python takes its time to start.
const START: Duration = Duration::from_secs(60);

/// A running stand-in.
pub struct Moto {
    _process: Child,
    base_url: String,
    access_key_id: String,
    secret_access_key: String,
}

impl Moto {
    /// Starts it, makes a key pair that may do everything, and lets that domain send.
    pub async fn start(domain: &str) -> Result<Self> {
        let program = program()?;
        ensure!(program.exists(), "{} is not there: scripts/setup --for test installs it", program.display());
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("INITIAL_NO_AUTH_ACTION_COUNT", UNCHECKED)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("moto starts")?;
        let base_url = format!("http://127.0.0.1:{port}");
        let client = providers::http::client(Duration::from_secs(20), true)?;
        crate::wait::until("moto answers", START, async || {
            client.get(format!("{base_url}/moto-api/data.json")).send().await.is_ok()
        })
        .await;
        let everything = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let user = ("UserName", "renewals");
        let calls: [(&str, &[(&str, &str)]); 4] = [
            ("iam", &[("Action", "CreateUser"), user]),
            ("iam", &[("Action", "PutUserPolicy"), user, ("PolicyName", "all"), ("PolicyDocument", everything)]),
            ("ses", &[("Action", "VerifyDomainIdentity"), ("Domain", domain)]),
            ("iam", &[("Action", "CreateAccessKey"), user]),
        ];
        let mut told = String::new();
        for (service, form) in calls {
            let scope = format!("AWS4-HMAC-SHA256 Credential=none/20200101/{REGION}/{service}/aws4_request");
            let call = client.post(&base_url).header("authorization", scope).form(form).send().await?;
            let status = call.status();
            told = call.text().await?;
            ensure!(status.is_success(), "{form:?}: {status} {told}");
        }
        let element = |name: &str| {
            let (_, rest) = told.split_once(&format!("<{name}>"))?;
            rest.split_once("</").map(|(text, _)| text.to_owned())
        };
        let access_key_id = element("AccessKeyId").context("a key")?;
        let secret_access_key = element("SecretAccessKey").context("a secret")?;
        Ok(Self { _process: process, base_url, access_key_id, secret_access_key })
    }

    /// `http://127.0.0.1:…`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The settings of a process that is to use it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", self.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_access_key.clone()),
        ]
    }
}

/// Where `scripts/setup` puts it.
#[expect(clippy::disallowed_methods, reason = "what the scripts of this folder tell each other")]
fn program() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let version = include_str!("../moto.version").trim();
    let cache = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    let folder = cache.context("a folder for what is kept")?.join(format!("renewals-moto-{version}"));
    Ok(folder.join("bin/moto_server"))
}
