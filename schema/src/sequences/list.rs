//! Who is on a ladder, as a list.

use crate::{DbError, names::Known, reach::has_customer};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Date, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{campaigns::sequence::EnrolmentState, permissions::Reach};

/// A policy's term on a ladder.
#[derive(Debug, Clone, QueryableByName)]
pub struct Enrolment {
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
    #[diesel(sql_type = BigInt)]
    pub policy_id: i64,
    /// Its number.
    #[diesel(sql_type = Text)]
    pub policy_number: String,
    /// The last day of the term that is to be renewed.
    #[diesel(sql_type = Date)]
    pub term_end: NaiveDate,
    /// Where it stands.
    #[diesel(sql_type = Text, deserialize_as = Known<EnrolmentState>)]
    pub state: EnrolmentState,
    /// What ended it.
    #[diesel(sql_type = Nullable<Text>)]
    pub stopped_for: Option<String>,
    /// Whose clocks its steps are read on.
    #[diesel(sql_type = Text)]
    pub time_zone: String,
    /// The step that is next, from 0.
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub next_step: Option<i16>,
    /// When.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next_at: Option<DateTime<Utc>>,
    /// When it is seen whether the last message got through.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub fallback_at: Option<DateTime<Utc>>,
    /// The last step that wrote a message.
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub last_step: Option<i16>,
    /// Messages written, over all channels.
    #[diesel(sql_type = SmallInt)]
    pub written: i16,
    /// When it was put on.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it last moved.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// The columns of [`Enrolment`], over enrolments `e`, customers `c` and policies `p`.
pub(super) const COLUMNS: &str = "\
    e.id, e.customer_id, btrim(c.first_name || ' ' || c.last_name) AS customer_name, e.policy_id, p.policy_number::TEXT, \
    e.term_end, e.state::TEXT, e.stopped_for::TEXT, e.time_zone::TEXT, e.next_step, e.next_at, e.fallback_at, e.last_step, \
    e.written, e.created_at, e.updated_at";

/// Which part of the list.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnrolmentList<'a> {
    /// In this state only.
    pub state: Option<EnrolmentState>,
    /// Ended by this only.
    pub stopped_for: Option<&'a str>,
    /// After this one.
    pub after: i64,
    /// How many to answer.
    pub limit: i64,
}

/// A page of a ladder, of customers in reach, in the order in which they were put on.
pub async fn list(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    campaign: i64,
    wanted: &EnrolmentList<'_>,
) -> Result<Vec<Enrolment>, DbError> {
    let in_reach = has_customer(reach, "x.customer_id");
    let query = format!(
        "SELECT {COLUMNS} FROM (SELECT * FROM campaign_enrolments x \
            WHERE x.campaign_id = $1 AND ($2::TEXT IS NULL OR x.state = $2) AND ($3::TEXT IS NULL OR x.stopped_for = $3) \
              AND x.id > $4 AND {in_reach} ORDER BY x.id LIMIT $5) AS e \
         JOIN customers c ON c.id = e.customer_id JOIN policies p ON p.id = e.policy_id ORDER BY e.id"
    );
    Ok(sql_query(query)
        .bind::<BigInt, _>(campaign)
        .bind::<Nullable<Text>, _>(wanted.state.map(EnrolmentState::as_str))
        .bind::<Nullable<Text>, _>(wanted.stopped_for)
        .bind::<BigInt, _>(wanted.after)
        .bind::<BigInt, _>(wanted.limit)
        .load(connection)
        .await?)
}
