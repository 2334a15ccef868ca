//! TLS without a proxy: a certificate and its key from files, which are read again when they change.
//!
//! A file that cannot be used stops the start; later the certificate before stays in use, and the fault is logged.

use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(60);

/// The certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no PEM file of that kind.
    #[error("{} cannot be read", .0.display())]
    File(PathBuf, #[source] pem::Error),
    /// Key and certificate do not belong together, or are of a kind that is not supported.
    #[error("TLS_CERT_FILE and TLS_KEY_FILE cannot be used together")]
    Pair(#[from] rustls::Error),
    /// The program has no TLS implementation.
    #[error("no TLS implementation is installed")]
    Provider,
}

/// A certificate with its key, as it is at the moment.
pub struct Certificate {
    cert_file: PathBuf,
    key_file: PathBuf,
    provider: Arc<CryptoProvider>,
    current: RwLock<(Arc<CertifiedKey>, Option<SystemTime>)>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&self.cert_file).finish()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0))
    }
}

impl Certificate {
    /// Reads both files. They are small, and read at start and once a change.
    pub fn load(cert_file: PathBuf, key_file: PathBuf) -> Result<Arc<Self>, TlsError> {
        let provider = Arc::clone(CryptoProvider::get_default().ok_or(TlsError::Provider)?);
        let changed = changed_at(&cert_file, &key_file);
        let pair = read(&cert_file, &key_file, &provider)?;
        Ok(Arc::new(Self { cert_file, key_file, provider, current: RwLock::new((pair, changed)) }))
    }

    /// What takes connections with it.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, TlsError> {
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&self.provider)).with_safe_default_protocol_versions()?;
        let mut config =
            builder.with_no_client_auth().with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again if they have changed; whether they had.
    pub fn refresh(&self) -> bool {
        let changed = changed_at(&self.cert_file, &self.key_file);
        if self.current.read().unwrap_or_else(PoisonError::into_inner).1 == changed {
            return false;
        }
        match read(&self.cert_file, &self.key_file, &self.provider) {
            Ok(pair) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = (pair, changed);
                tracing::info!("the TLS certificate was replaced");
                true
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the new TLS certificate cannot be used: the one before stays");
                false
            }
        }
    }

    /// Looks at the files once a minute, and at once on SIGHUP.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut hangups = signal(SignalKind::hangup()).ok();
        loop {
            let asked = async {
                match &mut hangups {
                    Some(hangups) => hangups.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
                _ = asked => {}
            }
            let this = Arc::clone(&self);
            // a panic there was logged, and the next look tries again
            let _looked = tokio::task::spawn_blocking(move || this.refresh()).await;
        }
    }
}

fn read(cert_file: &PathBuf, key_file: &PathBuf, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, TlsError> {
    let certificates = CertificateDer::pem_file_iter(cert_file).and_then(|all| all.collect::<Result<Vec<_>, _>>());
    let certificates = certificates.map_err(|error| TlsError::File(cert_file.clone(), error))?;
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| TlsError::File(key_file.clone(), error))?;
    Ok(Arc::new(CertifiedKey::from_der(certificates, key, provider)?))
}

/// The later of both changes.
fn changed_at(cert_file: &PathBuf, key_file: &PathBuf) -> Option<SystemTime> {
    [cert_file, key_file].into_iter().filter_map(|file| file.metadata().ok()?.modified().ok()).max()
}
