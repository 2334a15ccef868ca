//! Whom a campaign's target names: one query, shared by the estimate and the audience, so that they cannot disagree.

use super::grouping;
use crate::segments::PlanLine;
use crate::segments::compile::{Compiler, For, Names, Value, Values};
use crate::{
    Count, DbError,
    in_time::in_time,
    reach::{Statement, has_policy},
};
use chrono::NaiveDate;
use diesel::sql_query;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::audience::{Day, SegmentSet, Segments};
use domain::campaigns::{Audience, AudienceFilter, ExclusionReason, Grouping, Holdout, split};
use domain::local_day::Tz;
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
    /// The segments that it refers to, as `segments::resolve` found them; nobody is meant while one of them is missing.
    pub segments: Segments,
    /// What gets one message.
    pub grouping: Grouping,
    /// Who of them gets nothing, besides the segments' own holdouts.
    pub holdout: Option<Holdout>,
    /// How it goes out.
    pub channel: Channel,
    /// How else: whom one of all channels reaches is meant.
    pub also: Vec<Channel>,
    /// The campaign's day in its own zone: what days to expiry are counted from.
    pub today: NaiveDate,
    /// That zone, in which days begin.
    pub zone: Tz,
    /// Whose policies are meant at most.
    pub reach: Reach,
}

impl Target {
    /// The common table expressions `judged` (every policy meant, its customer, case and address, with the reason
    /// that leaves it out or NULL) and `ranked`: policy_id, customer_id, case_id, branch_id, end_date, address,
    /// language; the `reason` that leaves it out, or NULL; `place`, 1 for the one policy of each recipient that the
    /// message is about, the one that expires first; `unit`, what the recipient gets one message for (0: all they have,
    /// else the policy); and `policies`, all that the message is about when they are several. A policy that a message
    /// about another mentions is not in `ranked`. Who is named by a segment or by themselves and has no policy at all is
    /// there without one.
    pub(crate) fn ctes(&self) -> String {
        self.compiled().0
    }

    /// How many binds [`Self::bind`] takes; a statement's own follow.
    pub(crate) fn binds(&self) -> usize {
        self.compiled().1.count()
    }

    /// Binds the first parameters of a statement that begins with [`Self::ctes`].
    pub(crate) fn bind(&self, statement: Statement) -> Statement {
        self.compiled().1.bind(statement)
    }

    fn compiled(&self) -> (String, Values) {
        let at = Names::top();
        let mut compiler = Compiler::new(Day { today: self.today, zone: self.zone }, &self.segments, For::Many);
        let mut all = vec![has_policy(self.reach)];
        if let Some(upload) = self.upload_id {
            all.push(compiler.uploads(vec![upload], &at));
        }
        match &self.audience {
            Audience::All => {}
            Audience::Filter(filter) => self.flat(filter, &mut compiler, &mut all),
            Audience::Selection(selection) => all.push(compiler.selection(selection, &at)),
        }
        if !self.segments.missing(&self.audience.segments()).is_empty() {
            all.push("FALSE".to_owned());
        }
        let held_out = self.held_out(&mut compiler, &at);
        let ranked = grouping::ranked(self.grouping);
        (format!("judged AS ({}), {ranked}", self.judged(&all.join(" AND "), &held_out)), compiler.values())
    }

    fn judged(&self, condition: &str, held_out: &str) -> String {
        let address = self.address();
        let by_mail = self.channels().all(|channel| channel == Channel::Email);
        let missing = if by_mail { ExclusionReason::NoEmail } else { ExclusionReason::NoPhone };
        let already_renewed = ExclusionReason::AlreadyRenewed;
        let cancelled = ExclusionReason::PolicyCancelled;
        let opted_out = ExclusionReason::OptedOut;
        let holdout = ExclusionReason::Holdout;
        let refused = self.refused();
        let not_cancelled = !self.audience.asks_for_cancelled(&self.segments);
        let household = grouping::columns(self.grouping);
        // people who are named may have no policy; whoever is to get one message a policy is left out, and told
        let (from, no_policy) = match &self.audience {
            Audience::Selection(_) => ("customers c LEFT JOIN policies p ON p.customer_id = c.id", "p.id IS NULL"),
            Audience::All | Audience::Filter(_) => ("policies p JOIN customers c ON c.id = p.customer_id", "FALSE"),
        };
        let no_policy = if self.grouping == Grouping::Policy { no_policy } else { "FALSE" };
        let without = ExclusionReason::NoPolicy;
        // who is held out is drawn of those who would get a message
        format!(
            "SELECT p.id AS policy_id, c.id AS customer_id, p.end_date, {address} AS address, rc.id AS case_id, c.language, \
                p.branch_id, {household} \
                CASE \
                    WHEN {no_policy} THEN '{without}' \
                    WHEN p.status = 'renewed' OR rc.status = 'renewed' OR rc.payment_status = 'paid' \
                        THEN '{already_renewed}' \
                    WHEN p.status = 'cancelled' AND {not_cancelled} THEN '{cancelled}' \
                    WHEN {address} IS NULL THEN '{missing}' \
                    WHEN {refused} THEN '{opted_out}' \
                    WHEN {held_out} THEN '{holdout}' \
                END AS reason \
             FROM {from} \
             LEFT JOIN renewal_cases rc ON rc.policy_id = p.id AND rc.term_end = p.end_date \
             WHERE {condition}"
        )
    }

