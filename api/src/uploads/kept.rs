//! A stored object that nothing refers to yet: it goes when its owner does, unless a row has taken it over.
//!
//! Removing is best effort: what the store refuses to remove is logged with its key, and costs room only.

use providers::storage::Storage;

/// An object of ours until [`Kept::hand_over`].
#[derive(Debug)]
pub struct Kept {
    storage: Storage,
    key: String,
    owned: bool,
}

impl Kept {
    /// Takes on what will lie, or lies, under the key.
    pub fn new(storage: Storage, key: String) -> Self {
        Self { storage, key, owned: true }
    }

    /// Where it lies.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A row refers to it now.
    pub fn hand_over(mut self) {
        self.owned = false;
    }

    /// Removes it before going on.
    pub async fn remove(mut self) {
        self.owned = false;
        remove(&self.storage, &self.key).await;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        let (storage, key) = (self.storage.clone(), std::mem::take(&mut self.key));
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { remove(&storage, &key).await })),
            Err(_) => tracing::warn!(key, "an object that nothing refers to remains in the store"),
        }
    }
}

/// Removes an object that nothing refers to any more.
pub async fn remove(storage: &Storage, key: &str) {
    if let Err(error) = storage.delete(key).await {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(key, error, "an object that nothing refers to remains in the store");
    }
}
