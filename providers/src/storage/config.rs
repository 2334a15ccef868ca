//! Which store, and how to reach it.

use super::StorageError;
use crate::config::{ConfigFault, Settings};
use object_store::{
    ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder, azure::MicrosoftAzureBuilder,
    local::LocalFileSystem, path::Path,
};
use secrecy::{ExposeSecret, SecretString};
use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

/// Where files are kept without any setting.
const DEFAULT_DIR: &str = ".local/storage";
/// The longest one call to a store may take: a part of a file over a slow line.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// The longest a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a call is repeated after a transient fault.
const RETRIES: usize = 5;

/// A place and the folder in it.
#[derive(Debug, Clone)]
pub struct StorageConfig {
    /// The place.
    pub place: Place,
    /// Put before every key; may be empty.
    pub folder: String,
}

/// A place for files.
#[derive(Debug, Clone)]
pub enum Place {
    /// A folder of this machine.
    Local {
        /// Its path.
        dir: PathBuf,
    },
    /// Amazon S3, or what speaks its protocol.
    S3 {
        /// The bucket.
        bucket: String,
        /// The region.
        region: String,
        /// Access key id and secret; without them the machine's own role is used.
        keys: Option<(String, SecretString)>,
        /// Another endpoint than Amazon's.
        endpoint: Option<String>,
    },
    /// Azure Blob.
    Azure {
        /// The account.
        account: String,
        /// The account's key.
        key: SecretString,
        /// The container.
        container: String,
        /// Another endpoint than the account's own.
        endpoint: Option<String>,
    },
}

impl StorageConfig {
    /// A local folder.
    pub fn local(dir: impl Into<PathBuf>) -> Self {
        Self { place: Place::Local { dir: dir.into() }, folder: String::new() }
    }

    /// `S3_BUCKET_NAME` chooses S3 (with `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `S3_UPLOAD_FOLDER`, `AWS_ENDPOINT_URL`), `AZURE_STORAGE_CONNECTION_STRING` chooses Azure Blob (with
    /// `AZURE_CONTAINER_NAME`), else the folder `STORAGE_DIR`.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigFault>> {
        let mut settings = Settings::new(lookup);
        let folder = settings.optional("S3_UPLOAD_FOLDER").unwrap_or_default();
        let config = match (settings.optional("S3_BUCKET_NAME"), settings.optional("AZURE_STORAGE_CONNECTION_STRING")) {
            (Some(_), Some(_)) => {
                settings.fault("S3_BUCKET_NAME", "set either this or AZURE_STORAGE_CONNECTION_STRING, not both");
                Self::local(DEFAULT_DIR)
            }
            (Some(bucket), None) => Self { place: s3(&mut settings, bucket), folder },
            (None, Some(connection)) => Self { place: azure(&mut settings, &connection), folder: String::new() },
            (None, None) => Self::local(settings.optional("STORAGE_DIR").unwrap_or_else(|| DEFAULT_DIR.to_owned())),
        };
        if Path::parse(&config.folder).is_err() {
            settings.fault("S3_UPLOAD_FOLDER", "expected a folder such as uploads/renewals");
        }
        settings.finish(config)
    }

    pub(super) fn open(&self) -> Result<(Arc<dyn ObjectStore>, Path), StorageError> {
        crate::http::install_tls();
        let store = |source| StorageError::Store(Box::new(source));
        let prefix = Path::parse(&self.folder).map_err(|_| StorageError::Key { key: self.folder.clone() })?;
        let opened: Arc<dyn ObjectStore> = match &self.place {
            Place::Local { dir } => {
                make_private(dir)?;
                // a row that says a file is kept must not outlive the file in a power cut
                Arc::new(LocalFileSystem::new_with_prefix(dir).map_err(store)?.with_fsync(true))
            }
            Place::S3 { bucket, region, keys, endpoint } => {
                let mut builder = AmazonS3Builder::new()
                    .with_bucket_name(bucket)
                    .with_region(region)
                    .with_client_options(client_options(endpoint.as_deref()))
                    .with_retry(retry());
                if let Some((id, secret)) = keys {
                    builder = builder.with_access_key_id(id).with_secret_access_key(secret.expose_secret());
                }
                if let Some(endpoint) = endpoint {
                    builder = builder.with_endpoint(endpoint);
                }
                Arc::new(builder.build().map_err(store)?)
            }
            Place::Azure { account, key, container, endpoint } => {
                let mut builder = MicrosoftAzureBuilder::new()
                    .with_account(account)
                    .with_access_key(key.expose_secret())
                    .with_container_name(container)
                    .with_client_options(client_options(endpoint.as_deref()))
                    .with_retry(retry());
                if let Some(endpoint) = endpoint {
                    builder = builder.with_endpoint(endpoint.clone());
                }
                Arc::new(builder.build().map_err(store)?)
            }
        };
        Ok((opened, prefix))
    }
}

