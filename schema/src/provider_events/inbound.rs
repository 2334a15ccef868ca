//! What customers wrote to us.

use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::Channel;
use serde_json::Value;
use std::collections::HashMap;

/// One message from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The event that told of it.
    pub event_id: i64,
    /// How it came.
    pub channel: Channel,
    /// Through whom.
    pub provider: String,
    /// The provider's id of it.
    pub provider_message_id: Option<String>,
    /// Who wrote, in E.164 or as an email address.
    pub address: String,
    /// Our message that it answers.
    pub in_reply_to: Option<i64>,
    /// What they wrote.
    pub body: Option<String>,
    /// What they chose.
    pub choice: Option<String>,
    /// What came besides words.
    pub content: Option<Value>,
    /// `stop` or `start`, when that is what it says.
    pub keyword: Option<&'static str>,
    /// When they wrote it.
    pub received_at: DateTime<Utc>,
}

/// An inbound message as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Received {
    /// The event that told of it.
    #[diesel(sql_type = BigInt)]
    pub event_id: i64,
    /// Who wrote, when they are a customer.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub customer_id: Option<i64>,
    /// The renewal case it belongs to.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub case_id: Option<i64>,
}

// Two arms for the address: one condition over both columns has no index, and would read all customers for each row.
/// Records inbound messages, each event once; answers those that are new. The customer is that of the message answered;
/// else whoever has the address, and of several the one we wrote to last. The case is that of the message answered,
/// else the customer's newest that is not done with.
pub async fn insert_inbound(connection: &mut AsyncPgConnection, inbound: &[Inbound]) -> Result<Vec<Received>, DbError> {
    fn column<'a, T>(inbound: &'a [Inbound], of: impl Fn(&'a Inbound) -> T) -> Vec<T> {
        inbound.iter().map(of).collect()
    }
    Ok(sql("INSERT INTO inbound_messages (event_id, channel, address, customer_id, in_reply_to, body, received_at, \
                provider, provider_message_id, case_id, choice, content, keyword) \
         SELECT g.event_id, g.channel, g.address, whose.id, g.in_reply_to, g.body, g.received_at, \
                g.provider, g.provider_message_id, COALESCE(m.case_id, open_case.id), g.choice, g.content, g.keyword \
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS g (event_id, channel, address, in_reply_to, \
                body, received_at, provider, provider_message_id, choice, content, keyword) \
         LEFT JOIN messages m ON m.id = g.in_reply_to \
         LEFT JOIN LATERAL ( \
            SELECT c.id FROM ( \
                SELECT e.id FROM customers e WHERE g.channel = 'email' AND e.email = g.address \
                UNION ALL SELECT p.id FROM customers p WHERE g.channel <> 'email' AND p.phone = g.address \
            ) AS c \
            ORDER BY (SELECT max(o.id) FROM messages o WHERE o.customer_id = c.id AND NOT o.rehearsal) DESC NULLS LAST, c.id LIMIT 1 \
         ) AS who ON m.customer_id IS NULL \
         CROSS JOIN LATERAL (SELECT COALESCE(m.customer_id, who.id) AS id) AS whose \
         LEFT JOIN LATERAL ( \
            SELECT r.id FROM renewal_cases r JOIN policies p ON p.id = r.policy_id \
            WHERE p.customer_id = whose.id AND r.status <> 'renewed' ORDER BY r.id DESC LIMIT 1 \
         ) AS open_case ON m.case_id IS NULL \
         ON CONFLICT (event_id) DO NOTHING RETURNING event_id, customer_id, case_id")
    .bind::<Array<BigInt>, _>(column(inbound, |message| message.event_id))
    .bind::<Array<Text>, _>(column(inbound, |message| message.channel.as_str()))
    .bind::<Array<Text>, _>(column(inbound, |message| message.address.as_str()))
    .bind::<Array<Nullable<BigInt>>, _>(column(inbound, |message| message.in_reply_to))
    .bind::<Array<Nullable<Text>>, _>(column(inbound, |message| message.body.as_deref()))
    .bind::<Array<Timestamptz>, _>(column(inbound, |message| message.received_at))
    .bind::<Array<Text>, _>(column(inbound, |message| message.provider.as_str()))
    .bind::<Array<Nullable<Text>>, _>(column(inbound, |message| message.provider_message_id.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column(inbound, |message| message.choice.as_deref()))
    .bind::<Array<Nullable<Jsonb>>, _>(column(inbound, |message| message.content.as_ref()))
    .bind::<Array<Nullable<Text>>, _>(column(inbound, |message| message.keyword))
    .load(connection)
    .await?)
}

#[derive(QueryableByName)]
struct LastTo {
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Text)]
    address: String,
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The message that somebody most likely answers who does not say which: the last one they were sent on the channel
/// since a time. Asked by (channel, number), answered by the same.
pub async fn last_to(
    connection: &mut AsyncPgConnection,
    asked: &[(Channel, &str)],
    since: DateTime<Utc>,
) -> Result<HashMap<(Channel, String), i64>, DbError> {
    let (channels, addresses): (Vec<&str>, Vec<&str>) =
        asked.iter().map(|(channel, address)| (channel.as_str(), *address)).unzip();
    let rows: Vec<LastTo> = sql("SELECT a.channel, a.address, last.id \
         FROM (SELECT DISTINCT channel, address FROM unnest($1::TEXT[], $2::TEXT[]) AS g (channel, address)) AS a \
         CROSS JOIN LATERAL ( \
            SELECT m.id FROM customers c JOIN messages m ON m.customer_id = c.id AND m.sent_at > $3 \
            WHERE c.phone = a.address AND m.channel = a.channel AND m.address = a.address AND NOT m.rehearsal \
            ORDER BY m.sent_at DESC LIMIT 1) AS last")
    .bind::<Array<Text>, _>(channels)
    .bind::<Array<Text>, _>(addresses)
    .bind::<Timestamptz, _>(since)
    .load(connection)
    .await?;
    let read = |row: LastTo| {
        let unknown = DbError::Unknown { table: "messages", column: "channel" };
        Ok(((row.channel.parse().map_err(|_| unknown)?, row.address), row.id))
    };
    rows.into_iter().map(read).collect()
}

