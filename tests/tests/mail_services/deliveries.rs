//! What both webhooks' tests look at.

use chrono::{DateTime, Utc};
use tests::http::TestApi;
use tokio_postgres::{Client, NoTls};

/// The time deliveries are of: that of the API.
pub fn now(api: &TestApi) -> DateTime<Utc> {
    api.state.services.clock.now()
}

/// The database behind the API.
pub async fn database(api: &TestApi) -> Client {
    let (client, connection) = tokio_postgres::connect(api.base.database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// One number.
pub async fn number(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

/// Every event that is kept, in words.
pub async fn kept(client: &Client) -> Vec<String> {
    let rows = client
        .query(
            "SELECT concat_ws(' ', provider, kind, status, feedback, bounce, message_id, provider_message_id, address, \
             CASE WHEN automatic THEN 'automatic' END, url) FROM provider_events ORDER BY 1",
            &[],
        )
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
