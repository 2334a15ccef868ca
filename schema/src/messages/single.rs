//! Messages of no campaign: written one by one, by whoever asks for them.

use crate::{DbError, sql::sql, tables::messages};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::{Channel, MessageStatus, Purpose};
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// A message to be.
#[derive(Debug, Clone)]
pub struct NewSingle {
    /// How it goes out.
    pub channel: Channel,
    /// Where: E.164, or an address in small letters.
    pub address: String,
    /// Whose address it is.
    pub customer_id: Option<i64>,
    /// The policy it is about.
    pub policy_id: Option<i64>,
    /// The renewal case it is about.
    pub case_id: Option<i64>,
    /// What it is for.
    pub purpose: Purpose,
    /// What it is about.
    pub topic: Option<String>,
    /// The version of a template that it fills in.
    pub template: Option<(i64, i64)>,
    /// What it says, or what its caller gave for the template's variables.
    pub content: Value,
    /// The step of a reply flow that it is.
    pub flow: Option<(i64, String)>,
    /// Not before.
    pub due_at: DateTime<Utc>,
    /// Who asked for it.
    pub created_by: Option<i64>,
}

/// Writes them; answers their ids, in order.
pub async fn insert_singles(
    connection: &mut AsyncPgConnection,
    new: &[NewSingle],
    now: DateTime<Utc>,
) -> Result<Vec<i64>, DbError> {
    let row = |new: &NewSingle| {
        let (template, version) = new.template.unzip();
        let (flow, step) = new.flow.clone().unzip();
        (
            messages::channel.eq(new.channel.as_str()),
            messages::address.eq(new.address.clone()),
            messages::customer_id.eq(new.customer_id),
            messages::policy_id.eq(new.policy_id),
            messages::case_id.eq(new.case_id),
            messages::purpose.eq(new.purpose.as_str()),
            messages::topic.eq(new.topic.clone()),
            messages::template_id.eq(template),
            messages::template_version_id.eq(version),
            messages::content.eq(new.content.clone()),
            messages::flow_id.eq(flow),
            messages::flow_step.eq(step),
            messages::due_at.eq(new.due_at),
            messages::created_by.eq(new.created_by),
            messages::created_at.eq(now),
            messages::updated_at.eq(now),
        )
    };
    let rows: Vec<_> = new.iter().map(row).collect();
    let mut ids: Vec<i64> =
        diesel::insert_into(messages::table).values(rows).returning(messages::id).get_results(connection).await?;
    // numbered in the order given
    ids.sort_unstable();
    Ok(ids)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Timestamptz)]
    due_at: DateTime<Utc>,
}

/// A message of no campaign, as the job that sends it sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Single {
    /// How it goes out.
    pub channel: Channel,
    /// Where it stands.
    pub status: MessageStatus,
    /// Not before.
    pub due_at: DateTime<Utc>,
}

/// The message, once what an earlier attempt left `sending` has become `unconfirmed`; `None`: there is no such one.
pub async fn single(
    connection: &mut AsyncPgConnection,
    message: i64,
    begun: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Single>, DbError> {
    // what the job itself seems to hold is what an earlier attempt of it left
    sql("UPDATE messages m SET status = 'unconfirmed', send_job = NULL, send_attempt = NULL, updated_at = $3, \
            error_code = 'attempt_cut_short', \
            error_message = 'the worker ended while the message was being handed over' \
         WHERE m.id = $1 AND m.campaign_id IS NULL AND m.status = 'sending' \
           AND (m.send_job = $2 OR NOT EXISTS ( \
                SELECT 1 FROM jobs j WHERE j.id = m.send_job AND j.attempt = m.send_attempt AND j.state = 'running'))")
    .bind::<BigInt, _>(message)
    .bind::<SqlUuid, _>(begun)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    let row: Option<Row> = sql("SELECT channel, status, due_at FROM messages WHERE id = $1 AND campaign_id IS NULL")
        .bind::<BigInt, _>(message)
        .get_result(connection)
        .await
        .optional()?;
    let read = |row: Row| {
        let unknown = |column| DbError::Unknown { table: "messages", column };
        Ok(Single {
            channel: row.channel.parse().map_err(|_| unknown("channel"))?,
            status: row.status.parse().map_err(|_| unknown("status"))?,
            due_at: row.due_at,
        })
    };
    row.map(read).transpose()
}

#[derive(QueryableByName)]
struct Heard {
    #[diesel(sql_type = Text)]
    address: String,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

/// When these numbers last wrote to us over WhatsApp.
pub async fn last_heard(
    connection: &mut AsyncPgConnection,
    addresses: &[&str],
) -> Result<HashMap<String, DateTime<Utc>>, DbError> {
    let rows: Vec<Heard> = sql("SELECT a.address, i.received_at AS at FROM unnest($1::TEXT[]) AS a (address) \
         CROSS JOIN LATERAL (SELECT received_at FROM inbound_messages \
                             WHERE channel = 'whatsapp' AND address = a.address \
                             ORDER BY received_at DESC LIMIT 1) AS i")
    .bind::<Array<Text>, _>(addresses)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.address, row.at)).collect())
}
