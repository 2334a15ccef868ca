//! Consents: what holds, how it came to be, and topics that are not wanted.

use crate::{
    DbError,
    names::{Known, Name},
    sql::sql,
    tables::{consent_log, consents, topic_refusals},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{CustomerId, UserId},
    messaging::{Channel, Purpose, restraint::ConsentSource},
};
use serde_json::Value;

/// Word of a consent, or of its end.
#[derive(Debug, Clone, PartialEq)]
pub struct NewConsent {
    pub customer: CustomerId,
    pub channel: Channel,
    pub purpose: Purpose,
    pub granted: bool,
    /// Tells whether it is the person's own choice.
    pub source: ConsentSource,
    /// What shows it: an event's id, a form's address.
    pub proof: Option<Value>,
    /// When they said so.
    pub given_at: DateTime<Utc>,
    /// The employee who recorded it.
    pub recorded_by: Option<UserId>,
}

/// What became of a word of consent.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Recorded {
    #[diesel(sql_type = BigInt)]
    pub customer_id: i64,
    #[diesel(sql_type = Text, deserialize_as = Known<Channel>)]
    pub channel: Channel,
    #[diesel(sql_type = Text, deserialize_as = Known<Purpose>)]
    pub purpose: Purpose,
    /// It holds now; otherwise it was logged, and what held still does.
    #[diesel(sql_type = Bool)]
    pub took_effect: bool,
}

// The condition is may_overwrite. Of several words about the same, the one that would win is kept; all are logged.
const RECORD: &str = "\
    WITH told AS (\
        SELECT g.* FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY \
            AS g (customer_id, channel, purpose, granted, own_choice, source, proof, given_at, recorded_by, n) \
        WHERE EXISTS (SELECT FROM customers c WHERE c.id = g.customer_id)\
    ), best AS (\
        SELECT DISTINCT ON (customer_id, channel, purpose) * FROM told \
        ORDER BY customer_id, channel, purpose, own_choice DESC, given_at DESC, n DESC\
    ), kept AS (\
        INSERT INTO consents AS c \
            (customer_id, channel, purpose, granted, own_choice, source, proof, given_at, recorded_by) \
        SELECT customer_id, channel, purpose, granted, own_choice, source, proof, given_at, recorded_by \
        FROM best ORDER BY customer_id, channel, purpose \
        ON CONFLICT (customer_id, channel, purpose) DO UPDATE SET granted = EXCLUDED.granted, \
            own_choice = EXCLUDED.own_choice, source = EXCLUDED.source, proof = EXCLUDED.proof, \
            given_at = EXCLUDED.given_at, recorded_by = EXCLUDED.recorded_by \
        WHERE (EXCLUDED.own_choice AND NOT c.own_choice) \
            OR (EXCLUDED.own_choice = c.own_choice AND EXCLUDED.given_at >= c.given_at) \
        RETURNING c.customer_id, c.channel, c.purpose\
    ), judged AS (\
        SELECT t.*, b.n IS NOT NULL AND k.customer_id IS NOT NULL AS took_effect FROM told t \
        LEFT JOIN best b ON b.n = t.n \
        LEFT JOIN kept k ON k.customer_id = t.customer_id AND k.channel = t.channel AND k.purpose = t.purpose\
    ), logged AS (\
        INSERT INTO consent_log \
            (customer_id, channel, purpose, granted, own_choice, took_effect, source, proof, given_at, recorded_by, created_at) \
        SELECT customer_id, channel, purpose, granted, own_choice, took_effect, source, proof, given_at, recorded_by, $10 \
        FROM judged ORDER BY n\
    ) SELECT customer_id, channel::TEXT, purpose::TEXT, took_effect FROM judged ORDER BY n";

