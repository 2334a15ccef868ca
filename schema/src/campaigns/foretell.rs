//! What a target would come to now, without writing anything.

use super::target::Target;
use crate::messages::{COLUMNS, JOINS, RenderRow};
use crate::{DbError, in_time::in_time};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::ExclusionReason;
use std::collections::BTreeMap;

/// How long counting may take, in milliseconds.
pub(crate) const FORETELL_MS: u32 = 3_000;

/// A target, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// Messages it comes to.
    pub recipients: i64,
    /// Who gets none, by reason.
    pub exclusions: BTreeMap<String, i64>,
}

impl Counted {
    pub(crate) fn of(rows: Vec<CountedRow>) -> Self {
        let mut counted = Self::default();
        for CountedRow { reason, count } in rows {
            match reason {
                None => counted.recipients = count,
                Some(reason) => drop(counted.exclusions.insert(reason, count)),
            }
        }
        counted
    }
}

/// How many are left out for a reason; those who are not, without one.
#[derive(QueryableByName)]
pub(crate) struct CountedRow {
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Counts whom a target names; `None` when it takes too long to tell.
pub async fn foretell(connection: &mut AsyncPgConnection, target: &Target) -> Result<Option<Counted>, DbError> {
    let query = format!(
        "WITH {} SELECT CASE WHEN place = 1 THEN NULL ELSE COALESCE(reason, '{}') END AS reason, count(*) AS count \
         FROM ranked GROUP BY 1",
        target.ctes(),
        ExclusionReason::DuplicateAddress
    );
    let statement = target.bind(sql_query(query).into_boxed());
    Ok(in_time(connection, FORETELL_MS, statement).await?.map(Counted::of))
}

/// Some of those a target names, as their messages would have them: for trying texts.
pub async fn sample(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    target: &Target,
    limit: i64,
) -> Result<Vec<RenderRow>, DbError> {
    let binds = target.binds();
    let (campaign_at, limit_at) = (binds + 1, binds + 2);
    let query = format!(
        "WITH {target}, text AS ( \
            SELECT v.id, t.purpose FROM campaigns c \
            LEFT JOIN campaign_variants x ON x.campaign_id = c.id AND x.channel = '{channel}' \
            JOIN templates t ON t.id = COALESCE(x.template_id, c.template_id) \
            JOIN template_versions v ON v.template_id = t.id AND v.is_fallback \
                AND v.version = COALESCE(x.template_version, c.template_version, t.version) \
            WHERE c.id = ${campaign_at} ORDER BY x.id LIMIT 1 \
        ) \
        SELECT m.attempts, {columns} \
        FROM (SELECT 0::BIGINT AS id, r.address, '{channel}'::VARCHAR AS channel, text.purpose, 0::SMALLINT AS attempts, \
                  text.id AS template_version_id, NULL::JSONB AS content, r.customer_id, r.policy_id, r.case_id, \
                  r.policies, NULL::TIMESTAMPTZ AS sent_at \
              FROM ranked r CROSS JOIN text WHERE r.place = 1 LIMIT ${limit_at}) AS m {joins}",
        target = target.ctes(),
        channel = target.channel,
        columns = COLUMNS,
        joins = JOINS,
    );
    let statement = target.bind(sql_query(query).into_boxed());
    Ok(statement.bind::<BigInt, _>(campaign).bind::<BigInt, _>(limit).load(connection).await?)
}
