//! A campaign's messages as a list of recipients.

use crate::DbError;
use crate::names::Name;
use crate::reach::has_customer;
use crate::tables::{customers, messages, policies};
use chrono::{DateTime, Utc};
use diesel::{dsl::sql, prelude::*, sql_types::Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{messaging::MessageStatus, permissions::Reach};

diesel::allow_tables_to_appear_in_same_query!(messages, customers, policies);

/// One recipient.
#[derive(Debug, Clone, Queryable)]
pub struct Recipient {
    /// The message.
    pub id: i64,
    /// Whose.
    pub customer_id: Option<i64>,
    /// Their first name.
    pub first_name: Option<String>,
    /// Their last name.
    pub last_name: Option<String>,
    /// About which policy.
    pub policy_number: Option<String>,
    /// Where it goes.
    pub address: String,
    /// Where it stands.
    #[diesel(deserialize_as = Name)]
    pub status: MessageStatus,
    /// How often it was handed over.
    pub attempts: i16,
    /// The provider's id.
    pub provider_message_id: Option<String>,
    /// What went wrong.
    pub error_code: Option<String>,
    /// What went wrong, for people.
    pub error_message: Option<String>,
    /// Accepted.
    pub sent_at: Option<DateTime<Utc>>,
    /// Delivered.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Opened.
    pub opened_at: Option<DateTime<Utc>>,
    /// A link was followed.
    pub clicked_at: Option<DateTime<Utc>>,
    /// Answered.
    pub replied_at: Option<DateTime<Utc>>,
    /// Failed.
    pub failed_at: Option<DateTime<Utc>>,
}

/// Which recipients.
#[derive(Debug, Clone, Copy)]
pub struct RecipientQuery<'a> {
    /// Of which campaign.
    pub campaign: i64,
    /// Any of these statuses; empty: all.
    pub statuses: &'a [MessageStatus],
    /// Those after this message.
    pub after: i64,
    /// How many to pass over.
    pub offset: i64,
    /// How many to answer.
    pub limit: i64,
}

/// A page of recipients in reach, by id.
pub async fn recipients(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    wanted: RecipientQuery<'_>,
) -> Result<Vec<Recipient>, DbError> {
    let mut query = messages::table
        .left_join(customers::table.on(customers::id.nullable().eq(messages::customer_id)))
        .left_join(policies::table.on(policies::id.nullable().eq(messages::policy_id)))
        .filter(messages::campaign_id.eq(wanted.campaign).and(messages::id.gt(wanted.after)))
        .order(messages::id)
        .offset(wanted.offset)
        .limit(wanted.limit)
        .select((
            messages::id,
            messages::customer_id,
            customers::first_name.nullable(),
            customers::last_name.nullable(),
            policies::policy_number.nullable(),
            messages::address,
            messages::status,
            messages::attempts,
            messages::provider_message_id,
            messages::error_code,
            messages::error_message,
            messages::sent_at,
            messages::delivered_at,
            messages::opened_at,
            messages::clicked_at,
            messages::replied_at,
            messages::failed_at,
        ))
        .into_boxed();
    if reach != Reach::All {
        query = query.filter(sql::<Bool>(&has_customer(reach, "messages.customer_id")));
    }
    if !wanted.statuses.is_empty() {
        query = query.filter(messages::status.eq_any(wanted.statuses.iter().map(|status| status.as_str())));
    }
    Ok(query.load(connection).await?)
}
