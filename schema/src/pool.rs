//! Connections: one pool for Diesel and a small one for imports, since diesel-async has no COPY.
//!
//! Connections are made when first needed, so a database that is down at start delays nothing; a broken one is
//! replaced. Waiting for a free connection is bounded and fails with [`DbError::Pool`].

use crate::DbError;
use diesel::ConnectionError;
use diesel_async::{
    AsyncPgConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Object, Pool},
    },
};
use futures_util::FutureExt;
use secrecy::{ExposeSecret, SecretString};
use std::{str::FromStr, time::Duration};
use tokio_postgres::config::SslMode;

/// A pooled connection.
pub type Conn = Object<AsyncPgConnection>;

/// How to reach PostgreSQL.
#[derive(Debug, Clone)]
pub struct DbConfig {
    /// `postgres://…`, also by socket: `postgres://user@%2Fvar%2Frun%2Fpostgresql/name`.
    pub url: SecretString,
    /// Diesel connections at most.
    pub connections: usize,
    /// Import connections at most.
    pub import_connections: usize,
    /// The server gives up on a statement after this long; a dropped future leaves its query running until then.
    pub statement_timeout: Duration,
    /// How long to wait for a free connection.
    pub wait: Duration,
}

impl DbConfig {
    /// The defaults of one process.
    pub fn new(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            connections: 10,
            import_connections: 2,
            statement_timeout: Duration::from_secs(60),
            wait: Duration::from_secs(10),
        }
    }
}

/// The pool of import connections, plain tokio-postgres.
pub type CopyPool = deadpool_postgres::Pool;

/// The database.
#[derive(Clone)]
pub struct Db {
    pool: Pool<AsyncPgConnection>,
    imports: CopyPool,
}

impl Db {
    /// Sets up the pools; nothing is connected yet.
    pub fn new(config: &DbConfig) -> Result<Self, DbError> {
        let mut settings = parse(config.url.expose_secret())?;
        let timeout = config.statement_timeout.as_millis();
        settings
            .options(format!("-c statement_timeout={timeout} -c idle_in_transaction_session_timeout=300000"))
            .application_name("renewals")
            .connect_timeout(Duration::from_secs(5))
            .keepalives_idle(Duration::from_secs(30))
            .tcp_user_timeout(Duration::from_secs(30));
        let mut manager = ManagerConfig::<AsyncPgConnection>::default();
        manager.recycling_method = RecyclingMethod::Fast;
        let own = settings.clone();
        manager.custom_setup = Box::new(move |_| connect(own.clone()).boxed());
        let manager = AsyncDieselConnectionManager::new_with_config(String::new(), manager);
        let pool = Pool::builder(manager)
            .max_size(config.connections)
            .runtime(deadpool_runtime())
            .wait_timeout(Some(config.wait))
            .create_timeout(Some(config.wait))
            .recycle_timeout(Some(Duration::from_secs(5)))
            .build()
            .map_err(|error| DbError::Pool(Box::new(error)))?;
        let recycling =
            deadpool_postgres::ManagerConfig { recycling_method: deadpool_postgres::RecyclingMethod::Clean };
        // an import's statement works on a chunk of a large file
        settings.options(format!("-c statement_timeout={}", timeout * 10));
        let tls = tls();
        let imports = match settings.get_ssl_mode() {
            SslMode::Disable => deadpool_postgres::Manager::from_config(settings, tokio_postgres::NoTls, recycling),
            _ => deadpool_postgres::Manager::from_config(settings, tls, recycling),
        };
        let imports = CopyPool::builder(imports)
            .max_size(config.import_connections)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .wait_timeout(Some(Duration::from_secs(300)))
            .create_timeout(Some(config.wait))
            .build()
            .map_err(|error| DbError::Pool(Box::new(error)))?;
        Ok(Self { pool, imports })
    }

    /// A connection, waited for at most as long as configured.
    pub async fn get(&self) -> Result<Conn, DbError> {
        self.pool.get().await.map_err(|error| DbError::Pool(Box::new(error)))
    }

    /// A connection for an import's transaction.
    pub async fn import(&self) -> Result<deadpool_postgres::Object, DbError> {
        self.imports.get().await.map_err(|error| DbError::Pool(Box::new(error)))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbError> {
        use diesel_async::SimpleAsyncConnection;
        self.get().await?.batch_execute("SELECT 1").await?;
        Ok(())
    }
}

/// A single connection outside the pools, for migrations and LISTEN.
pub async fn connect_once(url: &str) -> Result<AsyncPgConnection, DbError> {
    connect(parse(url)?).await.map_err(|error| DbError::Pool(Box::new(error)))
}

/// Whether the text is an address of a PostgreSQL server; nothing is connected.
pub fn check_url(url: &str) -> Result<(), DbError> {
    parse(url).map(drop)
}

fn parse(url: &str) -> Result<tokio_postgres::Config, DbError> {
    tokio_postgres::Config::from_str(url).map_err(|error| DbError::Url(error.to_string()))
}

fn deadpool_runtime() -> deadpool_postgres::Runtime {
    deadpool_postgres::Runtime::Tokio1
}

fn tls() -> tokio_postgres_rustls::MakeRustlsConnect {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    tokio_postgres_rustls::MakeRustlsConnect::new(config)
}

async fn connect(settings: tokio_postgres::Config) -> Result<AsyncPgConnection, ConnectionError> {
    let bad = |error: tokio_postgres::Error| ConnectionError::BadConnection(error.to_string());
    if settings.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = settings.connect(tokio_postgres::NoTls).await.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    } else {
        let (client, connection) = settings.connect(tls()).await.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }
}