#[derive(QueryableByName)]
struct LastWord {
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Text)]
    address: String,
    #[diesel(sql_type = Timestamptz)]
    received_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    keyword: String,
}

/// When who wrote their last STOP or START, and which it was; of both at one time it is STOP. Asked by
/// (channel, address), answered by the same.
pub async fn last_words(
    connection: &mut AsyncPgConnection,
    asked: &[(Channel, &str)],
) -> Result<HashMap<(Channel, String), (DateTime<Utc>, String)>, DbError> {
    let (channels, addresses): (Vec<&str>, Vec<&str>) =
        asked.iter().map(|(channel, address)| (channel.as_str(), *address)).unzip();
    let rows: Vec<LastWord> = sql("SELECT a.channel, a.address, last.received_at, last.keyword \
         FROM unnest($1::TEXT[], $2::TEXT[]) AS a (channel, address) \
         CROSS JOIN LATERAL ( \
            SELECT i.received_at, i.keyword::TEXT FROM inbound_messages i \
            WHERE i.channel = a.channel AND i.address = a.address AND i.keyword IS NOT NULL \
            ORDER BY i.received_at DESC, i.keyword DESC LIMIT 1) AS last")
    .bind::<Array<Text>, _>(channels)
    .bind::<Array<Text>, _>(addresses)
    .load(connection)
    .await?;
    let read = |row: LastWord| {
        let unknown = DbError::Unknown { table: "inbound_messages", column: "channel" };
        let channel = row.channel.parse().map_err(|_| unknown)?;
        Ok(((channel, row.address), (row.received_at, row.keyword)))
    };
    rows.into_iter().map(read).collect()
}
