//! A book of policies, written straight into the tables, and looks behind the API.

use tests::base::Base;
use tokio_postgres::{Client, NoTls, types::ToSql};

/// A plain connection to the test's database.
pub async fn connect(base: &Base) -> Client {
    let (client, connection) = tokio_postgres::connect(base.database.url(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// One customer with one policy that runs out `days` from now, and its case. Names, numbers and the phone follow from
/// `number`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Tells entries apart.
    pub number: i64,
    /// The customer's phone; `None`: none.
    pub phone: Option<String>,
    /// Days until the policy's last day.
    pub days: i32,
    /// The policy's kind.
    pub kind: &'static str,
    /// The policy's premium.
    pub premium: i64,
    /// The policy's status.
    pub status: &'static str,
    /// The customer's preferences, as JSON.
    pub preferences: Option<&'static str>,
    /// The case's status and its payment's.
    pub case: (&'static str, &'static str),
    /// The customer's entry, when this is a further policy of theirs.
    pub of: Option<i64>,
    /// The branch's code.
    pub branch: Option<&'static str>,
}

impl Entry {
    /// An ordinary one, 30 days before its end.
    pub fn new(number: i64) -> Self {
        Self {
            number,
            phone: Some(format!("+9198{number:08}")),
            days: 30,
            kind: "Motor",
            premium: 10_000,
            status: "active",
            preferences: None,
            case: ("new", "pending"),
            of: None,
            branch: None,
        }
    }
}

/// Writes the entries as the book of a new upload; answers its number.
pub async fn write(client: &Client, entries: &[Entry]) -> i64 {
    let upload: i64 = client
        .query_one(
            "INSERT INTO file_uploads (filename, original_filename, file_size, file_type, upload_status) \
             VALUES ('book.csv', 'book.csv', 1, 'csv', 'completed') RETURNING id",
            &[],
        )
        .await
        .expect("an upload")
        .get(0);
    for entry in entries {
        let code = format!("C{}", entry.of.unwrap_or(entry.number));
        if entry.of.is_none() {
            let preferences: Option<serde_json::Value> =
                entry.preferences.map(|text| serde_json::from_str(text).expect("JSON"));
            let (first, last) = (format!("First{}", entry.number), format!("Last{}", entry.number));
            let binds: [&(dyn ToSql + Sync); 6] = [&code, &first, &last, &entry.phone, &preferences, &upload];
            client
                .execute(
                    "INSERT INTO customers (customer_code, first_name, last_name, phone, communication_preferences, \
                     upload_id) VALUES ($1, $2, $3, $4, $5, $6)",
                    &binds,
                )
                .await
                .expect("a customer");
        }
        if let Some(branch) = entry.branch {
            let insert = "INSERT INTO branches (code, name) VALUES ($1, $1) ON CONFLICT DO NOTHING";
            client.execute(insert, &[&branch]).await.expect("a branch");
        }
        let policy = format!("P{}", entry.number);
        let binds: [&(dyn ToSql + Sync); 8] =
            [&policy, &code, &entry.kind, &entry.premium, &entry.days, &entry.status, &upload, &entry.branch];
        client
            .execute(
                "INSERT INTO policies (policy_number, customer_id, policy_type, premium_amount, start_date, end_date, \
                 status, created_by_upload, upload_id, branch_id) \
                 SELECT $1, id, $3, $4::INT8, (now() AT TIME ZONE 'Asia/Kolkata')::DATE + $5::INT4 - 365, \
                 (now() AT TIME ZONE 'Asia/Kolkata')::DATE + $5::INT4, $6, $7, $7, \
                 (SELECT b.id FROM branches b WHERE b.code = $8) FROM customers WHERE customer_code = $2",
                &binds,
            )
            .await
            .expect("a policy");
        let (status, payment) = entry.case;
        client
            .execute(
                "INSERT INTO renewal_cases (policy_id, term_end, status, payment_status) \
                 SELECT id, end_date, $2, $3 FROM policies WHERE policy_number = $1",
                &[&policy, &status, &payment],
            )
            .await
            .expect("a case");
    }
    upload
}

/// Writes `count` ordinary entries, quickly.
pub async fn write_many(client: &Client, count: i64) -> i64 {
    let upload = write(client, &[]).await;
    client
        .batch_execute(&format!(
            "INSERT INTO customers (customer_code, first_name, last_name, phone, upload_id) \
             SELECT 'M' || i, 'First' || i, 'Last' || i, '+9197' || lpad(i::TEXT, 8, '0'), {upload} \
             FROM generate_series(1, {count}) i; \
             INSERT INTO policies (policy_number, customer_id, policy_type, premium_amount, start_date, end_date, \
                created_by_upload, upload_id) \
             SELECT 'M' || i, c.id, 'Motor', 10000, current_date - 335, current_date + 30, {upload}, {upload} \
             FROM generate_series(1, {count}) i JOIN customers c ON c.customer_code = 'M' || i; \
             INSERT INTO renewal_cases (policy_id, term_end) \
             SELECT id, end_date FROM policies WHERE upload_id = {upload}; ANALYZE customers, policies, renewal_cases;"
        ))
        .await
        .expect("a book");
    upload
}

/// An approved WhatsApp template; answers its number.
pub async fn template(client: &Client, content: &str) -> i64 {
    client
        .query_one(
            "WITH added AS ( \
                INSERT INTO templates (name, template_type, content, variables, provider_name) \
                VALUES ('Reminder', 'whatsapp', $1, '[\"name\"]', 'renewal_reminder') RETURNING * \
             ) \
             INSERT INTO template_versions \
                (template_id, version, language, is_fallback, content, format, variables, provider_name) \
             SELECT id, version, language, TRUE, content, format, variables, provider_name FROM added \
             RETURNING template_id",
            &[&content],
        )
        .await
        .expect("a template")
        .get(0)
}

/// Rows of a query as text, for comparing.
pub async fn texts(client: &Client, query: &str) -> Vec<String> {
    let rows = client.query(query, &[]).await.expect("an answer");
    rows.iter().map(|row| row.get::<_, String>(0)).collect()
}

/// One number.
pub async fn number(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.expect("an answer").get(0)
}
