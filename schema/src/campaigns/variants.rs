//! The variants of a campaign's test: what is tried against what.

use crate::{DbError, names::Known};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::Channel;
use serde_json::Value;

/// A variant to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVariant {
    /// What people call it, such as `A`.
    pub label: String,
    /// Its share, relative to the others'.
    pub weight: i16,
    /// How it goes out.
    pub channel: Channel,
    /// What it says.
    pub template_id: i64,
    /// Instead of the template's own.
    pub subject: Option<String>,
    /// In which hour of the recipient's day.
    pub send_hour: Option<i16>,
}

/// A variant.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Variant {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// What people call it.
    #[diesel(sql_type = Text)]
    pub label: String,
    /// Its share, relative to the others'.
    #[diesel(sql_type = SmallInt)]
    pub weight: i16,
    /// How it goes out.
    #[diesel(sql_type = Text, deserialize_as = Known<Channel>)]
    pub channel: Channel,
    /// What it says.
    #[diesel(sql_type = BigInt)]
    pub template_id: i64,
    /// Which version of it.
    #[diesel(sql_type = Integer)]
    pub template_version: i32,
    /// Instead of the template's own.
    #[diesel(sql_type = Nullable<Text>)]
    pub subject: Option<String>,
    /// In which hour of the recipient's day.
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub send_hour: Option<i16>,
}

/// Writes the variants of a campaign in place of those it has; their texts are pinned to the newest versions.
pub async fn replace(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    variants: &[NewVariant],
) -> Result<(), DbError> {
    fn column<'a, T>(variants: &'a [NewVariant], of: impl Fn(&'a NewVariant) -> T) -> Vec<T> {
        variants.iter().map(of).collect()
    }
    sql_query("DELETE FROM campaign_variants WHERE campaign_id = $1")
        .bind::<BigInt, _>(campaign)
        .execute(connection)
        .await?;
    if variants.is_empty() {
        return Ok(());
    }
    sql_query(
        "INSERT INTO campaign_variants \
            (campaign_id, label, weight, channel, template_id, template_version, subject, send_hour) \
         SELECT $1, v.label, v.weight, v.channel, v.template, t.version, v.subject, v.hour \
         FROM unnest($2, $3, $4, $5, $6, $7) WITH ORDINALITY \
            AS v (label, weight, channel, template, subject, hour, place) \
         JOIN templates t ON t.id = v.template ORDER BY v.place",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Array<Text>, _>(column(variants, |variant| variant.label.as_str()))
    .bind::<Array<SmallInt>, _>(column(variants, |variant| variant.weight))
    .bind::<Array<Text>, _>(column(variants, |variant| variant.channel.as_str()))
    .bind::<Array<BigInt>, _>(column(variants, |variant| variant.template_id))
    .bind::<Array<Nullable<Text>>, _>(column(variants, |variant| variant.subject.as_deref()))
    .bind::<Array<Nullable<SmallInt>>, _>(column(variants, |variant| variant.send_hour))
    .execute(connection)
    .await?;
    Ok(())
}

/// The variants of a campaign, in the order in which they were written.
pub async fn variants(connection: &mut AsyncPgConnection, campaign: i64) -> Result<Vec<Variant>, DbError> {
    Ok(sql_query(
        "SELECT id, label::TEXT, weight, channel::TEXT, template_id, template_version, subject::TEXT, send_hour \
         FROM campaign_variants WHERE campaign_id = $1 ORDER BY id",
    )
    .bind::<BigInt, _>(campaign)
    .load(connection)
    .await?)
}

/// How one variant has fared.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Tried {
    /// Which.
    #[diesel(sql_type = BigInt)]
    pub variant: i64,
    /// Accepted by the provider.
    #[diesel(sql_type = BigInt)]
    pub sent: i64,
    /// Opened or read.
    #[diesel(sql_type = BigInt)]
    pub opened: i64,
    /// Followed a link.
    #[diesel(sql_type = BigInt)]
    pub clicked: i64,
    /// Answered.
    #[diesel(sql_type = BigInt)]
    pub replied: i64,
    /// Renewed or paid after the message.
    #[diesel(sql_type = BigInt)]
    pub converted: i64,
    /// Paid after the message.
    #[diesel(sql_type = BigInt)]
    pub paid: i64,
}

