//! An API with somebody who manages templates, and an account at the provider.

use domain::permissions::SystemRole;
use jobs::kinds::registry;
use serde_json::Value;
use std::time::Duration;
use tests::{
    crew::Workers,
    diesel_schema::connect,
    http::{Answer, Call, TestApi, TestUser},
    meta_account::MetaAccount,
    wait::until,
};
use workers::WorkerConfig;

pub struct Ground {
    pub api: TestApi,
    pub account: MetaAccount,
    pub user: TestUser,
}

impl Ground {
    pub async fn new() -> Self {
        let account = MetaAccount::start().await;
        let variables = account.environment();
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let api = TestApi::with(&variables).await;
        let user = api.user(SystemRole::CampaignManager).await;
        Self { api, account, user }
    }

    pub fn get(&self, path: &str) -> Call {
        self.api.get(path).by(&self.user)
    }

    pub async fn post(&self, path: &str, body: Option<&Value>) -> Answer {
        let call = self.api.post(path).by(&self.user);
        match body {
            Some(body) => call.json(body).send().await,
            None => call.send().await,
        }
    }

    /// Asks for work and has it done; its result.
    pub async fn done(&self, call: Call) -> Value {
        let job = call.send().await.data(202)["jobId"].as_str().expect("a job").to_owned();
        self.work().await;
        let client = connect(self.api.base.database.url()).await;
        let query = "SELECT state::TEXT, coalesce(error, ''), coalesce(result, 'null') FROM jobs WHERE id::TEXT = $1";
        let row = client.query_one(query, &[&job]).await.expect("the job");
        let (state, error): (String, String) = (row.get(0), row.get(1));
        assert_eq!(state, "succeeded", "{error}");
        row.get(2)
    }

    /// Has all work done that is due.
    pub async fn work(&self) {
        let workers = Workers::start(&self.api.state.services, registry::all(), WorkerConfig::all_queues());
        let client = connect(self.api.base.database.url()).await;
        until("all jobs to be done", Duration::from_secs(20), async || {
            let open = "SELECT id FROM jobs WHERE state IN ('available', 'running')";
            client.query(open, &[]).await.expect("an answer").is_empty()
        })
        .await;
        workers.stop().await;
    }
}
