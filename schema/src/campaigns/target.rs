//! Whom a campaign's target names: one query, shared by the estimate and the audience, so that they cannot disagree.

use crate::{DbError, reach::has_policy};
use chrono::NaiveDate;
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{Array, BigInt, Date, Integer, Nullable, Numeric, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::campaigns::{Audience, AudienceFilter, ExclusionReason};
use domain::messaging::Channel;
use domain::permissions::Reach;

/// How long an estimate may take, in milliseconds.
const ESTIMATE_MS: u32 = 1_500;

/// The farthest expiry that is looked for, in days.
const DAYS_LIMIT: i32 = 100_000;

/// A campaign's target, resolved to a day.
#[derive(Debug, Clone)]
pub struct Target {
    /// The upload whose policies are meant; `None`: the whole book.
    pub upload_id: Option<i64>,
    /// Which of them.
    pub audience: Audience,
    /// How it goes out.
    pub channel: Channel,
    /// The campaign's day in its own zone: what days to expiry are counted from.
    pub today: NaiveDate,
    /// Whose policies are meant at most.
    pub reach: Reach,
}

/// A raw statement with its binds.
pub(super) type Statement = BoxedSqlQuery<'static, Pg, SqlQuery>;

/// How many binds [`Target::bind`] takes; a statement's own follow.
pub(super) const BINDS: usize = 9;

// An upload's policies: those it created, those it touched last, and those it changed before another upload did.
const OF_UPLOAD: &str = "\
    p.id IN (SELECT id FROM policies WHERE upload_id = $9 \
             UNION SELECT id FROM policies WHERE created_by_upload = $9 \
             UNION SELECT entity_id FROM upload_changes WHERE upload_id = $9 AND entity = 'policy')";

impl Target {
    /// The common table expressions `judged` (every policy meant, its customer, case and address, with the reason
    /// that leaves it out or NULL) and `ranked` (the same, with `place`: 1 for the one policy of an address that gets
    /// the message, the one that expires first).
    pub(super) fn ctes(&self) -> String {
        let of_upload = if self.upload_id.is_some() { OF_UPLOAD } else { "$9::BIGINT IS NULL" };
        let (address, missing) = match self.channel {
            Channel::Email => ("c.email", ExclusionReason::NoEmail),
            Channel::Whatsapp | Channel::Sms => ("c.phone", ExclusionReason::NoPhone),
        };
        let already_renewed = ExclusionReason::AlreadyRenewed;
        let cancelled = ExclusionReason::PolicyCancelled;
        let opted_out = ExclusionReason::OptedOut;
        let channel = self.channel;
        let in_reach = has_policy(self.reach);
        format!(
            "judged AS ( \
                SELECT p.id AS policy_id, p.customer_id, p.end_date, {address} AS address, rc.id AS case_id, c.language, \
                    CASE \
                        WHEN p.status = 'renewed' OR rc.status = 'renewed' OR rc.payment_status = 'paid' \
                            THEN '{already_renewed}' \
                        WHEN p.status = 'cancelled' AND NOT 'cancelled' = ANY($8) THEN '{cancelled}' \
                        WHEN {address} IS NULL THEN '{missing}' \
                        WHEN c.communication_preferences -> '{channel}' = 'false' THEN '{opted_out}' \
                    END AS reason \
                FROM policies p \
                JOIN customers c ON c.id = p.customer_id \
                LEFT JOIN renewal_cases rc ON rc.policy_id = p.id AND rc.term_end = p.end_date \
                WHERE ($2::INTEGER IS NULL OR p.end_date >= $1::DATE + $2::INTEGER) \
                  AND ($3::INTEGER IS NULL OR p.end_date <= $1::DATE + $3::INTEGER) \
                  AND (cardinality($4::TEXT[]) = 0 OR lower(p.policy_type) = ANY($4)) \
                  AND ($5::NUMERIC IS NULL OR p.premium_amount >= $5) \
                  AND ($6::NUMERIC IS NULL OR p.premium_amount <= $6) \
                  AND (cardinality($7::BIGINT[]) = 0 OR p.branch_id = ANY($7)) \
                  AND (cardinality($8::TEXT[]) = 0 OR p.status = ANY($8)) \
                  AND {of_upload} AND {in_reach} \
            ), ranked AS ( \
                SELECT *, CASE WHEN reason IS NULL THEN \
                    row_number() OVER (PARTITION BY reason IS NULL, address ORDER BY end_date, policy_id) END AS place \
                FROM judged \
            )"
        )
    }

    /// Binds $1 to $9 of [`Target::ctes`].
    pub(super) fn bind(&self, statement: Statement) -> Statement {
        let everybody = AudienceFilter::default();
        let filter = match &self.audience {
            Audience::All => &everybody,
            Audience::Filter(filter) => filter,
        };
        let lower = |texts: &[String]| texts.iter().map(|text| text.trim().to_lowercase()).collect::<Vec<_>>();
        // PostgreSQL's dates end; nobody's policy does that far ahead
        let days = |days: i32| days.clamp(-DAYS_LIMIT, DAYS_LIMIT);
        let branches: Vec<i64> = filter.branches.iter().map(|branch| branch.0).collect();
        statement
            .bind::<Date, _>(self.today)
            .bind::<Nullable<Integer>, _>(filter.days_to_expiry.and_then(|range| range.min).map(days))
            .bind::<Nullable<Integer>, _>(filter.days_to_expiry.and_then(|range| range.max).map(days))
            .bind::<Array<Text>, _>(lower(&filter.policy_types))
            .bind::<Nullable<Numeric>, _>(filter.premium.and_then(|range| range.min))
            .bind::<Nullable<Numeric>, _>(filter.premium.and_then(|range| range.max))
            .bind::<Array<BigInt>, _>(branches)
            .bind::<Array<Text>, _>(lower(&filter.statuses))
            .bind::<Nullable<BigInt>, _>(self.upload_id)
    }
}

#[derive(QueryableByName)]
struct Estimate {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many messages the target comes to today; `None` when it takes too long to tell.
pub async fn estimate(connection: &mut AsyncPgConnection, target: &Target) -> Result<Option<i64>, DbError> {
    let query = format!("WITH {} SELECT count(*) FROM ranked WHERE place = 1", target.ctes());
    let counted = connection
        .transaction::<_, DbError, _>(async |connection| {
            connection.batch_execute(&format!("SET LOCAL statement_timeout = {ESTIMATE_MS}")).await?;
            let row: Estimate = target.bind(sql_query(query).into_boxed()).get_result(connection).await?;
            Ok(row.count)
        })
        .await;
    match counted {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.is_statement_timeout() => Ok(None),
        Err(error) => Err(error),
    }
}
