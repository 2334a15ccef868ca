//! Serves the API until asked to stop.

use crate::{
    ApiState, app,
    config::ApiConfig,
    edge::{
        accept::TcpAcceptor,
        tls::{Certificate, TlsError},
    },
    state::{SharedState, StateError},
};
use jobs::services::SharedServices;
use poem::Server;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// A connection on which nothing moves for this long is closed; longer than any answer may take to begin.
const IDLE: Duration = Duration::from_secs(120);

/// How long the last sights of messages may take to be kept.
const LAST_SIGHTS: Duration = Duration::from_secs(5);

/// Requests at a time on one HTTP/2 connection.
const STREAMS: u32 = 128;

/// The API could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The certificate cannot be used.
    #[error("setting up TLS")]
    Tls(#[from] TlsError),
    /// The state cannot be set up.
    #[error("setting up the API")]
    State(#[from] StateError),
    /// The server stopped by itself.
    #[error("the server stopped")]
    Stopped(#[source] io::Error),
}

/// The API, listening but not serving yet, so that a caller can tell its address.
pub struct Listening {
    acceptor: TcpAcceptor,
    certificate: Option<Arc<Certificate>>,
    address: SocketAddr,
    state: SharedState,
}

impl Listening {
    /// The address, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`, then lets open requests finish for at most `DRAIN_TIMEOUT`.
    pub async fn serve(self, shutdown: CancellationToken) -> Result<(), ServeError> {
        let drain = self.state.config.http.drain_timeout;
        let stopping = self.state.stopping.clone();
        if let Some(certificate) = self.certificate {
            tokio::spawn(certificate.watch(shutdown.clone()));
        }
        let asked = async move {
            shutdown.cancelled().await;
            stopping.cancel();
        };
        let state = Arc::clone(&self.state);
        let served = Server::new_with_acceptor(self.acceptor)
            .idle_timeout(IDLE)
            .http2_max_concurrent_streams(STREAMS)
            .run_with_graceful_shutdown(app(self.state), asked, Some(drain))
            .await;
        state.recorder.drained(LAST_SIGHTS).await;
        served.map_err(ServeError::Stopped)
    }
}

/// Listens on the configured address.
pub async fn listen(config: ApiConfig, services: SharedServices) -> Result<Listening, ServeError> {
    let address = config.http.address();
    let failed = |source| ServeError::Listen { address, source };
    let mut acceptor = TcpAcceptor::bind(address).await.map_err(failed)?;
    let mut certificate = None;
    if let Some(files) = &config.http.tls {
        let loaded = Certificate::load(files.certificate.clone(), files.key.clone())?;
        acceptor = acceptor.with_tls(&loaded)?;
        certificate = Some(loaded);
    }
    let address = acceptor.address().map_err(failed)?;
    Ok(Listening { acceptor, certificate, address, state: ApiState::new(config, services)? })
}

/// Listens and serves until `shutdown`.
pub async fn run(config: ApiConfig, services: SharedServices, shutdown: CancellationToken) -> Result<(), ServeError> {
    let listening = listen(config, services).await?;
    tracing::info!(address = %listening.address(), "the API is listening");
    listening.serve(shutdown).await
}
