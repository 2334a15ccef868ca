//! What a ladder would come to now, without writing anything: how many policies it takes on, and their texts.

use super::{enrol::Enrolling, weighed};
use crate::{
    DbError,
    campaigns::{Counted, FORETELL_MS, Target},
    in_time::in_time,
    messages::{COLUMNS, JOINS, RenderRow},
    names::Known,
    places,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::Channel;

/// Counts whom the ladder would take on; `None` when it takes too long to tell.
pub async fn foretell(
    connection: &mut AsyncPgConnection,
    this: &Enrolling<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Counted>, DbError> {
    let query = format!(
        "WITH {} SELECT why::TEXT AS reason, count(*) AS count FROM weighed GROUP BY 1",
        weighed::ctes(this.target)
    );
    let statement = this
        .target
        .bind(sql_query(query).into_boxed())
        .bind::<BigInt, _>(this.campaign)
        .bind::<Timestamptz, _>(now)
        .bind::<Jsonb, _>(places::bind(this.rules));
    Ok(in_time(connection, FORETELL_MS, statement).await?.map(Counted::of))
}

/// What a step says on one of its channels.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct StepText {
    /// The step's place, from 0.
    #[diesel(sql_type = SmallInt)]
    pub step: i16,
    /// It is the step's fallback.
    #[diesel(sql_type = Bool)]
    pub is_fallback: bool,
    /// On which channel.
    #[diesel(sql_type = Text, deserialize_as = Known<Channel>)]
    pub channel: Channel,
    /// The template.
    #[diesel(sql_type = BigInt)]
    pub template: i64,
    /// Which version of it.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// Its version's row in the language that stands in for others; `None`: it is gone.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub text: Option<i64>,
}

fn step_texts_of(campaign: &str) -> String {
    format!(
        "SELECT u.step, u.is_fallback, u.channel, u.template_id AS template, u.version, v.id AS text \
         FROM (SELECT step, FALSE AS is_fallback, channel, template_id, template_version AS version FROM campaign_steps \
               WHERE campaign_id = {campaign} \
               UNION ALL \
               SELECT step, TRUE, fallback_channel, fallback_template_id, fallback_template_version FROM campaign_steps \
               WHERE campaign_id = {campaign} AND fallback_template_id IS NOT NULL) AS u \
         LEFT JOIN template_versions v ON v.template_id = u.template_id AND v.version = u.version AND v.is_fallback"
    )
}

/// What the steps of a ladder say, from the first; a step's fallback after it.
pub async fn step_texts(connection: &mut AsyncPgConnection, campaign: i64) -> Result<Vec<StepText>, DbError> {
    let query = format!("{} ORDER BY u.step, u.is_fallback", step_texts_of("$1"));
    Ok(sql_query(query).bind::<BigInt, _>(campaign).load(connection).await?)
}

/// Every text of a ladder for each of up to `limit` policies, as their messages would have them: for trying what texts
/// come to. Policies of the target; without one, of those that are on the ladder.
pub async fn sample(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    target: Option<&Target>,
    limit: i64,
) -> Result<Vec<RenderRow>, DbError> {
    let binds = target.map_or(0, Target::binds);
    let (campaign_at, limit_at) = (format!("${}::BIGINT", binds + 1), format!("${}", binds + 2));
    let tried = match target {
        // every policy is on its own way: the first that are found end the search
        Some(target) => format!(
            "{}, tried AS (SELECT customer_id, policy_id, case_id FROM ranked WHERE place = 1 LIMIT {limit_at})",
            target.ctes()
        ),
        None => format!(
            "tried AS (SELECT customer_id, policy_id, case_id FROM campaign_enrolments \
                      WHERE campaign_id = {campaign_at} ORDER BY id LIMIT {limit_at})"
        ),
    };
    let query = format!(
        "WITH {tried}, texts AS (SELECT DISTINCT u.channel, u.text FROM ({texts}) AS u WHERE u.text IS NOT NULL) \
         SELECT m.attempts, {COLUMNS} \
         FROM (SELECT 0::BIGINT AS id, CASE t.channel WHEN 'email' THEN h.email ELSE h.phone END AS address, \
                   t.channel::VARCHAR AS channel, y.purpose, 0::SMALLINT AS attempts, t.text AS template_version_id, \
                   NULL::JSONB AS content, s.customer_id, s.policy_id, s.case_id, \
                   NULL::BIGINT[] AS policies, NULL::TIMESTAMPTZ AS sent_at \
               FROM tried s JOIN customers h ON h.id = s.customer_id CROSS JOIN texts t \
               JOIN template_versions v ON v.id = t.text JOIN templates y ON y.id = v.template_id) AS m {JOINS} \
         WHERE m.address IS NOT NULL",
        texts = step_texts_of(&campaign_at),
    );
    let statement = sql_query(query).into_boxed();
    let statement = match target {
        Some(target) => target.bind(statement),
        None => statement,
    };
    let statement = statement.bind::<BigInt, _>(campaign).bind::<BigInt, _>(limit);
    Ok(in_time(connection, FORETELL_MS, statement).await?.unwrap_or_default())
}
