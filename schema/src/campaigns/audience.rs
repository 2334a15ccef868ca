//! A campaign's audience: one statement writes a message for everybody who is to get one, and an exclusion with its
//! reason for everybody who is not. It decides for each message what it says, on which side of a test it is, and when
//! it is due.
//!
//! The statement takes no lock on the campaign while it works, so a person can stop the campaign meanwhile; whether it
//! was stopped is seen at the end, before anything is committed.

use super::target::Target;
use super::timing::{Due, FAR};
use crate::reach::Statement;
use crate::{DbError, places};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::campaigns::{
    CampaignStatus, ExclusionReason, Grouping,
    plan::{Pace, Timing},
    split,
};
use domain::messaging::{Channel, Purpose, restraint::Rules};
use serde_json::Value;

/// How long the statement may take: a million policies take about a minute.
const TIMEOUT: &str = "30min";
/// Memory for its sorts and hashes.
const WORK_MEM: &str = "64MB";
/// The language of the text that stands in for languages without one.
const ANY: &str = "*";

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Built {
    /// Messages.
    #[diesel(sql_type = BigInt)]
    pub messages: i64,
    /// Exclusions.
    #[diesel(sql_type = BigInt)]
    pub exclusions: i64,
}

/// One text in one language, or the one that stands in for all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedText {
    /// Whose: a variant's; `None`: the campaign's own.
    pub variant: Option<i64>,
    /// Such as `hi` or `en_US`; `None`: any that there is no text in.
    pub language: Option<String>,
    /// What messages are pinned to.
    pub version: i64,
    /// The template.
    pub template: i64,
    /// What it is for.
    pub purpose: Purpose,
    /// What it is about.
    pub topic: Option<String>,
}

/// A variant's share of the recipients: those whose bucket is from `low` and below `high`.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// Which variant.
    pub variant: i64,
    /// Its first bucket.
    pub low: i64,
    /// The first bucket that is not its.
    pub high: i64,
    /// How it goes out.
    pub channel: Channel,
    /// In which hour of the recipient's day.
    pub send_hour: Option<i16>,
    /// What its messages say besides their template.
    pub content: Option<Value>,
}

/// What messages say, when they are due, and what is tried on whom.
#[derive(Debug, Clone)]
pub struct Dispatch<'a> {
    /// With one for any language for each variant, and for the campaign.
    pub texts: &'a [PinnedText],
    /// Of a campaign that tries something. Those in no share wait for the winner.
    pub shares: &'a [Share],
    /// When messages are due.
    pub timing: Timing,
    /// The day that is counted from.
    pub day: NaiveDate,
    /// How fast.
    pub pace: Option<Pace>,
    /// Nobody gets them.
    pub rehearsal: bool,
    /// Where people live of whom nothing is known.
    pub rules: &'a Rules,
}

/// Writes the audience inside the caller's transaction. `None`: the campaign no longer wants one (it was stopped, or
/// another run has written it), and the caller rolls back.
pub async fn build(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    dispatch: &Dispatch<'_>,
    target: &Target,
    now: DateTime<Utc>,
) -> Result<Option<Built>, DbError> {
    connection
        .batch_execute(&format!("SET LOCAL statement_timeout = '{TIMEOUT}'; SET LOCAL work_mem = '{WORK_MEM}'"))
        .await?;
    if !is_wanted(connection, campaign).await? {
        return Ok(None);
    }
    let statement = dispatch.statement(target);
    let statement = dispatch.bind(target.bind(sql_query(statement).into_boxed()), campaign, now);
    let built: Built = statement.get_result(connection).await?;
    Ok(claim(connection, campaign, built, now).await?.then_some(built))
}

// The statement's own binds, after the target's.
const OWN: usize = 21;

