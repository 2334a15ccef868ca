//! One of every kind of row that belongs to somebody, all with a mark in their texts by which they are known again.

use crate::ground::Ground;
use domain::ids::{BranchId, UserId};
use std::sync::atomic::{AtomicU32, Ordering};
use uuid::Uuid;

/// Rows that belong together.
#[derive(Debug, Clone)]
pub struct World {
    /// Stands in every text of these rows and nowhere else.
    pub mark: String,
    /// A customer's phone number, which stands nowhere else either.
    pub phone: String,
    pub owner: UserId,
    pub branch: BranchId,
    pub upload: i64,
    /// An upload whose pieces are coming in.
    pub receiving: i64,
    pub customer: i64,
    pub policy: i64,
    pub case: i64,
    pub campaign: i64,
    pub job: Uuid,
    /// Templates are everybody's.
    pub template: i64,
    /// So are the templates and flows of the WhatsApp account.
    pub whatsapp_template: i64,
    pub flow: i64,
    /// Another person of the branch.
    pub person: i64,
    /// The owner's address.
    pub email: String,
    /// A role that nobody holds. Roles are everybody's.
    pub role: i64,
    /// A key of the owner's.
    pub api_key: i64,
    /// A session of the owner's.
    pub session: Uuid,
}

const MAKE: &str = "WITH \
    u AS (INSERT INTO file_uploads (filename, original_filename, file_size, file_type, upload_status, uploaded_by, \
        branch_id, scope, upload_path, error_report_path, processing_started_at, processing_completed_at) \
        VALUES ($1 || '.csv', $1 || '.csv', 4, 'csv', 'completed', $3, $4, 'branch', 'kept/original', 'kept/errors', \
          now(), now()) RETURNING id), \
    v AS (INSERT INTO file_uploads (filename, original_filename, file_size, file_type, upload_status, uploaded_by, \
        branch_id, scope) VALUES ($1 || '.csv', $1 || '.csv', 4, 'unknown', 'receiving', $3, $4, 'branch') RETURNING id), \
    b AS (INSERT INTO upload_batches (upload_id, file_name, status, total_records, processed_records, failed_records) \
        SELECT id, $1, 'completed', 2, 2, 1 FROM u RETURNING id), \
    e AS (INSERT INTO upload_row_errors (upload_id, row_number, column_name, value, code, message) \
        SELECT id, 2, 'Phone', $1, 'bad_phone', $1 FROM u), \
    c AS (INSERT INTO customers (customer_code, first_name, last_name, email, phone, date_of_birth, address, \
        kyc_documents, upload_id) \
        SELECT $1 || '-C', $1, 'Rao', $1 || '@example.com', $2, '1980-05-17', \
          jsonb_build_object('line', $1 || ' Road', 'city', 'Pune'), \
          jsonb_build_array(jsonb_build_object('type', 'pan', 'number', $1)), id FROM u RETURNING id), \
    p AS (INSERT INTO policies (policy_number, customer_id, policy_type, premium_amount, start_date, end_date, \
        branch_id, agent_id, upload_id, upload_row) \
        SELECT $1 || '-P', c.id, 'motor', 12500, '2025-04-01', '2026-03-31', $4, $3, u.id, 2 FROM c, u RETURNING id), \
    k AS (INSERT INTO renewal_cases (case_number, policy_id, term_end, batch_id, branch_id, agent_id) \
        SELECT $1 || '-K', p.id, '2026-03-31', b.id, $4, $3 FROM p, b RETURNING id), \
    t AS (INSERT INTO templates (name, template_type, content) VALUES ('Reminder', 'whatsapp', 'Dear {name}') RETURNING *), \
    tv AS (INSERT INTO template_versions (template_id, version, language, is_fallback, content, format, variables) \
        SELECT id, version, language, TRUE, content, format, variables FROM t), \
    g AS (INSERT INTO campaigns (group_id, name, campaign_type, status, upload_id, template_id, created_by, scope, \
        branch_id, audience_ready, target_count) \
        SELECT gen_random_uuid(), $1, 'whatsapp', 'paused', u.id, t.id, $3, 'branch', $4, TRUE, 1 FROM u, t RETURNING id), \
    m AS (INSERT INTO messages (campaign_id, customer_id, policy_id, channel, template_id, address, status) \
        SELECT g.id, c.id, p.id, 'whatsapp', t.id, $2, 'sent' FROM g, c, p, t), \
    x AS (INSERT INTO campaign_exclusions (campaign_id, customer_id, policy_id, reason) \
        SELECT g.id, c.id, p.id, 'no_phone' FROM g, c, p), \
    j AS (INSERT INTO jobs (id, kind, queue, payload, state, run_at, max_attempts, created_by, progress_note) \
        VALUES ($5, 'noop', 'maintenance', '{}', 'scheduled', now() + interval '1 day', 3, $3, $1)), \
    s AS (INSERT INTO sessions (id, user_id, method, device_name, created_at, last_seen_at, idle_until, expires_at) \
        VALUES ($6, $3, 'password', $1, now(), now(), now() + interval '1 day', now() + interval '1 day')), \
    q AS (INSERT INTO users (email, password_hash, first_name, last_name, role_id, branch_id) \
        VALUES ($1 || '@example.com', 'none', $1, 'Person', (SELECT id FROM roles WHERE name = 'read_only'), $4) \
        RETURNING id), \
    o AS (INSERT INTO roles (name, display_name, permissions, scope) \
        VALUES (replace($1, 'mark', 'role'), 'Nobody', '[]', 'own') RETURNING id), \
    a AS (INSERT INTO api_keys (prefix, key_hash, name, user_id, permissions, created_by) \
        VALUES ($1, sha256($1::text::bytea), $1, $3, '[]', $3) RETURNING id), \
    f AS (INSERT INTO upload_mappings (name, mapping) VALUES (replace($1, 'mark', 'map'), '{}')), \
    wt AS (INSERT INTO whatsapp_templates (name, category, language, status, template_data) \
        VALUES (replace($1, 'mark', 'wt'), 'utility', 'en', 'draft', \
          '{\"components\": [{\"type\": \"BODY\", \"text\": \"Hello\"}]}') RETURNING id), \
    wf AS (INSERT INTO whatsapp_flows (name, kind, definition) VALUES (replace($1, 'mark', 'wf'), 'reply', \
        '{\"start\": \"a\", \"steps\": {\"a\": {\"content\": {\"type\": \"text\", \"body\": \"Hello\"}}}}') RETURNING id) \
    SELECT u.id, v.id, c.id, p.id, k.id, g.id, t.id, q.id, o.id, a.id, (SELECT email FROM users WHERE id = $3), \
    wt.id, wf.id FROM u, v, c, p, k, g, t, q, o, a, wt, wf";

impl World {
    pub async fn make(ground: &Ground, owner: UserId, branch: BranchId) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (mark, phone) = (format!("mark{number:06}"), format!("+9198{number:08}"));
        let (job, session) = (Uuid::now_v7(), Uuid::now_v7());
        let client = &ground.client;
        let made =
            client.query_one(MAKE, &[&mark, &phone, &owner.0, &branch.0, &job, &session]).await.expect("a world");
        let id = |place: usize| made.get::<_, i64>(place);
        Self {
            upload: id(0),
            receiving: id(1),
            customer: id(2),
            policy: id(3),
            case: id(4),
            campaign: id(5),
            template: id(6),
            person: id(7),
            role: id(8),
            api_key: id(9),
            email: made.get(10),
            whatsapp_template: id(11),
            flow: id(12),
            mark,
            phone,
            owner,
            branch,
            job,
            session,
        }
    }

    /// Whether a text tells something of these rows.
    pub fn is_told_by(&self, text: &str) -> bool {
        text.contains(&self.mark) || text.contains(&self.phone)
    }
}
