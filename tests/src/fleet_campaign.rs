//! What fault tests and measurements put before a fleet: a book straight in the tables, and a campaign over it.
//!
//! Panics when either is refused.

use crate::fleet::Fleet;
use domain::messaging::Channel;
use serde_json::json;
use tokio_postgres::{Client, NoTls};

impl Fleet {
    /// A connection, to look behind the programs.
    pub async fn connect(&self) -> Client {
        let (client, connection) =
            tokio_postgres::connect(self.cluster.database_url(), NoTls).await.expect("a connection");
        tokio::spawn(connection);
        client
    }

    /// A customer, a policy and a case each; answers their upload.
    pub async fn write_book(&self, count: usize) -> i64 {
        let client = self.connect().await;
        let book = format!(
            "INSERT INTO file_uploads (filename, original_filename, file_size, file_type, upload_status) \
                VALUES ('book.csv', 'book.csv', 1, 'csv', 'completed'); \
             INSERT INTO upload_batches (upload_id, file_name, status) \
                SELECT id, 'book.csv', 'completed' FROM file_uploads; \
             INSERT INTO customers (customer_code, first_name, last_name, phone, email, upload_id) \
                SELECT 'C' || n, 'First' || n, 'Last' || n, '+9198' || lpad(n::text, 8, '0'), \
                       'person' || n || '@d' || n % 400 || '.example.com', u.id \
                FROM generate_series(1, {count}) n, file_uploads u; \
             INSERT INTO policies (policy_number, customer_id, policy_type, premium_amount, start_date, end_date, \
                    upload_id, created_by_upload) \
                SELECT 'P' || c.id, c.id, 'motor', 10000, current_date - 335, current_date + 30, u.id, u.id \
                FROM customers c, file_uploads u; \
             INSERT INTO renewal_cases (policy_id, term_end, batch_id, renewal_amount) \
                SELECT p.id, p.end_date, b.id, 10000 FROM policies p, upload_batches b; \
             ANALYZE;"
        );
        client.batch_execute(&book).await.expect("a book");
        client.query_one("SELECT id FROM file_uploads", &[]).await.expect("an upload").get(0)
    }

    /// Starts a campaign over everybody in the upload; answers its id.
    pub async fn start_campaign(&self, channel: Channel, upload: i64) -> String {
        let channel = channel.as_str();
        let mut template = json!({
            "name": "Renewal reminder",
            "type": channel,
            "content": "Dear {name}, policy {policy_number} ends on {expiry_date}.",
            "variables": ["name", "policy_number", "expiry_date"],
        });
        if channel == Channel::Email.as_str() {
            template["subject"] = json!("Your policy {policy_number}");
        }
        let template = self.post("/api/templates", template).await["templateId"].clone();
        let campaign = json!({
            "name": "Renewals",
            "type": [channel],
            "uploadId": format!("upload-{upload}"),
            "templates": {channel: template},
            "scheduleType": "immediate",
            "targetAudience": "all",
        });
        let answer = self.post("/api/campaigns", campaign).await;
        answer["campaigns"][0]["id"].as_str().expect("a campaign").to_owned()
    }
}
