//! Statements of the maintenance connection: databases are created, locked and dropped there.

use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};

use crate::error::LocalError;

pub(crate) struct Admin {
    client: Client,
    connection: JoinHandle<()>,
}

impl Admin {
    pub(crate) async fn connect(url: &str) -> Result<Self, LocalError> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(refused("connecting"))?;
        let connection = tokio::spawn(async move {
            // its end is seen by the client
            let _ended = connection.await;
        });
        Ok(Self { client, connection })
    }

    pub(crate) async fn run(&self, statement: &str) -> Result<(), LocalError> {
        self.client.batch_execute(statement).await.map_err(refused(statement))
    }

    pub(crate) async fn query(&self, query: &str, binds: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, LocalError> {
        self.client.query_opt(query, binds).await.map_err(refused(query))
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

fn refused(action: &str) -> impl FnOnce(tokio_postgres::Error) -> LocalError {
    let action = action.to_owned();
    move |source| LocalError::Postgres { action, source }
}
