//! What customers wrote to us.

use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::Channel;

/// One message from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The event that told of it.
    pub event_id: i64,
    /// Who wrote, in E.164 or as an email address.
    pub address: String,
    /// Our message that it answers.
    pub in_reply_to: Option<i64>,
    /// What they wrote.
    pub body: Option<String>,
    /// When they wrote it.
    pub received_at: DateTime<Utc>,
}

/// Records inbound messages, each event once. The customer is that of the message answered; else whoever has the
/// number, and of several the one we wrote to last.
pub async fn insert_inbound(
    connection: &mut AsyncPgConnection,
    channel: Channel,
    inbound: &[Inbound],
) -> Result<usize, DbError> {
    fn column<'a, T>(inbound: &'a [Inbound], of: impl Fn(&'a Inbound) -> T) -> Vec<T> {
        inbound.iter().map(of).collect()
    }
    let by_address = match channel {
        Channel::Email => "email",
        Channel::Whatsapp | Channel::Sms => "phone",
    };
    let statement = format!(
        "INSERT INTO inbound_messages (event_id, channel, address, customer_id, in_reply_to, body, received_at) \
         SELECT g.event_id, $1, g.address, COALESCE(m.customer_id, who.id), g.in_reply_to, g.body, g.received_at \
         FROM unnest($2, $3, $4, $5, $6) AS g (event_id, address, in_reply_to, body, received_at) \
         LEFT JOIN messages m ON m.id = g.in_reply_to \
         LEFT JOIN LATERAL ( \
            SELECT c.id FROM customers c WHERE c.{by_address} = g.address \
            ORDER BY (SELECT max(o.id) FROM messages o WHERE o.customer_id = c.id) DESC NULLS LAST, c.id LIMIT 1 \
         ) AS who ON m.customer_id IS NULL \
         ON CONFLICT (event_id) DO NOTHING"
    );
    Ok(sql_query(statement)
        .bind::<Text, _>(channel.as_str())
        .bind::<Array<BigInt>, _>(column(inbound, |message| message.event_id))
        .bind::<Array<Text>, _>(column(inbound, |message| message.address.as_str()))
        .bind::<Array<Nullable<BigInt>>, _>(column(inbound, |message| message.in_reply_to))
        .bind::<Array<Nullable<Text>>, _>(column(inbound, |message| message.body.as_deref()))
        .bind::<Array<Timestamptz>, _>(column(inbound, |message| message.received_at))
        .execute(connection)
        .await?)
}
