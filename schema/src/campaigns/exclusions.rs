//! Who was left out of a campaign, and why.

use crate::{DbError, reach::has_customer};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{campaigns::ExclusionReason, permissions::Reach};

/// One policy of the target that gets no message.
#[derive(Debug, Clone, QueryableByName)]
pub struct Exclusion {
    /// Orders the list.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Whose policy.
    #[diesel(sql_type = BigInt)]
    pub customer_id: i64,
    /// Their name.
    #[diesel(sql_type = Text)]
    pub customer_name: String,
    /// Which policy.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub policy_id: Option<i64>,
    /// Its number.
    #[diesel(sql_type = Nullable<Text>)]
    pub policy_number: Option<String>,
    /// The renewal case it is about, when it was left out as the audience was built.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub case_id: Option<i64>,
    /// A name of [`ExclusionReason`].
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// What exactly.
    #[diesel(sql_type = Nullable<Text>)]
    pub detail: Option<String>,
    /// When it was decided.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

/// A page of exclusions of customers in reach after a given one, by reason and id; with one reason or with all.
pub async fn list(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    campaign: i64,
    reason: Option<ExclusionReason>,
    after: Option<(&str, i64)>,
    limit: i64,
) -> Result<Vec<Exclusion>, DbError> {
    let (after_reason, after_id) = after.unwrap_or(("", 0));
    let in_reach = has_customer(reach, "x.customer_id");
    Ok(sql_query(format!(
        "SELECT e.id, e.customer_id, btrim(c.first_name || ' ' || c.last_name) AS customer_name, e.policy_id, \
                p.policy_number, e.case_id, e.reason, e.detail, e.created_at \
         FROM (SELECT * FROM campaign_exclusions x \
               WHERE campaign_id = $1 AND ($2::TEXT IS NULL OR reason = $2) AND (reason, id) > ($3, $4) AND {in_reach} \
               ORDER BY reason, id LIMIT $5) AS e \
         JOIN customers c ON c.id = e.customer_id \
         LEFT JOIN policies p ON p.id = e.policy_id \
         ORDER BY e.reason, e.id",
    ))
    .bind::<BigInt, _>(campaign)
    .bind::<Nullable<Text>, _>(reason.map(ExclusionReason::as_str))
    .bind::<Text, _>(after_reason)
    .bind::<BigInt, _>(after_id)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?)
}
