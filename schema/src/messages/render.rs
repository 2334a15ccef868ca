//! What a message's text may use: its customer, policy, case and branch.

use crate::{DbError, reach::has_customer};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Date, Jsonb, Nullable, Numeric, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::Grouping;
use domain::messaging::{
    Channel, Purpose,
    template::{PolicyLine, Variables},
};
use domain::money::Money;
use domain::permissions::Reach;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

/// The columns of [`RenderRow`], all but its attempts, over messages `m`, customers `c`, policies `p`, cases `rc` and branches `b`.
///
/// `policies` is what a message of several policies is about: all of them, or until it is handed over those that are
/// not renewed by now.
pub(crate) const COLUMNS: &str = "\
    m.id, m.address, m.channel, m.template_version_id, m.purpose, m.content, c.first_name, c.last_name, c.customer_code, p.policy_number, p.policy_type, \
    p.premium_amount, p.currency, p.start_date, p.end_date, rc.renewal_amount, rc.case_number, b.name AS branch, \
    CASE WHEN m.policies IS NOT NULL THEN ( \
        SELECT jsonb_agg(jsonb_build_object('id', x.id, 'number', x.policy_number, 'kind', x.policy_type, \
            'premium', x.premium_amount::TEXT, 'currency', x.currency, 'start', x.start_date, 'end', x.end_date, \
            'renewal', xr.renewal_amount::TEXT, 'case', xr.case_number, 'branch', xb.name) ORDER BY x.end_date, x.id) \
        FROM policies x \
        LEFT JOIN renewal_cases xr ON xr.policy_id = x.id AND xr.term_end = x.end_date \
        LEFT JOIN branches xb ON xb.id = x.branch_id \
        WHERE x.id = ANY(m.policies) AND (m.sent_at IS NOT NULL OR ( \
            x.status <> 'renewed' AND xr.status IS DISTINCT FROM 'renewed' \
                AND xr.payment_status IS DISTINCT FROM 'paid'))) \
    END AS policies, m.policy_id";

/// Of message `m`, policy `p` and case `rc`: nothing it is about is left to renew.
pub(crate) const ALL_RENEWED: &str = "\
    CASE WHEN m.policies IS NULL THEN p.status = 'renewed' OR rc.status = 'renewed' OR rc.payment_status = 'paid' \
         ELSE NOT EXISTS ( \
            SELECT FROM policies x LEFT JOIN renewal_cases xr ON xr.policy_id = x.id AND xr.term_end = x.end_date \
            WHERE x.id = ANY(m.policies) AND x.status <> 'renewed' AND xr.status IS DISTINCT FROM 'renewed' \
              AND xr.payment_status IS DISTINCT FROM 'paid') END";

/// The joins behind [`COLUMNS`]. A message of no policy has no variables of one.
pub(crate) const JOINS: &str = "\
    LEFT JOIN customers c ON c.id = m.customer_id \
    LEFT JOIN policies p ON p.id = m.policy_id \
    LEFT JOIN renewal_cases rc ON rc.id = m.case_id \
    LEFT JOIN branches b ON b.id = p.branch_id";

/// One message and what its text may use.
#[derive(Debug, Clone, QueryableByName)]
pub struct RenderRow {
    /// The message.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Where it goes.
    #[diesel(sql_type = Text)]
    pub address: String,
    /// How often it was handed over, this time included.
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
    #[diesel(sql_type = Text)]
    channel: String,
    /// What it says: a version of a template in one language.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub template_version_id: Option<i64>,
    #[diesel(sql_type = Text)]
    purpose: String,
    /// What a single message says, or what its caller gave for the template's variables.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub content: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    first_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    last_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    customer_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    policy_number: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    policy_type: Option<String>,
    #[diesel(sql_type = Nullable<Numeric>)]
    premium_amount: Option<Decimal>,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = Nullable<Date>)]
    start_date: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Date>)]
    end_date: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Numeric>)]
    renewal_amount: Option<Decimal>,
    #[diesel(sql_type = Nullable<Text>)]
    case_number: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    branch: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    policies: Option<Value>,
    #[diesel(sql_type = Nullable<BigInt>)]
    policy_id: Option<i64>,
}

/// One of several policies, as a statement answers it.
#[derive(Debug, Deserialize)]
struct Mentioned {
    id: i64,
    number: String,
    kind: Option<String>,
    premium: Option<Decimal>,
    currency: String,
    start: Option<NaiveDate>,
    end: Option<NaiveDate>,
    renewal: Option<Decimal>,
    case: Option<String>,
    branch: Option<String>,
}

impl RenderRow {
    /// How it goes out.
    pub fn channel(&self) -> Result<Channel, DbError> {
        self.channel.parse().map_err(|_| DbError::Unknown { table: "messages", column: "channel" })
    }

    /// What it is for.
    pub fn purpose(&self) -> Result<Purpose, DbError> {
        self.purpose.parse().map_err(|_| DbError::Unknown { table: "messages", column: "purpose" })
    }