impl Dispatch<'_> {
    fn statement(&self, target: &Target) -> String {
        let binds = target.binds();
        let [
            campaign,
            now,
            text_variants,
            languages,
            versions,
            templates,
            purposes,
            topics,
            share_variants,
            lows,
            highs,
            channels,
            hours,
            contents,
            salt,
            places_at,
            day,
            time,
            gap,
            span,
            rehearsal,
        ]: [String; OWN] = std::array::from_fn(|index| format!("${}", binds + 1 + index));
        let channel = target.channel;
        let bucket = split::SQL.replace("{salt}", &format!("{salt}::TEXT")).replace("{id}", "r.customer_id");
        let zone = places::zone(&format!("{places_at}::JSONB"));
        let due = Due { timing: self.timing, now: &now, day: &day, time: &time };
        let due = match self.shares.iter().any(|share| share.send_hour.is_some()) {
            true => format!("CASE WHEN f.send_hour IS NULL THEN {} ELSE {} END", due.sql(), due.in_hour("f.send_hour")),
            false => due.sql(),
        };
        // whoever a share cannot reach is not tried on: the shares would no longer be alike
        let reachable = self.shares.iter().map(|share| match share.channel {
            Channel::Email => "c.email IS NOT NULL",
            Channel::Whatsapp | Channel::Sms => "c.phone IS NOT NULL",
        });
        let reachable: Vec<&str> = reachable.chain(["TRUE"]).collect();
        // whom another channel would reach by one address together
        let across = target.grouping == Grouping::Address && self.shares.iter().any(|share| share.channel != channel);
        let [doubled, but, left_out, count] = match across {
            true => [
                ", doubled AS ( \
                    SELECT customer_id, policy_id, case_id FROM ( \
                        SELECT *, row_number() OVER (PARTITION BY channel, sent_to ORDER BY end_date, policy_id) AS copy \
                        FROM found) AS x WHERE copy > 1)"
                    .to_owned(),
                " WHERE NOT EXISTS (SELECT FROM doubled d WHERE d.customer_id = f.customer_id)".to_owned(),
                format!(
                    " UNION ALL SELECT {campaign}, customer_id, policy_id, case_id, '{}' FROM doubled",
                    ExclusionReason::DuplicateAddress
                ),
                "(SELECT count(*) FROM doubled)".to_owned(),
            ],
            false => [String::new(), String::new(), String::new(), "0".to_owned()],
        };
        let waits = if self.shares.is_empty() { "FALSE" } else { "t.variant IS NULL" };
        format!(
            "WITH {target}, {zones}, texts AS ( \
                SELECT * FROM unnest({text_variants}::BIGINT[], {languages}::TEXT[], {versions}::BIGINT[], \
                                     {templates}::BIGINT[], {purposes}::TEXT[], {topics}::TEXT[]) \
                    AS x (variant, language, version, template, purpose, topic) \
            ), shares AS ( \
                SELECT * FROM unnest({share_variants}::BIGINT[], {lows}::BIGINT[], {highs}::BIGINT[], {channels}::TEXT[], \
                                     {hours}::SMALLINT[], {contents}::JSONB[]) \
                    AS x (variant, low, high, channel, send_hour, content) \
            ), found AS ( \
                SELECT r.*, s.variant, s.content, s.send_hour, COALESCE(s.channel, '{channel}') AS channel, \
                    CASE s.channel WHEN '{channel}' THEN r.address WHEN 'email' THEN c.email \
                        WHEN 'whatsapp' THEN c.phone WHEN 'sms' THEN c.phone ELSE r.address END AS sent_to, \
                    {zone} AS zone \
                FROM ranked r JOIN customers c ON c.id = r.customer_id LEFT JOIN policies p ON p.id = r.policy_id \
                {joins} \
                LEFT JOIN shares s ON {reachable} AND {bucket} BETWEEN s.low AND s.high - 1 \
                WHERE r.place = 1 \
            ){doubled}, timed AS ( \
                SELECT f.*, {due} AS due FROM found f{but} \
            ), turned AS ( \
                SELECT t.*, {waits} AS waits, \
                    row_number() OVER (PARTITION BY {waits} ORDER BY due, policy_id) - 1 AS turn, \
                    COALESCE({gap}::BIGINT, {span}::BIGINT / count(*) OVER ()) AS gap FROM timed t \
            ), paced AS ( \
                SELECT t.*, CASE WHEN waits THEN '{FAR}'::TIMESTAMPTZ WHEN gap IS NULL THEN due \
                    ELSE max(due - turn * gap * INTERVAL '1 microsecond') \
                            OVER (PARTITION BY waits ORDER BY due, policy_id ROWS UNBOUNDED PRECEDING) \
                        + turn * gap * INTERVAL '1 microsecond' END AS due_at FROM turned t \
            ), written AS ( \
                INSERT INTO messages (campaign_id, customer_id, policy_id, case_id, channel, template_id, address, due_at, \
                                      template_version_id, purpose, topic, variant_id, content, held_for, rehearsal, unit, \
                                      policies, branch_id) \
                SELECT {campaign}, p.customer_id, p.policy_id, p.case_id, p.channel, o.template, p.sent_to, p.due_at, \
                    COALESCE(x.version, l.version, o.version), o.purpose, o.topic, p.variant, p.content, \
                    CASE WHEN p.waits THEN '{AWAITING_WINNER}' END, {rehearsal}, p.unit, p.policies, p.branch_id \
                FROM paced p \
                JOIN texts o ON o.variant = COALESCE(p.variant, 0) AND o.language = '{ANY}' \
                LEFT JOIN texts x ON x.variant = o.variant AND x.language = p.language \
                LEFT JOIN texts l ON l.variant = o.variant AND l.language = split_part(replace(p.language, '-', '_'), '_', 1) \
                ORDER BY p.due_at, p.policy_id \
            ), excluded AS ( \
                INSERT INTO campaign_exclusions (campaign_id, customer_id, policy_id, case_id, reason) \
                SELECT {campaign}, customer_id, policy_id, case_id, reason \
                FROM ranked WHERE place IS DISTINCT FROM 1{left_out} \
            ) \
            SELECT count(*) FILTER (WHERE place = 1) - {count} AS messages, \
                   count(*) FILTER (WHERE place IS DISTINCT FROM 1) + {count} AS exclusions \
            FROM ranked",
            target = target.ctes(),
            zones = places::ZONES,
            joins = places::JOINS,
            reachable = reachable.join(" AND "),
        )
    }

    fn bind(&self, statement: Statement, campaign: i64, now: DateTime<Utc>) -> Statement {
        fn column<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
            rows.iter().map(of).collect()
        }
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let gap = |pace: Pace| match pace {
            Pace::PerHour(_) => (pace.gap(1).num_microseconds(), None),
            Pace::OverDays(_) => (None, pace.gap(1).num_microseconds()),
        };
        let (gap, span) = self.pace.map_or((None, None), gap);
        let time = match self.timing {
            Timing::AtOnce => None,
            Timing::RecipientTime { at } => Some(at),
            Timing::BestHour { otherwise } => Some(otherwise),
        };
        statement
            .bind::<BigInt, _>(campaign)
            .bind::<Timestamptz, _>(now)
            .bind::<Array<BigInt>, _>(column(self.texts, |text| text.variant.unwrap_or_default()))
            .bind::<Array<Text>, _>(owned(column(self.texts, |text| text.language.as_deref().unwrap_or(ANY))))
            .bind::<Array<BigInt>, _>(column(self.texts, |text| text.version))
            .bind::<Array<BigInt>, _>(column(self.texts, |text| text.template))
            .bind::<Array<Text>, _>(owned(column(self.texts, |text| text.purpose.as_str())))
            .bind::<Array<Nullable<Text>>, _>(column(self.texts, |text| text.topic.clone()))
            .bind::<Array<BigInt>, _>(column(self.shares, |share| share.variant))
            .bind::<Array<BigInt>, _>(column(self.shares, |share| share.low))
            .bind::<Array<BigInt>, _>(column(self.shares, |share| share.high))
            .bind::<Array<Text>, _>(owned(column(self.shares, |share| share.channel.as_str())))
            .bind::<Array<Nullable<SmallInt>>, _>(column(self.shares, |share| share.send_hour))
            .bind::<Array<Nullable<Jsonb>>, _>(column(self.shares, |share| share.content.clone()))
            .bind::<Text, _>(format!("campaign-{campaign}"))
            .bind::<Jsonb, _>(places::bind(self.rules))
            .bind::<Date, _>(self.day)
            .bind::<Nullable<diesel::sql_types::Time>, _>(time)
            .bind::<Nullable<BigInt>, _>(gap)
            .bind::<Nullable<BigInt>, _>(span)
            .bind::<Bool, _>(self.rehearsal)
    }
}

