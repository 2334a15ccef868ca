//! Messages as the job that applies events sees them: locked, looked at, and written back.

use crate::{DbError, names::Known, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Numeric, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::{BounceKind, Channel, MessageStatus, Progress, price::Cost};

/// A message that events are about.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracked {
    /// The message.
    pub id: i64,
    /// Its campaign.
    pub campaign_id: Option<i64>,
    /// Its recipient, when they are a customer.
    pub customer_id: Option<i64>,
    /// How it went out.
    pub channel: Channel,
    /// Where.
    pub address: String,
    /// Which step of which reply flow it is.
    pub flow: Option<(i64, String)>,
    /// The renewal case it is about.
    pub case_id: Option<i64>,
    /// The provider that has it.
    pub provider: Option<String>,
    /// Under this id.
    pub provider_message_id: Option<String>,
    /// Nobody got it: what comes back of it is made up, and says nothing of its recipient.
    pub rehearsal: bool,
    /// What its provider charges for it, once an event says so.
    pub charged: Option<Cost>,
    /// How far it got.
    pub progress: Progress,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    campaign_id: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    customer_id: Option<i64>,
    #[diesel(sql_type = Text, deserialize_as = Known<Channel>)]
    channel: Channel,
    #[diesel(sql_type = Text)]
    address: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    flow_id: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    flow_step: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    case_id: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    provider: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    provider_message_id: Option<String>,
    #[diesel(sql_type = Bool)]
    rehearsal: bool,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    error_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    error_message: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    sent_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    delivered_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    opened_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    replied_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    failed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    clicked_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    bounced_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    bounce: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    complained_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    unsubscribed_at: Option<DateTime<Utc>>,
}

impl Row {
    fn read(self) -> Result<Tracked, DbError> {
        let status = self.status.parse().map_err(|_| DbError::Unknown { table: "messages", column: "status" })?;
        let bounce = self.bounce.map(|bounce| bounce.parse()).transpose();
        Ok(Tracked {
            id: self.id,
            campaign_id: self.campaign_id,
            customer_id: self.customer_id,
            channel: self.channel,
            address: self.address,
            flow: self.flow_id.zip(self.flow_step),
            case_id: self.case_id,
            provider: self.provider,
            provider_message_id: self.provider_message_id,
            rehearsal: self.rehearsal,
            charged: None,
            progress: Progress {
                status,
                error_code: self.error_code,
                error_message: self.error_message,
                sent_at: self.sent_at,
                delivered_at: self.delivered_at,
                opened_at: self.opened_at,
                replied_at: self.replied_at,
                failed_at: self.failed_at,
                clicked_at: self.clicked_at,
                bounced_at: self.bounced_at,
                bounce: bounce.map_err(|_| DbError::Unknown { table: "messages", column: "bounce" })?,
                complained_at: self.complained_at,
                unsubscribed_at: self.unsubscribed_at,
            },
        })
    }
}

/// Locks the messages with these ids and those that providers know by these (provider, id) pairs, in the order of
/// their ids.
pub async fn lock(
    connection: &mut AsyncPgConnection,
    ids: &[i64],
    known_as: &[(&str, &str)],
) -> Result<Vec<Tracked>, DbError> {
    let (providers, provider_ids): (Vec<&str>, Vec<&str>) = known_as.iter().copied().unzip();
    let rows: Vec<Row> =
        sql("SELECT m.id, m.campaign_id, m.customer_id, m.channel::TEXT, m.address, m.flow_id, m.flow_step, m.case_id, \
                m.clicked_at, m.bounced_at, m.bounce, m.complained_at, m.unsubscribed_at, m.provider, m.provider_message_id, m.rehearsal, m.status, m.error_code, m.error_message, \
                m.sent_at, m.delivered_at, m.opened_at, m.replied_at, m.failed_at \
         FROM messages m \
         WHERE m.id = ANY(ARRAY( \
            SELECT unnest($1::BIGINT[]) \
            UNION \
            SELECT o.id FROM unnest($2::TEXT[], $3::TEXT[]) AS k (provider, known_as) \
            JOIN messages o ON o.provider = k.provider AND o.provider_message_id = k.known_as)) \
         ORDER BY m.id FOR UPDATE OF m")
        .bind::<Array<BigInt>, _>(ids)
        .bind::<Array<Text>, _>(providers)
        .bind::<Array<Text>, _>(provider_ids)
        .load(connection)
        .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Writes back messages that were locked in this transaction. What is no longer being sent is held by nobody.
pub async fn write(
    connection: &mut AsyncPgConnection,
    changed: &[&Tracked],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    fn column<'a, T>(changed: &[&'a Tracked], of: impl Fn(&'a Tracked) -> T) -> Vec<T> {
        changed.iter().map(|message| of(message)).collect()
    }
    sql("UPDATE messages m SET status = g.status, provider = g.provider, \
            provider_message_id = COALESCE(m.provider_message_id, g.provider_message_id), \
            error_code = g.error_code, error_message = g.error_message, sent_at = g.sent_at, \
            delivered_at = g.delivered_at, opened_at = g.opened_at, replied_at = g.replied_at, \
            failed_at = g.failed_at, clicked_at = g.clicked_at, bounced_at = g.bounced_at, bounce = g.bounce, \
            complained_at = g.complained_at, unsubscribed_at = g.unsubscribed_at, updated_at = $12, \
            cost = COALESCE(g.cost, m.cost), cost_currency = COALESCE(g.currency, m.cost_currency), \
            send_job = CASE WHEN g.status = $13 THEN m.send_job END, \
            send_attempt = CASE WHEN g.status = $13 THEN m.send_attempt END \
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $14, $15, $16, $17, $18, $19, $20) \
            AS g (id, status, provider, provider_message_id, error_code, error_message, sent_at, delivered_at, \
                  opened_at, replied_at, failed_at, clicked_at, bounced_at, bounce, complained_at, unsubscribed_at, cost, currency) \
         WHERE m.id = g.id")
    .bind::<Array<BigInt>, _>(column(changed, |message| message.id))
    .bind::<Array<Text>, _>(column(changed, |message| message.progress.status.as_str()))
    .bind::<Array<Nullable<Text>>, _>(column(changed, |message| message.provider.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column(changed, |message| message.provider_message_id.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column(changed, |message| message.progress.error_code.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column(changed, |message| message.progress.error_message.as_deref()))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(changed, |message| message.progress.sent_at))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(changed, |message| message.progress.delivered_at))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(changed, |message| message.progress.opened_at))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(changed, |message| message.progress.replied_at))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(changed, |message| message.progress.failed_at))
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(MessageStatus::Sending.as_str())
    .bind::<Array<Nullable<Timestamptz>>, _>(column(changed, |message| message.progress.clicked_at))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(changed, |message| message.progress.bounced_at))
    .bind::<Array<Nullable<Text>>, _>(column(changed, |message| message.progress.bounce.map(BounceKind::as_str)))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(changed, |message| message.progress.complained_at))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(changed, |message| message.progress.unsubscribed_at))
    .bind::<Array<Nullable<Numeric>>, _>(column(changed, |message| message.charged.as_ref().map(|cost| cost.amount)))
    .bind::<Array<Nullable<Text>>, _>(column(changed, |message| {
        message.charged.as_ref().map(|cost| cost.currency.as_str())
    }))
    .execute(connection)
    .await?;
    Ok(())
}