    /// The values of the variables on that day. Takes the row's texts.
    pub fn variables(&mut self, today: NaiveDate) -> Variables {
        let mentioned: Vec<Mentioned> =
            self.policies.take().and_then(|policies| serde_json::from_value(policies).ok()).unwrap_or_default();
        let policies = mentioned.iter().map(Mentioned::line).collect();
        if !mentioned.iter().any(|policy| Some(policy.id) == self.policy_id) {
            mentioned.into_iter().take(1).for_each(|first| self.be_about(first));
        }
        let money = |amount: Option<Decimal>| amount.and_then(|amount| Money::try_from(amount).ok());
        Variables {
            first_name: self.first_name.take(),
            last_name: self.last_name.take(),
            customer_code: self.customer_code.take(),
            policy_number: self.policy_number.take(),
            policy_type: self.policy_type.take(),
            premium: money(self.premium_amount),
            renewal_amount: money(self.renewal_amount),
            currency: self.currency.take().unwrap_or_else(|| Variables::default().currency),
            start_date: self.start_date,
            expiry_date: self.end_date,
            days_to_expiry: self.end_date.map(|end| (end - today).num_days()),
            case_number: self.case_number.take(),
            branch: self.branch.take(),
            policies,
            ..Variables::default()
        }
    }
}

impl RenderRow {
    /// The policy that it was about has been renewed: of the rest this one is the first to expire.
    fn be_about(&mut self, first: Mentioned) {
        self.policy_number = Some(first.number);
        self.policy_type = first.kind;
        self.premium_amount = first.premium;
        self.currency = Some(first.currency);
        self.start_date = first.start;
        self.end_date = first.end;
        self.renewal_amount = first.renewal;
        self.case_number = first.case;
        self.branch = first.branch;
    }
}

impl Mentioned {
    fn line(&self) -> PolicyLine {
        PolicyLine {
            number: self.number.clone(),
            kind: self.kind.clone(),
            premium: self.premium.and_then(|premium| Money::try_from(premium).ok()),
            currency: self.currency.clone(),
            expiry: self.end,
        }
    }
}

/// A page of a campaign's pending messages with ids above `after` and up to `last`, by id.
pub async fn page(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    after: i64,
    last: i64,
    limit: i64,
) -> Result<Vec<RenderRow>, DbError> {
    let query = format!(
        "SELECT m.attempts, {COLUMNS} \
         FROM (SELECT * FROM messages WHERE campaign_id = $1 AND id > $2 AND id <= $3 AND status = 'pending' \
               ORDER BY id LIMIT $4) AS m {JOINS} ORDER BY m.id"
    );
    Ok(sql_query(query)
        .bind::<BigInt, _>(campaign)
        .bind::<BigInt, _>(after)
        .bind::<BigInt, _>(last)
        .bind::<BigInt, _>(limit)
        .load(connection)
        .await?)
}

/// A message as it was, or will be, written.
#[derive(Debug, Clone, QueryableByName)]
pub struct Written {
    /// What its text may use.
    #[diesel(embed)]
    pub text: RenderRow,
    /// When it went out.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub sent_at: Option<DateTime<Utc>>,
}

/// One message and what its text may use.
pub async fn one(connection: &mut AsyncPgConnection, id: i64) -> Result<Option<Written>, DbError> {
    let query = format!("SELECT m.attempts, m.sent_at, {COLUMNS} FROM messages m {JOINS} WHERE m.id = $1");
    Ok(sql_query(query).bind::<BigInt, _>(id).get_result(connection).await.optional()?)
}

/// A row as a message to a customer in reach would have it, about their policy that ends last: for previews.
pub async fn sample_of(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    customer: i64,
) -> Result<Option<RenderRow>, DbError> {
    let query = format!(
        "SELECT m.attempts, {COLUMNS} \
         FROM (SELECT 0::BIGINT AS id, ''::VARCHAR AS address, 'email'::VARCHAR AS channel, 'service'::VARCHAR AS purpose, \
                   0::SMALLINT AS attempts, NULL::BIGINT AS template_version_id, NULL::JSONB AS content, \
                   c.id AS customer_id, p.id AS policy_id, r.id AS case_id, NULL::TIMESTAMPTZ AS sent_at, \
                   (SELECT array_agg(o.id) FROM (SELECT id FROM policies WHERE customer_id = c.id AND status = 'active' \
                                                 ORDER BY end_date, id LIMIT {}) AS o \
                    HAVING count(*) > 1) AS policies \
               FROM customers c \
               LEFT JOIN LATERAL (SELECT id, end_date FROM policies WHERE customer_id = c.id \
                                  ORDER BY end_date DESC, id DESC LIMIT 1) AS p ON TRUE \
               LEFT JOIN renewal_cases r ON r.policy_id = p.id AND r.term_end = p.end_date \
               WHERE c.id = $1 AND {} LIMIT 1) AS m {JOINS}",
        Grouping::TOGETHER_LIMIT,
        has_customer(reach, "c.id")
    );
    Ok(sql_query(query).bind::<BigInt, _>(customer).get_result(connection).await.optional()?)
}