    fn channels(&self) -> impl Iterator<Item = Channel> {
        std::iter::once(self.channel).chain(self.also.iter().copied())
    }

    /// Where it goes: over the first channel that there is an address for.
    fn address(&self) -> String {
        let mut known: Vec<&str> = self.channels().map(address_on).collect();
        known.dedup();
        match known.as_slice() {
            [one] => (*one).to_owned(),
            several => format!("COALESCE({})", several.join(", ")),
        }
    }

    /// Whether they want nothing on any channel that there is an address for.
    fn refused(&self) -> String {
        if self.also.is_empty() {
            return format!("c.communication_preferences -> '{}' = 'false'", self.channel);
        }
        let usable = |channel: Channel| {
            format!(
                "({} IS NOT NULL AND c.communication_preferences -> '{channel}' IS DISTINCT FROM 'false'::JSONB)",
                address_on(channel)
            )
        };
        format!("NOT ({})", self.channels().map(usable).collect::<Vec<_>>().join(" OR "))
    }

    fn flat(&self, filter: &AudienceFilter, compiler: &mut Compiler<'_>, all: &mut Vec<String>) {
        let lower = |texts: &[String]| texts.iter().map(|text| text.trim().to_lowercase()).collect::<Vec<_>>();
        let day = Day { today: self.today, zone: self.zone };
        // PostgreSQL's dates end; nobody's policy does that far ahead
        let days = |days: i32| Value::Date(day.plus(days.clamp(-DAYS_LIMIT, DAYS_LIMIT)));
        let mut keep = |condition: &str, value: Value| all.push(condition.replace('?', &compiler.bind(value)));
        if let Some(min) = filter.days_to_expiry.and_then(|range| range.min) {
            keep("p.end_date >= ?", days(min));
        }
        if let Some(max) = filter.days_to_expiry.and_then(|range| range.max) {
            keep("p.end_date <= ?", days(max));
        }
        if let Some(min) = filter.premium.and_then(|range| range.min) {
            keep("p.premium_amount >= ?", Value::Number(min));
        }
        if let Some(max) = filter.premium.and_then(|range| range.max) {
            keep("p.premium_amount <= ?", Value::Number(max));
        }
        if !filter.policy_types.is_empty() {
            keep("lower(p.policy_type) = ANY(?)", Value::Texts(lower(&filter.policy_types)));
        }
        if !filter.branches.is_empty() {
            keep("p.branch_id = ANY(?)", Value::Ids(filter.branches.iter().map(|branch| branch.0).collect()));
        }
        if !filter.statuses.is_empty() {
            keep("p.status = ANY(?)", Value::Texts(lower(&filter.statuses)));
        }
    }

    /// Whether a customer is in a holdout: the campaign's own, or that of a segment they are in and which the target
    /// names, in its set, in its filter, or through another segment.
    fn held_out(&self, compiler: &mut Compiler<'_>, at: &Names) -> String {
        let mut any: Vec<String> = self.holdout.iter().map(|holdout| drawn(holdout, compiler, at)).collect();
        if let Audience::Selection(selection) = &self.audience {
            let set = selection.segments.as_ref();
            let several = set.is_some_and(|set| matches!(set, SegmentSet::Union(ids) if ids.len() > 1));
            let addressed = set.map(SegmentSet::addressed).unwrap_or_default();
            for id in self.segments.ids() {
                let Some(holdout) = self.segments.holdout(id) else { continue };
                let held = drawn(&holdout, compiler, at);
                let is_everybodys = !several && addressed.contains(&id);
                // else some of those it goes to are none of its people
                any.push(if is_everybodys { held } else { format!("({} AND {held})", compiler.member(id, at)) });
            }
        }
        if any.is_empty() { "FALSE".to_owned() } else { any.join(" OR ") }
    }
}

const fn address_on(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "c.email",
        Channel::Whatsapp | Channel::Sms => "c.phone",
    }
}

/// Whether a customer is in a group: as [`Holdout::holds`] has it.
fn drawn(holdout: &Holdout, compiler: &mut Compiler<'_>, at: &Names) -> String {
    let salt = compiler.bind(Value::Text(holdout.salt.clone()));
    let share = compiler.bind(Value::Id(holdout.basis_points.into()));
    let bucket = split::SQL.replace("{salt}", &salt).replace("{id}", &format!("{}.id", at.customer));
    format!("{bucket} < {share}")
}

/// How many messages the target comes to today; `None` when it takes too long to tell.
pub async fn estimate(connection: &mut AsyncPgConnection, target: &Target) -> Result<Option<i64>, DbError> {
    let query = format!("WITH {} SELECT count(*) AS count FROM ranked WHERE place = 1", target.ctes());
    let statement = target.bind(sql_query(query).into_boxed());
    let counted: Option<Vec<Count>> = in_time(connection, ESTIMATE_MS, statement).await?;
    Ok(counted.and_then(|rows| rows.into_iter().next().map(|row| row.count)))
}

/// How the database would find the target: the lines of its plan, for tests and measuring.
pub async fn plan(connection: &mut AsyncPgConnection, target: &Target) -> Result<Vec<String>, DbError> {
    let query = format!("EXPLAIN WITH {} SELECT * FROM ranked WHERE place = 1", target.ctes());
    let lines: Vec<PlanLine> = target.bind(sql_query(query).into_boxed()).load(connection).await?;
    Ok(lines.into_iter().map(|line| line.line).collect())
}
