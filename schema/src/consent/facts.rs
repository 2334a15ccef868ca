//! What restraint asks of messages and their recipients, for a page of messages in one statement.

use super::Holidays;
use crate::{DbError, names::Known as Read, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::plan::SendWindow;
use domain::messaging::{
    Channel, Purpose, Suppression,
    restraint::{Contact, Facts, Known, Place, Rules, Verdict, judge},
};

// In flight, or unknown whether it arrived, is as good as sent: nobody is written to more often because of a crash.
const QUERY: &str = "\
    SELECT m.id, m.customer_id, m.channel::TEXT, m.purpose::TEXT, m.topic::TEXT, m.address::TEXT, \
        c.time_zone::TEXT, c.country::TEXT, c.language::TEXT, c.phone::TEXT, b.time_zone::TEXT AS branch_time_zone, \
        s.granted AS consent, \
        COALESCE(c.communication_preferences -> m.channel::TEXT = 'false', FALSE) AS switched_off, \
        ARRAY(SELECT t.topic::TEXT FROM topic_refusals t WHERE t.customer_id = m.customer_id) AS refused_topics, \
        held.reasons, held.scopes, held.ends, had.times, had.purposes \
    FROM messages m \
    LEFT JOIN customers c ON c.id = m.customer_id \
    LEFT JOIN policies p ON p.id = m.policy_id \
    LEFT JOIN branches b ON b.id = p.branch_id \
    LEFT JOIN consents s ON s.customer_id = m.customer_id AND s.channel = m.channel AND s.purpose = m.purpose \
    CROSS JOIN LATERAL (\
        SELECT COALESCE(array_agg(x.reason::TEXT ORDER BY x.id), '{}') AS reasons, \
            COALESCE(array_agg(x.scope::TEXT ORDER BY x.id), '{}') AS scopes, \
            COALESCE(array_agg(x.expires_at ORDER BY x.id), '{}') AS ends \
        FROM suppressions x \
        WHERE x.channel = m.channel AND x.address = lower(m.address) AND (x.expires_at IS NULL OR x.expires_at > $2)\
    ) held \
    CROSS JOIN LATERAL (\
        SELECT COALESCE(array_agg(y.at), '{}') AS times, COALESCE(array_agg(y.purpose::TEXT), '{}') AS purposes \
        FROM (\
            SELECT z.sent_at AS at, z.purpose FROM messages z \
            WHERE z.customer_id = m.customer_id AND z.sent_at > $3 AND z.id <> m.id AND z.rehearsal = m.rehearsal \
            UNION ALL \
            SELECT z.updated_at, z.purpose FROM messages z \
            WHERE z.customer_id = m.customer_id AND z.status IN ('sending', 'unconfirmed') AND z.sent_at IS NULL \
                AND z.updated_at > $3 AND z.id <> m.id AND z.rehearsal = m.rehearsal AND $3 IS NOT NULL\
        ) y\
    ) had \
    WHERE m.id = ANY($1) ORDER BY m.id";

/// What is known of a message and of its recipient.
#[derive(Debug, Clone, QueryableByName)]
pub struct MessageFacts {
    /// The message.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The recipient, when they are a customer.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub customer_id: Option<i64>,
    #[diesel(sql_type = Text, deserialize_as = Read<Channel>)]
    pub channel: Channel,
    #[diesel(sql_type = Text, deserialize_as = Read<Purpose>)]
    pub purpose: Purpose,
    #[diesel(sql_type = Nullable<Text>)]
    pub topic: Option<String>,
    /// Where it goes.
    #[diesel(sql_type = Text)]
    pub address: String,
    /// Recorded for the customer.
    #[diesel(sql_type = Nullable<Text>)]
    pub time_zone: Option<String>,
    /// Recorded for the customer.
    #[diesel(sql_type = Nullable<Text>)]
    pub country: Option<String>,
    /// Recorded for the customer.
    #[diesel(sql_type = Nullable<Text>)]
    pub language: Option<String>,
    /// The customer's, in E.164.
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    /// Of the branch of the policy that it is about.
    #[diesel(sql_type = Nullable<Text>)]
    pub branch_time_zone: Option<String>,
    /// To the channel, for the purpose.
    #[diesel(sql_type = Nullable<Bool>)]
    pub consent: Option<bool>,
    /// The customer's preferences have the channel switched off.
    #[diesel(sql_type = Bool)]
    pub switched_off: bool,
    #[diesel(sql_type = Array<Text>)]
    pub refused_topics: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    reasons: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    scopes: Vec<String>,
    #[diesel(sql_type = Array<Nullable<Timestamptz>>)]
    ends: Vec<Option<DateTime<Utc>>>,
    #[diesel(sql_type = Array<Timestamptz>)]
    times: Vec<DateTime<Utc>>,
    #[diesel(sql_type = Array<Text>)]
    purposes: Vec<String>,
}

/// What is known of the messages, by id. Contacts after `contacts_since` are told; `None`: no rule asks for them.
pub async fn facts(
    connection: &mut AsyncPgConnection,
    ids: &[i64],
    now: DateTime<Utc>,
    contacts_since: Option<DateTime<Utc>>,
) -> Result<Vec<MessageFacts>, DbError> {
    Ok(sql(QUERY)
        .bind::<Array<BigInt>, _>(ids)
        .bind::<Timestamptz, _>(now)
        .bind::<Nullable<Timestamptz>, _>(contacts_since)
        .load(connection)
        .await?)
}

fn unknown(table: &'static str, column: &'static str) -> DbError {
    DbError::Unknown { table, column }
}

impl MessageFacts {
    /// Where the recipient lives, as far as it is known. The number written to tells it as well as the customer's own.
    pub fn place(&self, rules: &Rules) -> Place {
        let written_to = (self.channel != Channel::Email).then_some(self.address.as_str());
        rules.place(&Known {
            time_zone: self.time_zone.as_deref(),
            country: self.country.as_deref(),
            phone: written_to.or(self.phone.as_deref()),
            branch_time_zone: self.branch_time_zone.as_deref(),
        })
    }

    /// What holds against the address.
    pub fn suppressions(&self) -> Result<Vec<Suppression>, DbError> {
        let entries = self.reasons.iter().zip(&self.scopes).zip(&self.ends);
        let read = |((reason, scope), end): ((&String, &String), &Option<DateTime<Utc>>)| {
            Ok(Suppression {
                reason: reason.parse().map_err(|_| unknown("suppressions", "reason"))?,
                scope: scope.parse().map_err(|_| unknown("suppressions", "scope"))?,
                expires_at: *end,
            })
        };
        entries.map(read).collect()
    }

    /// What the customer has been sent, or is being sent, besides this message; in no order.
    pub fn contacts(&self) -> Result<Vec<Contact>, DbError> {
        let read = |(at, purpose): (&DateTime<Utc>, &String)| {
            let purpose = purpose.parse().map_err(|_| unknown("messages", "purpose"))?;
            Ok(Contact { at: *at, purpose })
        };
        self.times.iter().zip(&self.purposes).map(read).collect()
    }

    /// What is done with the message.
    pub fn judge(
        &self,
        rules: &Rules,
        (holidays, windows): (&Holidays, &[SendWindow]),
        now: DateTime<Utc>,
    ) -> Result<Verdict, DbError> {
        let place = self.place(rules);
        Ok(judge(
            rules,
            &Facts {
                purpose: self.purpose,
                channel: self.channel,
                topic: self.topic.as_deref(),
                now,
                time_zone: place.time_zone,
                country: &place.country,
                consent: self.consent,
                switched_off: self.switched_off,
                refused_topics: &self.refused_topics,
                suppressions: &self.suppressions()?,
                contacts: &self.contacts()?,
                holidays: holidays.of(&place.country),
                windows,
            },
        ))
    }
}
