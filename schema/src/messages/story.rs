//! One message and all that is known of it, and what was said to and by somebody: for people who ask.

use crate::{DbError, names::Known, reach::has_customer};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Numeric, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    messaging::{Channel, MessageStatus},
    permissions::Reach,
};
use rust_decimal::Decimal;
use serde_json::Value;

/// A message as people ask about it.
#[derive(Debug, Clone, QueryableByName)]
pub struct MessageRow {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub campaign_id: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub customer_id: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub case_id: Option<i64>,
    #[diesel(sql_type = Text, deserialize_as = Known<Channel>)]
    pub channel: Channel,
    #[diesel(sql_type = Text)]
    pub address: String,
    #[diesel(sql_type = Text, deserialize_as = Known<MessageStatus>)]
    pub status: MessageStatus,
    #[diesel(sql_type = Text)]
    pub purpose: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub template_id: Option<i64>,
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
    #[diesel(sql_type = Timestamptz)]
    pub due_at: DateTime<Utc>,
    /// Why it waits.
    #[diesel(sql_type = Nullable<Text>)]
    pub held_for: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub provider: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub account: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub provider_message_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub error_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub error_message: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub bounce: Option<String>,
    #[diesel(sql_type = Nullable<Numeric>)]
    pub cost: Option<Decimal>,
    #[diesel(sql_type = Nullable<Text>)]
    pub cost_currency: Option<String>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub segments: Option<i16>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub sent_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub delivered_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub opened_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub clicked_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub replied_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub failed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub bounced_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub complained_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub unsubscribed_at: Option<DateTime<Utc>>,
    /// Nobody got it.
    #[diesel(sql_type = Bool)]
    pub rehearsal: bool,
}

const COLUMNS: &str = "\
    m.id, m.campaign_id, m.customer_id, m.case_id, m.channel::TEXT, m.address, m.status::TEXT, m.purpose, m.template_id, \
    m.attempts, m.due_at, m.held_for, m.provider, m.account, m.provider_message_id, m.error_code, m.error_message, \
    m.bounce, m.cost, m.cost_currency, m.segments, m.created_at, m.sent_at, m.delivered_at, m.opened_at, m.clicked_at, \
    m.replied_at, m.failed_at, m.bounced_at, m.complained_at, m.unsubscribed_at, m.rehearsal";

/// Whether message `m` is in reach: of a customer in reach, or asked for by the person.
fn has_message(reach: Reach) -> String {
    let of_customer = has_customer(reach, "m.customer_id");
    match reach.user() {
        None => of_customer,
        Some(user) => format!("(m.created_by = {} OR {of_customer})", user.0),
    }
}

/// A message, if it is in reach.
pub async fn find(connection: &mut AsyncPgConnection, reach: Reach, id: i64) -> Result<Option<MessageRow>, DbError> {
    let query = format!("SELECT {COLUMNS} FROM messages m WHERE m.id = $1 AND {}", has_message(reach));
    Ok(sql_query(query).bind::<BigInt, _>(id).get_result(connection).await.optional()?)
}

/// A campaign's message to a customer in reach, the first step of it.
pub async fn of_campaign(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    campaign: i64,
    customer: i64,
) -> Result<Option<MessageRow>, DbError> {
    let query = format!(
        "SELECT {COLUMNS} FROM messages m WHERE m.campaign_id = $1 AND m.customer_id = $2 AND {} \
         ORDER BY m.step LIMIT 1",
        has_message(reach)
    );
    let found = sql_query(query).bind::<BigInt, _>(campaign).bind::<BigInt, _>(customer).get_result(connection).await;
    Ok(found.optional()?)
}

/// One look at whether a message may go out.
#[derive(Debug, Clone, QueryableByName)]
pub struct CheckRow {
    #[diesel(sql_type = Timestamptz)]
    pub checked_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    pub verdict: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub detail: Option<Value>,
}

/// One call to a provider.
#[derive(Debug, Clone, QueryableByName)]
pub struct AttemptRow {
    #[diesel(sql_type = SmallInt)]
    pub attempt: i16,
    #[diesel(sql_type = Text)]
    pub account: String,
    #[diesel(sql_type = Text)]
    pub outcome: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub detail: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub ended_at: DateTime<Utc>,
}

/// One word of a provider.
#[derive(Debug, Clone, QueryableByName)]
pub struct EventRow {
    #[diesel(sql_type = Text)]
    pub provider: String,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub status: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub feedback: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub bounce: Option<String>,
    #[diesel(sql_type = Bool)]
    pub automatic: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub error_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub outcome: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub occurred_at: DateTime<Utc>,
}

/// The most entries of a kind that are told of one message.
const LIMIT: i64 = 200;

/// Every look at a message, oldest first.
pub async fn checks(connection: &mut AsyncPgConnection, message: i64) -> Result<Vec<CheckRow>, DbError> {
    Ok(sql_query(
        "SELECT checked_at, verdict, reason, until, detail FROM message_checks WHERE message_id = $1 ORDER BY id LIMIT $2",
    )
    .bind::<BigInt, _>(message)
    .bind::<BigInt, _>(LIMIT)
    .load(connection)
    .await?)
}

