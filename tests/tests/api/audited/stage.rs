//! What the cases stand on: somebody who may do everything, and things to do it to.

use domain::{
    ids::{CampaignId, CustomerId, TemplateId, UploadId},
    permissions::SystemRole,
};
use jobs::{NewJob, Priority, Queue};
use schema::uploads::file::{self, NewUpload};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::{
    diesel_schema::connect,
    http::{Call, TestApi, TestUser},
};
use tokio_postgres::Client;
use uuid::Uuid;

/// The pieces' file.
pub const BOOK: &str = "Policy Number,Customer Name,Policy Type,Premium,Start Date,End Date\r\n\
    P-1,Asha Rao,motor,12500.00,01/04/2025,31/03/2026\r\n";

/// An administrator of one case's own.
pub struct Stage<'a> {
    pub api: &'a TestApi,
    pub user: TestUser,
}

impl<'a> Stage<'a> {
    pub async fn new(api: &'a TestApi) -> Self {
        Self { api, user: api.user(SystemRole::Administrator).await }
    }

    pub fn post(&self, path: &str) -> Call {
        self.api.post(path).by(&self.user)
    }

    pub fn put(&self, path: &str) -> Call {
        self.api.put(path).by(&self.user)
    }

    pub fn delete(&self, path: &str) -> Call {
        self.api.delete(path).by(&self.user)
    }

    /// Entries of the audit log.
    pub async fn entries(&self) -> i64 {
        let client = connect(self.api.base.database.url()).await;
        client.query_one("SELECT count(*) FROM audit_log", &[]).await.unwrap().get(0)
    }

    /// A list of customers that is the caller's own.
    pub async fn segment(&self) -> String {
        let name = format!("list {}", self.entries().await);
        let made = self.post("/api/segments").json(&json!({"name": name})).send().await.data(201);
        made["id"].as_str().unwrap().to_owned()
    }

    /// A template for WhatsApp.
    pub async fn template(&self) -> TemplateId {
        let written = self.post("/api/templates").json(&template()).send().await.data(201);
        written["templateId"].as_str().unwrap().parse().unwrap()
    }

    /// What asks for a campaign a month ahead.
    pub async fn campaign_request(&self) -> Value {
        let at = self.api.state.services.clock.now() + chrono::TimeDelta::days(30);
        json!({
            "name": "May", "type": ["whatsapp"], "templates": {"whatsapp": self.template().await},
            "scheduleType": "scheduled", "scheduledAt": at, "targetAudience": "all",
        })
    }

    /// A campaign that waits for its time.
    pub async fn campaign(&self) -> CampaignId {
        let request = self.campaign_request().await;
        let written = self.post("/api/campaigns").json(&request).send().await.data(201);
        written["campaigns"][0]["id"].as_str().unwrap().parse().unwrap()
    }

    /// One that is only written down.
    pub async fn draft(&self) -> CampaignId {
        let mut request = self.campaign_request().await;
        request["asDraft"] = json!(true);
        let written = self.post("/api/campaigns").json(&request).send().await.data(201);
        written["campaigns"][0]["id"].as_str().unwrap().parse().unwrap()
    }

    /// A campaign that stands as the statement leaves it; `$1` is its number.
    pub async fn campaign_after(&self, statement: &str) -> CampaignId {
        let id = self.campaign().await;
        let client = connect(self.api.base.database.url()).await;
        client.execute(statement, &[&id.0]).await.unwrap();
        id
    }

    /// A ladder that is a draft.
    pub async fn ladder_request(&self) -> Value {
        let template = self.template().await;
        let step = json!({"days": -30, "at": "10:00", "channel": "whatsapp", "templateId": template});
        json!({"name": "Ladder", "targetAudience": "all", "draft": true, "steps": [step]})
    }

    /// A policy holder.
    pub async fn customer(&self) -> CustomerId {
        let client = connect(self.api.base.database.url()).await;
        let made = "INSERT INTO customers (customer_code, first_name, last_name, email) \
                    VALUES (gen_random_uuid()::TEXT, 'Asha', 'Rao', 'asha.rao@example.com') RETURNING id";
        CustomerId(client.query_one(made, &[]).await.unwrap().get(0))
    }

