//! An API with two branches, and people of every role who work in them.

use domain::{
    ids::{BranchId, RoleId, UserId},
    permissions::{PermissionSet, Scope, SystemRole},
};
use schema::people::{roles, users};
use serde_json::json;
use tests::http::{PASSWORD, TestApi, TestUser};
use tokio_postgres::{Client, NoTls};

use crate::world::World;

/// The role of somebody who may do everything, within their branch.
pub const HEAD: &str = "branch_head";
/// The role of somebody who may do everything, with what is their own.
pub const SOLE: &str = "sole_trader";
/// What the files of every world hold.
pub const FILE: &str = "a,b\n";

pub struct Ground {
    pub api: TestApi,
    pub client: Client,
    /// Where the callers work.
    pub here: BranchId,
    /// Where others do.
    pub there: BranchId,
    password_hash: String,
}

impl Ground {
    pub async fn new() -> Self {
        let api = TestApi::new().await;
        let (client, connection) = tokio_postgres::connect(api.base.database.url(), NoTls).await.expect("a connection");
        tokio::spawn(connection);
        let branch = async |code: &str| {
            let insert = "INSERT INTO branches (code, name) VALUES ($1, $1) RETURNING id";
            BranchId(client.query_one(insert, &[&code]).await.expect("a branch").get(0))
        };
        let (here, there) = (branch("HERE").await, branch("THERE").await);
        for (name, scope) in [(HEAD, Scope::Branch), (SOLE, Scope::Own)] {
            let insert = "INSERT INTO roles (name, display_name, permissions, scope) VALUES ($1, $1, $2, $3)";
            let all = json!(PermissionSet::all());
            client.execute(insert, &[&name, &all, &scope.as_str()]).await.expect("a role");
        }
        for file in ["kept/original", "kept/errors"] {
            let content = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(FILE))]);
            api.state.services.storage.put_stream(file, content, u64::MAX).await.expect("a file");
        }
        let password_hash = jobs::security::password::hash_password(&PASSWORD.into()).await.expect("a hash");
        Self { api, client, here, there, password_hash }
    }

    /// Every role's name: those every installation has, and two that may do everything with less than all.
    pub fn roles() -> Vec<&'static str> {
        SystemRole::ALL.iter().map(|role| role.as_str()).chain([HEAD, SOLE]).collect()
    }

    /// Somebody of that role and branch, who has just signed in.
    pub async fn person(&self, role: &str, branch: BranchId) -> TestUser {
        let email = format!("{}@example.com", uuid::Uuid::now_v7().simple());
        let mut connection = self.api.connection().await;
        let role: RoleId = roles::by_name(&mut connection, role).await.expect("an answer").expect("a role");
        let user = users::NewUser {
            email: &email,
            password_hash: &self.password_hash,
            first_name: "Test",
            last_name: "User",
            role,
            branch: Some(branch),
        };
        let id = users::create(&mut connection, &user).await.expect("a user");
        drop(connection);
        let token = self.api.session(id).await;
        TestUser { id, email, token }
    }

    /// A world of rows that somebody made for their branch.
    pub async fn world(&self, owner: UserId, branch: BranchId) -> World {
        World::make(self, owner, branch).await
    }

    /// A world of another branch's, made by somebody who works there.
    pub async fn world_there(&self) -> World {
        let owner = self.person(HEAD, self.there).await;
        self.world(owner.id, self.there).await
    }

    pub async fn number(&self, query: &str) -> i64 {
        self.client.query_one(query, &[]).await.expect("an answer").get(0)
    }
}
