//! The product as operators run it: an api, workers and a scheduler as processes of their own, over a PostgreSQL and a
//! Redis of the test's own that may be broken, against the stand-in for Meta.
//!
//! Panics when something cannot be started: the test has failed.

use crate::base::install_crypto;
use crate::http::PASSWORD;
use crate::meta::{Behaviour, MetaServer};
use crate::wait::{until, until_some};
use domain::permissions::SystemRole;
use jobs::security::password;
use local::testing::{Temporary, temporary};
use schema::people::{roles, users};
use schema::{Db, DbConfig, migrate};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The queues of each worker, unless told otherwise.
const QUEUES: &[&str] = &["whatsapp=4", "campaigns=2", "events=2"];

/// How long a process may take until it serves.
const READY: Duration = Duration::from_secs(60);

/// The user the test signs in as.
const EMAIL: &str = "admin@example.com";

/// A program of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// The API.
    Api,
    /// One of several workers.
    Worker(usize),
    /// The scheduler.
    Scheduler,
}

/// What a fleet is made of.
pub struct Plan {
    /// How PostgreSQL and Redis are set up.
    pub servers: local::Options,
    /// How Meta behaves.
    pub behaviour: Behaviour,
    /// How many workers.
    pub workers: usize,
    /// What each of them serves, such as `whatsapp=4`.
    pub queues: &'static [&'static str],
    /// Messages a second that the sending account allows.
    pub rate: u32,
    /// Further settings of all programs.
    pub more: Vec<(&'static str, String)>,
}

/// Everything that runs.
pub struct Fleet {
    /// PostgreSQL and Redis.
    pub cluster: Temporary,
    /// The other side.
    pub meta: MetaServer,
    /// Behind the API.
    pub db: Db,
    processes: BTreeMap<Program, Child>,
    http: reqwest::Client,
    port: u16,
    token: String,
    files: tempfile::TempDir,
    queues: &'static [&'static str],
    rate: u32,
    more: Vec<(&'static str, String)>,
}

impl Fleet {
    /// An api, a scheduler and `workers` workers over servers that need not survive the machine.
    pub async fn start(behaviour: Behaviour, workers: usize) -> Self {
        Self::with(Plan {
            servers: local::Options::for_tests(),
            behaviour,
            workers,
            queues: QUEUES,
            rate: 2_000,
            more: Vec::new(),
        })
        .await
    }

    /// As planned.
    pub async fn with(Plan { servers, behaviour, workers, queues, rate, more }: Plan) -> Self {
        install_crypto();
        let cluster = temporary(servers).await.expect("servers");
        migrate::run(cluster.database_url(), migrate::Step::Up).await.expect("migrations");
        let db = Db::new(&DbConfig::new(cluster.database_url().to_owned())).expect("a database");
        let meta = MetaServer::start(behaviour).await.expect("a stand-in for Meta");
        let mut fleet = Self {
            cluster,
            meta,
            db,
            processes: BTreeMap::new(),
            http: reqwest::Client::builder().timeout(Duration::from_secs(30)).build().expect("a client"),
            port: free_port(),
            token: String::new(),
            files: tempfile::tempdir().expect("a folder"),
            queues,
            rate,
            more,
        };
        fleet.add_user().await;
        fleet.launch(Program::Api);
        fleet.launch(Program::Scheduler);
        for number in 0..workers {
            fleet.launch(Program::Worker(number));
        }
        fleet.wait_for_api().await;
        fleet.sign_in().await;
        fleet.meta.set_callback(Some(fleet.url("/api/webhooks/whatsapp")));
        fleet
    }