/// Why messages wait that get what wins.
pub(super) const AWAITING_WINNER: &str = "awaiting_winner";
/// The statuses in which an audience is still wanted.
fn wanted() -> Vec<&'static str> {
    [CampaignStatus::Preparing, CampaignStatus::Paused, CampaignStatus::Active].map(CampaignStatus::as_str).into()
}

#[derive(QueryableByName)]
struct Wanted {
    #[diesel(sql_type = Bool)]
    wanted: bool,
}

/// Whether an audience is still to be written: the cheap look before the costly statement.
async fn is_wanted(connection: &mut AsyncPgConnection, campaign: i64) -> Result<bool, DbError> {
    let row: Wanted = sql_query(
        "SELECT EXISTS (SELECT 1 FROM campaigns \
                        WHERE id = $1 AND target_count IS NULL AND NOT audience_ready AND status = ANY($2)) AS wanted",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Array<Text>, _>(wanted())
    .get_result(connection)
    .await?;
    Ok(row.wanted)
}

/// Records the audience as written, unless it was before or is no longer wanted.
async fn claim(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    built: Built,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let updated = sql_query(
        "UPDATE campaigns SET target_count = $2, excluded_count = $3, updated_at = $4 \
         WHERE id = $1 AND target_count IS NULL AND NOT audience_ready AND status = ANY($5)",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Integer, _>(i32::try_from(built.messages).unwrap_or(i32::MAX))
    .bind::<Integer, _>(i32::try_from(built.exclusions).unwrap_or(i32::MAX))
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Text>, _>(wanted())
    .execute(connection)
    .await?;
    Ok(updated == 1)
}

#[derive(QueryableByName)]
struct Boundary {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Ranges of message ids, each of at most `size` messages of the campaign, as (after, up to and including).
pub async fn ranges(connection: &mut AsyncPgConnection, campaign: i64, size: i64) -> Result<Vec<(i64, i64)>, DbError> {
    let rows: Vec<Boundary> = sql_query(
        "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS total \
                         FROM messages WHERE campaign_id = $1) AS numbered \
         WHERE place % $2 = 0 OR place = total ORDER BY id",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<BigInt, _>(size)
    .load(connection)
    .await?;
    let mut after = 0;
    let range = |row: Boundary| (std::mem::replace(&mut after, row.id), row.id);
    Ok(rows.into_iter().map(range).collect())
}

/// Turns messages whose text cannot be written into exclusions: (message, reason, detail). Answers how many.
pub async fn exclude_unrenderable(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    failures: &[(i64, ExclusionReason, String)],
) -> Result<usize, DbError> {
    let ids: Vec<i64> = failures.iter().map(|(id, ..)| *id).collect();
    let reasons: Vec<&str> = failures.iter().map(|(_, reason, _)| reason.as_str()).collect();
    let details: Vec<&str> = failures.iter().map(|(.., detail)| detail.as_str()).collect();
    Ok(sql_query(
        "WITH gone AS ( \
            DELETE FROM messages m USING unnest($2, $3, $4) AS f (id, reason, detail) \
            WHERE m.id = f.id AND m.campaign_id = $1 AND m.status = 'pending' AND m.attempts = 0 \
            RETURNING m.customer_id, m.policy_id, f.reason, f.detail \
        ) \
        INSERT INTO campaign_exclusions (campaign_id, customer_id, policy_id, reason, detail) \
        SELECT $1, customer_id, policy_id, reason, NULLIF(left(detail, 255), '') FROM gone",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Text>, _>(reasons)
    .bind::<Array<Text>, _>(details)
    .execute(connection)
    .await?)
}