/// Every call about a message, oldest first.
pub async fn attempts(connection: &mut AsyncPgConnection, message: i64) -> Result<Vec<AttemptRow>, DbError> {
    Ok(sql_query(
        "SELECT attempt, account, outcome, code, detail, ended_at FROM message_attempts \
         WHERE message_id = $1 ORDER BY attempt, ended_at LIMIT $2",
    )
    .bind::<BigInt, _>(message)
    .bind::<BigInt, _>(LIMIT)
    .load(connection)
    .await?)
}

/// Everything providers told of a message, oldest first.
pub async fn events(connection: &mut AsyncPgConnection, message: i64) -> Result<Vec<EventRow>, DbError> {
    Ok(sql_query(
        "SELECT provider, kind, status, feedback, bounce, automatic, error_code, outcome, occurred_at \
         FROM provider_events WHERE message_id = $1 ORDER BY id LIMIT $2",
    )
    .bind::<BigInt, _>(message)
    .bind::<BigInt, _>(LIMIT)
    .load(connection)
    .await?)
}

#[derive(QueryableByName)]
struct Reason {
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Nullable<Text>)]
    detail: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

/// Why a campaign's audience left a customer out: reason, detail and when.
pub async fn exclusion(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    customer: i64,
) -> Result<Option<(String, Option<String>, DateTime<Utc>)>, DbError> {
    let row: Option<Reason> = sql_query(
        "SELECT reason, detail, created_at FROM campaign_exclusions WHERE campaign_id = $1 AND customer_id = $2 \
         ORDER BY id LIMIT 1",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<BigInt, _>(customer)
    .get_result(connection)
    .await
    .optional()?;
    Ok(row.map(|row| (row.reason, row.detail, row.created_at)))
}

/// Something that was said, by us or to us.
#[derive(Debug, Clone, QueryableByName)]
pub struct HistoryRow {
    /// We said it.
    #[diesel(sql_type = Bool)]
    pub outbound: bool,
    /// Of a message of ours.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text, deserialize_as = Known<Channel>)]
    pub channel: Channel,
    #[diesel(sql_type = Text)]
    pub address: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub status: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub campaign_id: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub case_id: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub template_id: Option<i64>,
    /// What they wrote.
    #[diesel(sql_type = Nullable<Text>)]
    pub body: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub in_reply_to: Option<i64>,
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
}

/// Whose history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A customer's.
    Customer(i64),
    /// A renewal case's.
    Case(i64),
}

/// What was said to and by a customer in reach, or about a case of one: newest first, before a time. Rehearsals were said
/// to nobody.
pub async fn history(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    whose: Whose,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<HistoryRow>, DbError> {
    let (column, id) = match whose {
        Whose::Customer(id) => ("customer_id", id),
        Whose::Case(id) => ("case_id", id),
    };
    let (ours, theirs) = (has_message(reach), has_customer(reach, "i.customer_id"));
    let query = format!(
        "(SELECT TRUE AS outbound, m.id, m.channel::TEXT, m.address, m.status::TEXT, m.campaign_id, m.case_id, \
             m.template_id, NULL AS body, NULL::BIGINT AS in_reply_to, m.created_at AS at \
         FROM messages m WHERE m.{column} = $1 AND m.created_at < $2 AND NOT m.rehearsal AND {ours} ORDER BY m.id DESC LIMIT $3) \
         UNION ALL \
         (SELECT FALSE, i.id, i.channel::TEXT, i.address, NULL, NULL, i.case_id, NULL, i.body, i.in_reply_to, i.received_at \
         FROM inbound_messages i WHERE i.{column} = $1 AND i.received_at < $2 AND {theirs} \
         ORDER BY i.id DESC LIMIT $3) \
         ORDER BY at DESC LIMIT $3"
    );
    Ok(sql_query(query)
        .bind::<BigInt, _>(id)
        .bind::<Timestamptz, _>(before)
        .bind::<BigInt, _>(limit)
        .load(connection)
        .await?)
}

/// What a case is about, if it is in reach: (policy, customer).
pub async fn subject_of_case(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    case: i64,
) -> Result<Option<(i64, i64)>, DbError> {
    #[derive(QueryableByName)]
    struct Subject {
        #[diesel(sql_type = BigInt)]
        policy_id: i64,
        #[diesel(sql_type = BigInt)]
        customer_id: i64,
    }
    let query = format!(
        "SELECT r.policy_id, p.customer_id FROM renewal_cases r JOIN policies p ON p.id = r.policy_id \
         WHERE r.id = $1 AND {}",
        has_customer(reach, "p.customer_id")
    );
    let row: Option<Subject> = sql_query(query).bind::<BigInt, _>(case).get_result(connection).await.optional()?;
    Ok(row.map(|row| (row.policy_id, row.customer_id)))
}

/// The one customer in reach who has the address; `None`: nobody, or several.
pub async fn customer_with(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    channel: Channel,
    address: &str,
) -> Result<Option<i64>, DbError> {
    #[derive(QueryableByName)]
    struct Id {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let column = match channel {
        Channel::Email => "email",
        Channel::Whatsapp | Channel::Sms => "phone",
    };
    let query = format!(
        "SELECT c.id FROM customers c WHERE c.{column} = $1 AND {} ORDER BY c.id LIMIT 2",
        has_customer(reach, "c.id")
    );
    let found: Vec<Id> = sql_query(query).bind::<Text, _>(address).load(connection).await?;
    Ok(match found.as_slice() {
        [only] => Some(only.id),
        _ => None,
    })
}