    /// Starts a program, again if it was killed.
    pub fn launch(&mut self, program: Program) {
        let (name, arguments) = match program {
            Program::Api => ("api", Vec::new()),
            Program::Worker(_) => ("worker", self.queues.iter().flat_map(|queue| ["--queue", queue]).collect()),
            Program::Scheduler => ("scheduler", Vec::new()),
        };
        let mut command = Command::new(binary(name));
        command
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", self.cluster.database_url())
            .env("REDIS_URL", self.cluster.redis_url())
            .env("SECRET_KEY", "a key for tests, long enough for one")
            .env("RATE_LIMIT_READ", "off")
            .env("RATE_LIMIT_WRITE", "off")
            .env("STORAGE_DIR", self.files.path())
            .env("BIND_ADDRESS", "127.0.0.1")
            .env("PORT", self.port.to_string())
            .env("WHATSAPP_RATE_PER_SECOND", self.rate.to_string())
            .env("RUST_LOG", "error")
            .envs(self.meta.environment())
            .envs(self.more.iter().map(|(name, value)| (name, value)))
            .current_dir(self.files.path())
            .stdin(Stdio::null());
        self.processes.insert(program, command.spawn().expect("the program starts"));
    }

    /// Kills a program as the kernel would: no signal it could act on.
    pub fn kill(&mut self, program: Program) {
        if let Some(mut child) = self.processes.remove(&program) {
            child.kill().expect("the program is there to be killed");
            child.wait().expect("the program is gone");
        }
    }

    /// Kills a program and starts another in its place.
    pub async fn replace(&mut self, program: Program) {
        self.kill(program);
        self.launch(program);
        if program == Program::Api {
            self.wait_for_api().await;
        }
    }

    /// The most memory a program has had so far, in bytes, as the kernel tells (Linux).
    pub fn peak_memory(&self, program: Program) -> Option<u64> {
        let child = self.processes.get(&program)?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
    }

    /// The API's address for a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// A POST that must succeed; its data.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(self.url(path)).bearer_auth(&self.token).json(&body);
        data(request.send().await.expect("an answer")).await
    }

    /// Uploads a file, streamed from the disk; the answer's data.
    pub async fn upload(&self, path: &std::path::Path) -> Value {
        let file = reqwest::multipart::Part::file(path).await.expect("the file");
        let form = reqwest::multipart::Form::new().part("file", file);
        let request = self.http.post(self.url("/api/upload/file")).bearer_auth(&self.token).multipart(form);
        data(request.timeout(Duration::from_secs(600)).send().await.expect("an answer")).await
    }

    /// A GET; `None` while the API does not answer.
    pub async fn get(&self, path: &str) -> Option<Value> {
        let answer = self.http.get(self.url(path)).bearer_auth(&self.token).send().await.ok()?;
        match answer.status().is_server_error() {
            true => None,
            false => Some(data(answer).await),
        }
    }

    async fn wait_for_api(&self) {
        until("the API is ready", READY, || async {
            let answer = self.http.get(self.url("/health/ready")).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    async fn add_user(&self) {
        let mut connection = self.db.get().await.expect("a connection");
        roles::add_system_roles(&mut connection).await.expect("roles");
        let role = roles::by_name(&mut connection, SystemRole::Administrator.as_str()).await.expect("roles");
        let hash = password::hash_password(&PASSWORD.into()).await.expect("a hash");
        let user = users::NewUser {
            email: EMAIL,
            password_hash: &hash,
            first_name: "Test",
            last_name: "User",
            role: role.expect("a system role"),
            branch: None,
        };
        users::create(&mut connection, &user).await.expect("a user");
    }

    async fn sign_in(&mut self) {
        let body = json!({"email": EMAIL, "password": PASSWORD});
        let token = until_some("signed in", READY, || async {
            let answer = self.http.post(self.url("/api/auth/login")).json(&body).send().await.ok()?;
            let answer: Value = answer.json().await.ok()?;
            answer["data"]["token"].as_str().map(str::to_owned)
        })
        .await;
        self.token = token;
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for child in self.processes.values_mut() {
            // gone already, or goes now
            let _gone = child.kill();
            let _gone = child.wait();
        }
    }
}

async fn data(answer: reqwest::Response) -> Value {
    let (status, url) = (answer.status(), answer.url().clone());
    let body: Value = answer.json().await.unwrap_or_default();
    assert!(status.is_success(), "{url} answered {status}: {body}");
    body["data"].clone()
}

/// The program as the same build made it: beside this one, or, for a test, a folder up.
fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("the path of this program");
    let found = own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing beside {}: cargo build --workspace --bins", own.display()))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}