    /// An account that waits for a person.
    pub async fn paused_account(&self) {
        let client = connect(self.api.base.database.url()).await;
        let paused = "INSERT INTO sending_accounts (account, channel, provider, paused_at, paused_reason) \
                      VALUES ('sandbox', 'whatsapp', 'sandbox', now(), 'for the test')";
        client.execute(paused, &[]).await.unwrap();
    }

    /// A job that waits.
    pub async fn job(&self) -> Uuid {
        let job = NewJob {
            id: Uuid::now_v7(),
            kind: "for_the_test",
            queue: Queue::Uploads,
            priority: Priority::Low,
            payload: json!({}),
            run_at: None,
            max_attempts: 1,
            unique_key: None,
            parent: None,
            waits_for: None,
            created_by: None,
            wakes: false,
        };
        self.api.state.services.enqueue_now(&[job]).await.unwrap()[0].id
    }

    /// An upload that was read.
    pub async fn read_upload(&self) -> UploadId {
        let row = NewUpload {
            filename: "May.csv",
            original_filename: "May.csv",
            file_size: 10,
            file_type: "csv",
            sha256: None,
            description: None,
            upload_status: "processing",
            dry_run: false,
            options: None,
            uploaded_by: Some(self.user.id.0),
            branch_id: None,
            scope: "all",
            upload_path: None,
            job_id: None,
        };
        let id = file::insert(&mut *self.api.connection().await, &row).await.unwrap();
        let read = format!(
            "UPDATE file_uploads SET upload_status = 'completed' WHERE id = {0}; \
             UPDATE upload_batches SET status = 'completed' WHERE upload_id = {0}",
            id.0
        );
        connect(self.api.base.database.url()).await.batch_execute(&read).await.unwrap();
        id
    }

    /// A file that comes in pieces, of which none has.
    pub async fn announced(&self) -> String {
        let announced = self.post("/api/upload/chunked").json(&announcement()).send().await.data(201);
        announced["uploadId"].as_str().unwrap().to_owned()
    }

    /// One of which all have.
    pub async fn sent(&self) -> String {
        let id = self.announced().await;
        self.piece(&id).send().await.data(200);
        id
    }

    /// The only piece.
    pub fn piece(&self, id: &str) -> Call {
        let call = self.put(&format!("/api/upload/chunked/{id}")).header("upload-offset", "0");
        call.body("application/offset+octet-stream", BOOK)
    }

    /// A file in one request; a new one each time.
    pub fn file(&self) -> Call {
        let content = format!("{BOOK}{},Asha Rao,motor,1.00,01/04/2025,31/03/2026\r\n", Uuid::now_v7());
        let head = "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"May.csv\"\r\n\r\n";
        let form = format!("{head}{content}\r\n--XX--\r\n");
        self.post("/api/upload/file").body("multipart/form-data; boundary=XX", form)
    }

    /// Another session of the same person.
    pub async fn other_session(&self) -> String {
        self.api.session(self.user.id).await;
        let listed = self.api.get("/api/auth/sessions").by(&self.user).send().await.data(200);
        let other = listed["sessions"].as_array().unwrap().iter().find(|session| session["isCurrent"] == false);
        other.unwrap()["id"].as_str().unwrap().to_owned()
    }
}

/// A template's text.
pub fn template() -> Value {
    json!({"name": "May", "type": "whatsapp", "content": "Dear {name}"})
}

/// A mapping of headers.
pub fn mapping() -> Value {
    json!({"name": "bank", "mapping": {"Policy": "policyNumber"}})
}

/// What announces [`BOOK`].
pub fn announcement() -> Value {
    json!({"filename": "May.csv", "size": BOOK.len(), "sha256": hex::encode(Sha256::digest(BOOK))})
}

/// Entries that are in no chain.
pub async fn unlinked(client: &Client) -> i64 {
    let query =
        "SELECT count(*) FROM audit_log a WHERE NOT EXISTS (SELECT 1 FROM audit_links l WHERE l.audit_id = a.id)";
    client.query_one(query, &[]).await.unwrap().get(0)
}