/// Records words of consent, each in the log, and those that count as what holds; in the order given. Customers that are
/// not there are left out.
pub async fn record(
    connection: &mut AsyncPgConnection,
    told: &[NewConsent],
    now: DateTime<Utc>,
) -> Result<Vec<Recorded>, DbError> {
    fn column<'a, T>(told: &'a [NewConsent], of: impl Fn(&'a NewConsent) -> T) -> Vec<T> {
        told.iter().map(of).collect()
    }
    if told.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sql(RECORD)
        .bind::<Array<BigInt>, _>(column(told, |one| one.customer.0))
        .bind::<Array<Text>, _>(column(told, |one| one.channel.as_str()))
        .bind::<Array<Text>, _>(column(told, |one| one.purpose.as_str()))
        .bind::<Array<Bool>, _>(column(told, |one| one.granted))
        .bind::<Array<Bool>, _>(column(told, |one| one.source.is_own_choice()))
        .bind::<Array<Text>, _>(column(told, |one| one.source.as_str()))
        .bind::<Array<Nullable<Jsonb>>, _>(column(told, |one| one.proof.as_ref()))
        .bind::<Array<Timestamptz>, _>(column(told, |one| one.given_at))
        .bind::<Array<Nullable<BigInt>>, _>(column(told, |one| one.recorded_by.map(|user| user.0)))
        .bind::<Timestamptz, _>(now)
        .load(connection)
        .await?)
}

/// What somebody allows.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = consents)]
pub struct ConsentRow {
    #[diesel(deserialize_as = Name)]
    pub channel: Channel,
    #[diesel(deserialize_as = Name)]
    pub purpose: Purpose,
    pub granted: bool,
    pub own_choice: bool,
    pub source: String,
    pub proof: Option<Value>,
    pub given_at: DateTime<Utc>,
    pub recorded_by: Option<i64>,
}

/// What holds for a customer, by channel and purpose.
pub async fn of_customer(connection: &mut AsyncPgConnection, id: CustomerId) -> Result<Vec<ConsentRow>, DbError> {
    let held = consents::table.filter(consents::customer_id.eq(id.0)).order((consents::channel, consents::purpose));
    Ok(held.select(ConsentRow::as_select()).load(connection).await?)
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = consent_log)]
pub struct LogRow {
    pub id: i64,
    #[diesel(deserialize_as = Name)]
    pub channel: Channel,
    #[diesel(deserialize_as = Name)]
    pub purpose: Purpose,
    pub granted: bool,
    pub own_choice: bool,
    pub took_effect: bool,
    pub source: String,
    pub proof: Option<Value>,
    pub given_at: DateTime<Utc>,
    pub recorded_by: Option<i64>,
    pub created_at: DateTime<Utc>,
}

/// The newest entries of a customer's log.
pub async fn log(connection: &mut AsyncPgConnection, id: CustomerId, limit: i64) -> Result<Vec<LogRow>, DbError> {
    let told = consent_log::table.filter(consent_log::customer_id.eq(id.0)).order(consent_log::id.desc());
    Ok(told.limit(limit).select(LogRow::as_select()).load(connection).await?)
}

/// Topics that a customer does not want, by name.
pub async fn refused_topics(connection: &mut AsyncPgConnection, id: CustomerId) -> Result<Vec<String>, DbError> {
    let refused = topic_refusals::table.filter(topic_refusals::customer_id.eq(id.0));
    Ok(refused.order(topic_refusals::topic).select(topic_refusals::topic).load(connection).await?)
}

/// Puts these topics in place of those that a customer did not want.
pub async fn refuse_topics(
    connection: &mut AsyncPgConnection,
    id: CustomerId,
    topics: &[String],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let wanted = topic_refusals::customer_id.eq(id.0).and(topic_refusals::topic.ne_all(topics));
    diesel::delete(topic_refusals::table.filter(wanted)).execute(connection).await?;
    let rows: Vec<_> = topics
        .iter()
        .map(|topic| {
            let key = (topic_refusals::customer_id.eq(id.0), topic_refusals::topic.eq(topic));
            (key, topic_refusals::refused_at.eq(now))
        })
        .collect();
    let insert = diesel::insert_into(topic_refusals::table).values(rows).on_conflict_do_nothing();
    if !topics.is_empty() {
        insert.execute(connection).await?;
    }
    Ok(())
}

/// Topics that templates are written on, by name: what a page of preferences offers.
pub async fn topics(connection: &mut AsyncPgConnection, limit: i64) -> Result<Vec<String>, DbError> {
    use crate::tables::templates;
    let topics = templates::table.filter(templates::topic.is_not_null().and(templates::is_active));
    let named = topics.select(templates::topic.assume_not_null()).distinct().order(templates::topic);
    Ok(named.limit(limit).load(connection).await?)
}

