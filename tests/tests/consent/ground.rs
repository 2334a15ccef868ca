//! Customers and messages, written straight into the tables.

use domain::ids::CustomerId;
use serde_json::Value;
use tests::diesel_schema::connect;
use tokio_postgres::Client;

/// The database of a test, to look behind the API.
pub async fn client(url: &str) -> Client {
    connect(url).await
}

/// A customer with this phone, and an address for mail that follows from their code.
pub async fn customer(client: &Client, code: &str, phone: &str) -> CustomerId {
    let insert = "INSERT INTO customers (customer_code, first_name, last_name, phone, email) \
                  VALUES ($1::TEXT, 'Asha', 'Rao', $2, lower($1::TEXT) || '@example.com') RETURNING id";
    CustomerId(client.query_one(insert, &[&code, &phone]).await.expect("a customer").get(0))
}

/// A message to a customer, in that status, sent that many hours ago.
pub async fn message(
    client: &Client,
    customer: CustomerId,
    channel: &str,
    purpose: &str,
    status: &str,
    sent_hours_ago: Option<i32>,
) -> i64 {
    let insert = "INSERT INTO messages (customer_id, channel, purpose, status, sent_at, address, topic) \
                  SELECT id, $2::TEXT, $3::TEXT, $4::TEXT, now() - make_interval(hours => $5::INT4), \
                      CASE WHEN $2::TEXT = 'email' THEN email ELSE phone END, 'offers' \
                  FROM customers WHERE id = $1 RETURNING id";
    let binds: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&customer.0, &channel, &purpose, &status, &sent_hours_ago];
    client.query_one(insert, &binds).await.expect("a message").get(0)
}

/// One value of JSON, made by a query.
pub async fn value(client: &Client, query: &str) -> Value {
    let query = format!("SELECT COALESCE(jsonb_agg(to_jsonb(x)), '[]') FROM ({query}) x");
    client.query_one(&query, &[]).await.expect("a value").get(0)
}