fn client_options(endpoint: Option<&str>) -> ClientOptions {
    ClientOptions::new()
        .with_timeout(CALL_TIMEOUT)
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_allow_http(endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")))
}

fn retry() -> RetryConfig {
    RetryConfig { max_retries: RETRIES, retry_timeout: CALL_TIMEOUT, ..RetryConfig::default() }
}

/// The files hold people's data: nobody else on the machine reads them.
fn make_private(dir: &PathBuf) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn s3(settings: &mut Settings<'_>, bucket: String) -> Place {
    let region = settings.required("AWS_REGION", "S3 needs the bucket's region");
    let keys = match (settings.optional("AWS_ACCESS_KEY_ID"), settings.optional("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => Some((id, SecretString::from(secret))),
        (None, None) => None,
        (Some(_), None) => {
            settings.fault("AWS_SECRET_ACCESS_KEY", "is not set, but AWS_ACCESS_KEY_ID is");
            None
        }
        (None, Some(_)) => {
            settings.fault("AWS_ACCESS_KEY_ID", "is not set, but AWS_SECRET_ACCESS_KEY is");
            None
        }
    };
    let endpoint = settings.optional("AWS_ENDPOINT_URL");
    if endpoint.as_deref().is_some_and(|text| !is_http(text)) {
        settings.fault("AWS_ENDPOINT_URL", "expected an address such as https://s3.example.com");
    }
    Place::S3 { bucket, region, keys, endpoint }
}

/// `AccountName=…;AccountKey=…;EndpointSuffix=…` or with `BlobEndpoint=…`, as the portal shows it.
fn azure(settings: &mut Settings<'_>, connection: &str) -> Place {
    const VARIABLE: &str = "AZURE_STORAGE_CONNECTION_STRING";
    let fields: HashMap<&str, &str> = connection.split(';').filter_map(|field| field.trim().split_once('=')).collect();
    let container = settings.required("AZURE_CONTAINER_NAME", "Azure Blob needs a container");
    let mut field = |name: &str| {
        fields.get(name).map(|value| (*value).to_owned()).unwrap_or_else(|| {
            settings.fault(VARIABLE, format!("has no {name}"));
            String::new()
        })
    };
    let (account, key) = (field("AccountName"), SecretString::from(field("AccountKey")));
    let protocol = fields.get("DefaultEndpointsProtocol").copied().unwrap_or("https");
    let endpoint = match (fields.get("BlobEndpoint"), fields.get("EndpointSuffix")) {
        (Some(endpoint), _) => Some((*endpoint).to_owned()),
        (None, Some(suffix)) => Some(format!("{protocol}://{account}.blob.{suffix}")),
        (None, None) => None,
    };
    if endpoint.as_deref().is_some_and(|text| !is_http(text)) {
        settings.fault(VARIABLE, "has an endpoint that is no address");
    }
    Place::Azure { account, key, container, endpoint }
}

fn is_http(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<StorageConfig, Vec<ConfigFault>> {
        let map: HashMap<String, String> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        StorageConfig::from_env(&|name| map.get(name).cloned())
    }

    #[test]
    fn without_settings_files_are_kept_in_a_folder() {
        let Place::Local { dir } = read(&[("AWS_REGION", "eu-west-1")]).unwrap().place else { panic!() };
        assert_eq!(dir, PathBuf::from(".local/storage"));
    }

    #[test]
    fn a_bucket_chooses_s3() {
        let config = read(&[
            ("S3_BUCKET_NAME", "b"),
            ("AWS_REGION", "ap-south-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "topsecret"),
            ("S3_UPLOAD_FOLDER", "renewals/uploads"),
        ])
        .unwrap();
        assert!(matches!(&config.place, Place::S3 { region, .. } if region == "ap-south-1"));
        assert_eq!(config.folder, "renewals/uploads");
        assert!(!format!("{config:?}").contains("topsecret"));
    }

    #[test]
    fn a_connection_string_chooses_azure() {
        let text = "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5PT0=;EndpointSuffix=core.windows.net";
        let pairs = [("AZURE_STORAGE_CONNECTION_STRING", text), ("AZURE_CONTAINER_NAME", "c")];
        let Place::Azure { account, key, endpoint, .. } = read(&pairs).unwrap().place else { panic!() };
        assert_eq!((account.as_str(), key.expose_secret()), ("acc", "a2V5PT0="));
        assert_eq!(endpoint.as_deref(), Some("https://acc.blob.core.windows.net"));
    }

    #[test]
    fn faults_are_named() {
        let names = |pairs: &[(&str, &str)]| -> Vec<&'static str> {
            read(pairs).unwrap_err().iter().map(|fault| fault.variable).collect()
        };
        assert_eq!(
            names(&[("S3_BUCKET_NAME", "b"), ("AWS_ACCESS_KEY_ID", "i"), ("AWS_ENDPOINT_URL", "minio:9000")]),
            ["AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"]
        );
        assert_eq!(
            names(&[("AZURE_STORAGE_CONNECTION_STRING", "x")]),
            ["AZURE_CONTAINER_NAME", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_CONNECTION_STRING"]
        );
        assert_eq!(names(&[("S3_BUCKET_NAME", "b"), ("AZURE_STORAGE_CONNECTION_STRING", "x")]), ["S3_BUCKET_NAME"]);
    }
}