/// The customers' own doing switches a channel on again that their preferences had off.
pub async fn switch_on(
    connection: &mut AsyncPgConnection,
    customers: &[CustomerId],
    channel: Channel,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let ids: Vec<i64> = customers.iter().map(|customer| customer.0).collect();
    sql("UPDATE customers SET communication_preferences = communication_preferences - $2, updated_at = $3 \
         WHERE id IN (SELECT id FROM customers WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE) \
           AND communication_preferences -> $2 = 'false'")
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Text, _>(channel.as_str())
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// The channels that a customer's preferences have switched off.
pub async fn switched_off(connection: &mut AsyncPgConnection, id: CustomerId) -> Result<Vec<Channel>, DbError> {
    use crate::tables::customers;
    let kept: Option<Value> = customers::table
        .find(id.0)
        .select(customers::communication_preferences)
        .first::<Option<Value>>(connection)
        .await
        .optional()?
        .flatten();
    let off = |channel: &Channel| kept.as_ref().is_some_and(|kept| kept[channel.as_str()] == false);
    Ok(Channel::ALL.iter().copied().filter(off).collect())
}

/// Customers by the address they are written to on a channel: in E.164, or in small letters.
pub async fn customers_at(
    connection: &mut AsyncPgConnection,
    channel: Channel,
    address: &str,
) -> Result<Vec<CustomerId>, DbError> {
    use crate::tables::customers;
    let ids = customers::table.select(customers::id).order(customers::id).limit(100).into_boxed();
    let ids: Vec<i64> = match channel {
        Channel::Email => ids.filter(customers::email.eq(address)).load(connection).await?,
        Channel::Whatsapp | Channel::Sms => ids.filter(customers::phone.eq(address)).load(connection).await?,
    };
    Ok(ids.into_iter().map(CustomerId).collect())
}

/// Of these customers, those who once agreed to marketing on the channel.
pub async fn once_agreed(
    connection: &mut AsyncPgConnection,
    customers: &[CustomerId],
    channel: Channel,
) -> Result<Vec<CustomerId>, DbError> {
    let ids: Vec<i64> = customers.iter().map(|customer| customer.0).collect();
    let agreed = consent_log::table.filter(
        consent_log::customer_id
            .eq_any(ids)
            .and(consent_log::channel.eq(channel.as_str()))
            .and(consent_log::purpose.eq(Purpose::Marketing.as_str()))
            .and(consent_log::granted)
            .and(consent_log::took_effect),
    );
    let ids: Vec<i64> = agreed.select(consent_log::customer_id).distinct().load(connection).await?;
    Ok(ids.into_iter().map(CustomerId).collect())
}

/// Where a customer can be reached.
#[derive(Debug, Clone, Queryable)]
pub struct Addresses {
    email: Option<String>,
    phone: Option<String>,
}

impl Addresses {
    /// Their address on a channel.
    pub fn on(&self, channel: Channel) -> Option<&str> {
        match channel {
            Channel::Email => self.email.as_deref(),
            Channel::Whatsapp | Channel::Sms => self.phone.as_deref(),
        }
    }
}

/// Where a customer can be reached; `None`: there is no such customer.
pub async fn addresses(connection: &mut AsyncPgConnection, id: CustomerId) -> Result<Option<Addresses>, DbError> {
    use crate::tables::customers;
    let found = customers::table.find(id.0).select((customers::email, customers::phone));
    Ok(found.first(connection).await.optional()?)
}

/// Whom a message went to.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = crate::tables::messages)]
pub struct RecipientRow {
    pub customer_id: Option<i64>,
    #[diesel(deserialize_as = Name)]
    pub channel: Channel,
    #[diesel(deserialize_as = Name)]
    pub purpose: Purpose,
    pub address: String,
    pub topic: Option<String>,
}

/// Whom a message went to.
pub async fn recipient(
    connection: &mut AsyncPgConnection,
    message: domain::ids::MessageId,
) -> Result<Option<RecipientRow>, DbError> {
    use crate::tables::messages;
    let found = messages::table.find(message.0).select(RecipientRow::as_select());
    Ok(found.first(connection).await.optional()?)
}
