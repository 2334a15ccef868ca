//! Drops the databases of finished tests, beside the tests: a value cannot await in its `Drop`.

use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::admin::Admin;
use crate::servers::quote_identifier;

struct Request {
    admin_url: String,
    database: String,
}

static JANITOR: OnceLock<Sender<Request>> = OnceLock::new();

/// Drops `database` soon; what is left at the end of the process goes with the cluster.
pub(crate) fn drop_database(admin_url: &str, database: &str) {
    let janitor = JANITOR.get_or_init(|| {
        let (sender, receiver) = channel();
        std::thread::spawn(move || work(&receiver));
        sender
    });
    let request = Request { admin_url: admin_url.to_owned(), database: database.to_owned() };
    // the janitor ends only when it could not start
    let _ended = janitor.send(request);
}

fn work(requests: &Receiver<Request>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::warn!(%error, "databases of finished tests are not dropped"),
    };
    for request in requests {
        let outcome = runtime.block_on(async {
            let admin = Admin::connect(&request.admin_url).await?;
            admin.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_identifier(&request.database))).await
        });
        if let Err(error) = outcome {
            tracing::debug!(%error, database = request.database, "the database of a finished test remains");
        }
    }
}
