//! The steps of a ladder, and how the messages of each fared.

use crate::{DbError, names::Known};
use chrono::NaiveTime;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Time};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    campaigns::sequence::{Condition, Fallback, Reached, Step},
    messaging::Channel,
};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SmallInt)]
    step: i16,
    #[diesel(sql_type = SmallInt)]
    days: i16,
    #[diesel(sql_type = Time)]
    at_time: NaiveTime,
    #[diesel(sql_type = Text, deserialize_as = Known<Channel>)]
    channel: Channel,
    #[diesel(sql_type = BigInt)]
    template_id: i64,
    #[diesel(sql_type = Text)]
    template_name: String,
    #[diesel(sql_type = Integer)]
    template_version: i32,
    #[diesel(sql_type = Nullable<Text>)]
    condition: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    fallback_channel: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    fallback_template_id: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    fallback_unless: Option<String>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    fallback_hours: Option<i16>,
}

/// A step as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// Its place, from 0.
    pub place: i16,
    /// What it is.
    pub step: Step,
    /// What people call its template.
    pub template_name: String,
    /// The version that its messages are pinned to.
    pub template_version: i32,
}

fn unknown(column: &'static str) -> DbError {
    DbError::Unknown { table: "campaign_steps", column }
}

impl Row {
    fn read(self) -> Result<StepRow, DbError> {
        let condition: Option<Condition> =
            self.condition.map(|name| name.parse()).transpose().map_err(|_| unknown("condition"))?;
        let fallback =
            match (self.fallback_channel, self.fallback_template_id, self.fallback_unless, self.fallback_hours) {
                (Some(channel), Some(template), Some(unless), Some(hours)) => Some(Fallback {
                    channel: channel.parse().map_err(|_| unknown("fallback_channel"))?,
                    template,
                    unless: unless.parse().map_err(|_| unknown("fallback_unless"))?,
                    hours,
                }),
                _ => None,
            };
        Ok(StepRow {
            place: self.step,
            step: Step {
                days: self.days,
                at: self.at_time,
                channel: self.channel,
                template: self.template_id,
                condition,
                fallback,
            },
            template_name: self.template_name,
            template_version: self.template_version,
        })
    }
}

/// The ladder of a campaign, from its first step.
pub async fn steps(connection: &mut AsyncPgConnection, campaign: i64) -> Result<Vec<StepRow>, DbError> {
    let rows: Vec<Row> = sql_query(
        "SELECT s.step, s.days, s.at_time, s.channel, s.template_id, t.name AS template_name, s.template_version, \
            s.condition, s.fallback_channel, s.fallback_template_id, s.fallback_unless, s.fallback_hours \
         FROM campaign_steps s JOIN templates t ON t.id = s.template_id WHERE s.campaign_id = $1 ORDER BY s.step",
    )
    .bind::<BigInt, _>(campaign)
    .load(connection)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Writes the ladder of a campaign in place of what it had; every text is pinned to what its template says now. In the
/// caller's transaction, which has made sure that nobody is on it.
pub async fn replace(connection: &mut AsyncPgConnection, campaign: i64, steps: &[Step]) -> Result<(), DbError> {
    sql_query("DELETE FROM campaign_steps WHERE campaign_id = $1")
        .bind::<BigInt, _>(campaign)
        .execute(connection)
        .await?;
    let fallback = |step: &Step| step.fallback.clone();
    sql_query(
        "INSERT INTO campaign_steps (campaign_id, step, days, at_time, channel, template_id, template_version, condition, \
            fallback_channel, fallback_template_id, fallback_template_version, fallback_unless, fallback_hours) \
         SELECT $1, g.place - 1, g.days, g.at_time, g.channel, g.template_id, t.version, g.condition, \
            g.fallback_channel, g.fallback_template_id, f.version, g.fallback_unless, g.fallback_hours \
         FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) WITH ORDINALITY \
            AS g (days, at_time, channel, template_id, condition, fallback_channel, fallback_template_id, \
                  fallback_unless, fallback_hours, place) \
         JOIN templates t ON t.id = g.template_id LEFT JOIN templates f ON f.id = g.fallback_template_id",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Array<SmallInt>, _>(steps.iter().map(|step| step.days).collect::<Vec<_>>())
    .bind::<Array<Time>, _>(steps.iter().map(|step| step.at).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(steps.iter().map(|step| step.channel.as_str()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(steps.iter().map(|step| step.template).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(steps.iter().map(|step| step.condition.map(Condition::as_str)).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(
        steps.iter().map(|step| fallback(step).map(|other| other.channel.as_str())).collect::<Vec<_>>(),
    )
    .bind::<Array<Nullable<BigInt>>, _>(
        steps.iter().map(|step| fallback(step).map(|other| other.template)).collect::<Vec<_>>(),
    )
    .bind::<Array<Nullable<Text>>, _>(
        steps.iter().map(|step| fallback(step).map(|other| Reached::as_str(other.unless))).collect::<Vec<_>>(),
    )
    .bind::<Array<Nullable<SmallInt>>, _>(
        steps.iter().map(|step| fallback(step).map(|other| other.hours)).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    // what stands for the campaign as a whole is its first step
    sql_query(
        "UPDATE campaigns c SET campaign_type = s.channel, template_id = s.template_id, \
             template_version = s.template_version \
         FROM campaign_steps s WHERE c.id = $1 AND s.campaign_id = c.id AND s.step = 0",
    )
    .bind::<BigInt, _>(campaign)
    .execute(connection)
    .await?;
    Ok(())
}