/// How the variants of a campaign have fared so far, by variant. A message about several policies counts as soon as one
/// of them is renewed or paid.
pub async fn tried(connection: &mut AsyncPgConnection, campaign: i64) -> Result<Vec<Tried>, DbError> {
    let another = |outcome: &str| {
        format!(
            "(m.policies IS NOT NULL AND EXISTS (SELECT FROM renewal_cases rc WHERE rc.policy_id = ANY(m.policies) AND {outcome}))"
        )
    };
    let converted = "(rc.status = 'renewed' OR rc.payment_status = 'paid') \
                     AND COALESCE(rc.payment_date, rc.updated_at) >= m.sent_at";
    let paid = "rc.payment_status = 'paid' AND rc.payment_date >= m.sent_at";
    Ok(sql_query(format!(
        "SELECT v.id AS variant, count(m.id) AS sent, \
            count(m.id) FILTER (WHERE m.opened_at IS NOT NULL OR m.status = 'read') AS opened, \
            count(m.id) FILTER (WHERE m.clicked_at IS NOT NULL) AS clicked, \
            count(m.id) FILTER (WHERE m.replied_at IS NOT NULL) AS replied, \
            count(m.id) FILTER (WHERE ({converted}) OR {}) AS converted, \
            count(m.id) FILTER (WHERE ({paid}) OR {}) AS paid \
         FROM campaign_variants v \
         LEFT JOIN messages m ON m.variant_id = v.id AND m.status IN ('sent', 'delivered', 'read') \
         LEFT JOIN renewal_cases rc ON rc.id = m.case_id \
         WHERE v.campaign_id = $1 GROUP BY v.id ORDER BY v.id",
        another(converted),
        another(paid),
    ))
    .bind::<BigInt, _>(campaign)
    .load(connection)
    .await?)
}

/// How far a test has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Begun {
    /// When the first message of the last variant to begin went out; `None`: none has.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub at: Option<DateTime<Utc>>,
    /// Whether of some variant nothing has gone out, and something still may.
    #[diesel(sql_type = Bool)]
    pub waits: bool,
}

/// How far a campaign's test has come.
pub async fn begun(connection: &mut AsyncPgConnection, campaign: i64) -> Result<Begun, DbError> {
    Ok(sql_query(
        "SELECT max(x.at) AS at, COALESCE(bool_or(x.at IS NULL AND x.goes_on), FALSE) AS waits FROM ( \
            SELECT min(m.sent_at) AS at, bool_or(m.status IN ('pending', 'sending')) AS goes_on \
            FROM campaign_variants v JOIN messages m ON m.variant_id = v.id WHERE v.campaign_id = $1 GROUP BY v.id \
         ) AS x",
    )
    .bind::<BigInt, _>(campaign)
    .get_result(connection)
    .await?)
}

/// What made a variant the winner.
#[derive(Debug, Clone)]
pub struct Win<'a> {
    /// Which variant.
    pub variant: &'a Variant,
    /// The figures, the test, and who, if a person.
    pub basis: &'a Value,
}

/// Names the winner, unless one is named or the campaign is over. `false`: it is not this one's turn.
pub async fn name_winner(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    win: &Win<'_>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let updated = sql_query(
        "UPDATE campaigns SET winner_id = $2, winner_at = $4, winner_basis = $3, updated_at = $4 \
         WHERE id = $1 AND winner_id IS NULL AND status IN ('active', 'paused')",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<BigInt, _>(win.variant.id)
    .bind::<Jsonb, _>(win.basis)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(updated == 1)
}

/// Keeps what was found when nobody is named: a person decides.
pub async fn keep_basis(connection: &mut AsyncPgConnection, campaign: i64, basis: &Value) -> Result<(), DbError> {
    sql_query("UPDATE campaigns SET winner_basis = $2 WHERE id = $1 AND winner_id IS NULL")
        .bind::<BigInt, _>(campaign)
        .bind::<Jsonb, _>(basis)
        .execute(connection)
        .await?;
    Ok(())
}
