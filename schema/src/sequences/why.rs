//! One policy on a ladder: where it stands, what would end its way now, and what it was sent; or why it is not on it.

use super::{
    list::{COLUMNS, Enrolment},
    stop,
};
use crate::{DbError, names::Known, reach::has_policy};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    messaging::{Channel, MessageStatus},
    permissions::Reach,
};

/// A policy's way.
#[derive(Debug, Clone)]
pub struct Way {
    /// Its place on the ladder, of its latest term; `None`: it is not on it.
    pub enrolment: Option<Enrolment>,
    /// What would end its way now, a name of `domain::campaigns::ExclusionReason`.
    pub over: Option<String>,
    /// Why it was left out, and when, the latest first.
    pub left_out: Vec<LeftOut>,
}

/// Why a policy was left out.
#[derive(Debug, Clone, QueryableByName)]
pub struct LeftOut {
    /// A name of `domain::campaigns::ExclusionReason`.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// What exactly.
    #[diesel(sql_type = Nullable<Text>)]
    pub detail: Option<String>,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    enrolment: Enrolment,
    #[diesel(sql_type = Nullable<Text>)]
    over: Option<String>,
}

/// The way of a policy in reach on a campaign's ladder.
pub async fn way(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    (campaign, policy): (i64, i64),
    now: DateTime<Utc>,
) -> Result<Way, DbError> {
    let in_reach = has_policy(reach);
    let query = format!(
        "SELECT {COLUMNS}, {over} AS over FROM campaign_enrolments e \
         JOIN customers c ON c.id = e.customer_id JOIN policies p ON p.id = e.policy_id \
         WHERE e.campaign_id = $1 AND e.policy_id = $2 AND {in_reach} ORDER BY e.id DESC LIMIT 1",
        over = stop::reason("$3::TIMESTAMPTZ")
    );
    let row: Option<Row> = sql_query(query)
        .bind::<BigInt, _>(campaign)
        .bind::<BigInt, _>(policy)
        .bind::<Timestamptz, _>(now)
        .get_result(connection)
        .await
        .optional()?;
    let query = format!(
        "SELECT x.reason::TEXT, x.detail::TEXT, x.created_at FROM campaign_exclusions x \
         JOIN policies p ON p.id = x.policy_id \
         WHERE x.campaign_id = $1 AND x.policy_id = $2 AND {in_reach} ORDER BY x.id DESC LIMIT 20"
    );
    let left_out = sql_query(query).bind::<BigInt, _>(campaign).bind::<BigInt, _>(policy).load(connection).await?;
    let (enrolment, over) = row.map(|row| (row.enrolment, row.over)).unzip();
    Ok(Way { enrolment, over: over.flatten(), left_out })
}

/// A message that a step wrote.
#[derive(Debug, Clone, QueryableByName)]
pub struct Taken {
    /// The message.
    #[diesel(sql_type = BigInt)]
    pub message: i64,
    /// The step's place, from 0.
    #[diesel(sql_type = SmallInt)]
    pub step: i16,
    /// On which channel.
    #[diesel(sql_type = Text, deserialize_as = Known<Channel>)]
    pub channel: Channel,
    /// Where it stands.
    #[diesel(sql_type = Text, deserialize_as = Known<MessageStatus>)]
    pub status: MessageStatus,
    /// What went wrong.
    #[diesel(sql_type = Nullable<Text>)]
    pub error_code: Option<String>,
    /// When it was written.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// Accepted by the provider.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub sent_at: Option<DateTime<Utc>>,
}

/// What an enrolment was sent, in order.
pub async fn taken(connection: &mut AsyncPgConnection, enrolment: i64) -> Result<Vec<Taken>, DbError> {
    Ok(sql_query(
        "SELECT id AS message, step, channel::TEXT, status::TEXT, error_code::TEXT, created_at, sent_at \
         FROM messages WHERE enrolment_id = $1 ORDER BY id",
    )
    .bind::<BigInt, _>(enrolment)
    .load(connection)
    .await?)
}
