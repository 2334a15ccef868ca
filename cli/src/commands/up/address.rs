//! Where the API listens, and the note that tells other commands.

use crate::output::say;
use anyhow::Context;
use api::{ApiConfig, Listening, ServeError};
use jobs::services::SharedServices;
use std::{
    io::ErrorKind,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Ports tried when the default one is taken and no other was asked for.
const TRIES: u16 = 20;
/// Holds the URL while the API runs.
const NOTE: &str = "url";

/// Listens on the port asked for, or on the first free one from the default on.
pub async fn listen(config: ApiConfig, services: &SharedServices) -> anyhow::Result<Listening> {
    let first = config.http.port;
    let tries = if config.http.port_given { 1 } else { TRIES };
    for port in first..=first.saturating_add(tries - 1) {
        let mut config = config.clone();
        config.http.port = port;
        match api::listen(config, services.clone()).await {
            Ok(listening) => {
                if port != first {
                    say(&format!("Port {first} is taken by another program; using {port}."));
                }
                return Ok(listening);
            }
            Err(ServeError::Listen { source, .. }) if source.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(error.into()),
        }
    }
    if tries == 1 {
        anyhow::bail!("port {first} is taken by another program; stop it, or set PORT to another port");
    }
    anyhow::bail!("ports {first} to {} are all taken; set PORT to a free one", first + tries - 1)
}

/// How a browser of this machine gets there.
pub fn url(address: SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("http://localhost:{}", address.port()),
        false => format!("http://{address}"),
    }
}

/// A file with the URL, for as long as the API runs.
pub struct Note(PathBuf);

impl Note {
    /// Writes it.
    pub fn leave(data: &Path, url: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data).with_context(|| format!("creating {}", data.display()))?;
        let path = data.join(NOTE);
        std::fs::write(&path, format!("{url}\n")).with_context(|| format!("writing {}", path.display()))?;
        Ok(Self(path))
    }

    /// What a running `renewals up` has left.
    pub fn read(data: &Path) -> Option<String> {
        std::fs::read_to_string(data.join(NOTE)).ok().map(|text| text.trim().to_owned())
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(%error, "the note of the API's address is still there");
        }
    }
}
