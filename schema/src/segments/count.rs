//! How many customers a selection comes to, and some of them, while somebody waits.
//!
//! The exact number is tried for a moment. When it cannot be had in that time, customers are drawn by chance and judged
//! one by one, and the answer says that it is an estimate and how far it may be off.

use super::compile::{Compiler, For, Names, rows};
use crate::reach::{self, Statement};
use crate::{Count, DbError, in_time::in_time};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::audience::{Day, Segments, Selection, Subject};
use domain::permissions::Reach;

/// How long the exact number may take, in milliseconds.
const EXACT_MS: u32 = 120;
/// How long a sample may take before it is taken of those drawn by chance.
const SAMPLE_MS: u32 = 40;
/// How many customers are drawn at a time, and how long that may take: what a busy or cold server has no time for any
/// more, is left out, and the estimate is the wider for it.
const DRAWS: [(i32, u32); 3] = [(200, 60), (600, 40), (1_200, 40)];

/// How many customers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The number, or the likeliest one.
    pub count: i64,
    /// Whether it was counted.
    pub exact: bool,
    /// The number is not below, with 95 % certainty.
    pub low: i64,
    /// Nor above.
    pub high: i64,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Sampled {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub code: String,
    #[diesel(sql_type = Text)]
    pub name: String,
}

/// What is asked, for which day, and by whom.
#[derive(Clone, Copy)]
struct Question<'a> {
    reach: Reach,
    selection: &'a Selection,
    segments: &'a Segments,
    day: Day,
}

impl<'a> Question<'a> {
    fn subject(self) -> Subject {
        self.selection.subject(self.segments)
    }

    /// The joins after `customers c`, and the condition.
    fn parts(self, mode: For) -> (String, String, Compiler<'a>) {
        let (at, subject) = (Names::top(), self.subject());
        let mut compiler = Compiler::new(self.day, self.segments, mode);
        let condition = compiler.selection(self.selection, &at);
        let in_reach = match subject {
            Subject::Customer => reach::has_customer(self.reach, "c.id"),
            // of somebody without a policy, nobody is in charge
            Subject::Policy | Subject::Case => reach::has_policy(self.reach),
        };
        let complete = self.segments.missing(&self.selection.named()).is_empty();
        let condition = if complete { format!("({condition}) AND {in_reach}") } else { "FALSE".to_owned() };
        (rows(subject, &at), condition, compiler)
    }

    fn exact_text(self) -> (String, Compiler<'a>) {
        let (rows, condition, compiler) = self.parts(For::Many);
        let what = if rows.is_empty() { "*" } else { "DISTINCT c.id" };
        (format!("SELECT count({what}) AS count FROM customers c {rows} WHERE {condition}"), compiler)
    }

    fn exact(self) -> Statement {
        let (text, compiler) = self.exact_text();
        compiler.values().bind(sql_query(text).into_boxed())
    }

    fn first(self, limit: i64) -> Statement {
        let (rows, condition, compiler) = self.parts(For::Many);
        // several policies of one customer come one after another
        let text = format!(
            "SELECT DISTINCT id FROM (SELECT c.id FROM customers c {rows} WHERE {condition} LIMIT {}) found LIMIT {limit}",
            limit.saturating_mul(5)
        );
        compiler.values().bind(sql_query(text).into_boxed())
    }

    fn draw(self, probes: i32) -> Statement {
        let (rows, condition, compiler) = self.parts(For::One);
        let text = format!(
            "WITH ends AS (SELECT min(id) AS low, max(id) AS high FROM customers), \
             probes AS MATERIALIZED (SELECT DISTINCT low + floor(random() * (high - low + 1))::BIGINT AS id \
                                     FROM ends, generate_series(1, {probes})), \
             hits AS MATERIALIZED (SELECT DISTINCT c.id FROM probes JOIN customers c ON c.id = probes.id {rows} \
                                   WHERE {condition}) \
             SELECT COALESCE((SELECT high - low + 1 FROM ends), 0) AS range, (SELECT count(*) FROM probes) AS probes, \
                    (SELECT count(*) FROM hits) AS hits, \
                    COALESCE((SELECT array_agg(id) FROM (SELECT id FROM hits LIMIT 40) found), '{{}}') AS ids"
        );
        compiler.values().bind(sql_query(text).into_boxed())
    }
}

/// How many customers in reach a selection comes to: exact, or an estimate. `None` when even that takes too long.
pub async fn count(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    selection: &Selection,
    segments: &Segments,
    day: Day,
) -> Result<Option<Counted>, DbError> {
    Ok(counted(connection, Question { reach, selection, segments, day }).await?.0)
}

/// The same, and some of the customers.
pub async fn preview(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    selection: &Selection,
    segments: &Segments,
    day: Day,
    limit: i64,
) -> Result<(Option<Counted>, Vec<Sampled>), DbError> {
    let question = Question { reach, selection, segments, day };
    let (counted, drawn) = counted(connection, question).await?;
    let ids = match drawn {
        Some(drawn) => drawn,
        None => some(connection, question, limit).await?,
    };
    Ok((counted, named(connection, ids, limit).await?))
}

/// Some of the customers in reach that a selection comes to; those found in time.
pub async fn sample(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    selection: &Selection,
    segments: &Segments,
    day: Day,
    limit: i64,
) -> Result<Vec<Sampled>, DbError> {
    let ids = some(connection, Question { reach, selection, segments, day }, limit).await?;
    named(connection, ids, limit).await
}

/// The estimate alone.
pub async fn estimate(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    selection: &Selection,
    segments: &Segments,
    day: Day,
) -> Result<Option<Counted>, DbError> {
    let question = Question { reach, selection, segments, day };
    Ok(drawn(connection, question).await?.map(|drawn| drawn.counted()))
}

/// How many; and, when that is an estimate, some of those that were drawn for it.
async fn counted(
    connection: &mut AsyncPgConnection,
    question: Question<'_>,
) -> Result<(Option<Counted>, Option<Vec<i64>>), DbError> {
    let exact: Option<Vec<Count>> = in_time(connection, EXACT_MS, question.exact()).await?;
    if let Some(Count { count }) = exact.and_then(|rows| rows.into_iter().next()) {
        return Ok((Some(Counted { count, exact: true, low: count, high: count }), None));
    }
    let drawn = drawn(connection, question).await?;
    Ok((drawn.as_ref().map(Drawn::counted), Some(drawn.map(|drawn| drawn.ids).unwrap_or_default())))
}

/// Draws until there is no time left. `None`: there was none for the first.
async fn drawn(connection: &mut AsyncPgConnection, question: Question<'_>) -> Result<Option<Drawn>, DbError> {
    let mut whole: Option<Drawn> = None;
    for (probes, milliseconds) in DRAWS {
        let drawn: Option<Vec<Drawn>> = in_time(connection, milliseconds, question.draw(probes)).await?;
        let Some(drawn) = drawn.and_then(|rows| rows.into_iter().next()) else { break };
        whole = Some(match whole {
            None => drawn,
            Some(before) => before.with(drawn),
        });
    }
    Ok(whole)
}

async fn some(connection: &mut AsyncPgConnection, question: Question<'_>, limit: i64) -> Result<Vec<i64>, DbError> {
    let first: Option<Vec<Id>> = in_time(connection, SAMPLE_MS, question.first(limit)).await?;
    match first {
        Some(rows) => Ok(rows.into_iter().map(|row| row.id).collect()),
        None => Ok(drawn(connection, question).await?.map(|drawn| drawn.ids).unwrap_or_default()),
    }
}

async fn named(connection: &mut AsyncPgConnection, ids: Vec<i64>, limit: i64) -> Result<Vec<Sampled>, DbError> {
    Ok(sql_query(
        "SELECT id, customer_code AS code, btrim(first_name || ' ' || last_name) AS name FROM customers \
         WHERE id = ANY($1) ORDER BY id LIMIT $2",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?)
}

/// How the database would find the exact number: the lines of its plan, for tests and measuring.
pub async fn plan(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    selection: &Selection,
    segments: &Segments,
    day: Day,
) -> Result<Vec<String>, DbError> {
    let question = Question { reach, selection, segments, day };
    let (text, compiler) = question.exact_text();
    let statement = compiler.values().bind(sql_query(format!("EXPLAIN {text}")).into_boxed());
    let lines: Vec<PlanLine> = statement.load(connection).await?;
    Ok(lines.into_iter().map(|line| line.line).collect())
}

/// A line of a plan.
#[derive(QueryableByName)]
pub(crate) struct PlanLine {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    pub(crate) line: String,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Drawn {
    /// How many ids there may be.
    #[diesel(sql_type = BigInt)]
    range: i64,
    /// How many of them were looked at.
    #[diesel(sql_type = BigInt)]
    probes: i64,
    /// How many of those are customers who are meant.
    #[diesel(sql_type = BigInt)]
    hits: i64,
    /// Some of these.
    #[diesel(sql_type = Array<BigInt>)]
    ids: Vec<i64>,
}

impl Drawn {
    fn with(mut self, other: Self) -> Self {
        self.probes += other.probes;
        self.hits += other.hits;
        self.ids.extend(other.ids);
        self
    }

    fn counted(&self) -> Counted {
        if self.probes == 0 {
            return Counted { count: 0, exact: false, low: 0, high: self.range };
        }
        let whole = |share: f64| {
            let number = (share * as_float(self.range)).round();
            #[expect(clippy::cast_possible_truncation, reason = "rounded, and within the table's size")]
            let number = number.clamp(0.0, as_float(self.range)) as i64;
            number
        };
        let (hits, probes) = (as_float(self.hits), as_float(self.probes));
        let share = hits / probes;
        // Wilson's interval, which says something where nobody was hit
        const Z: f64 = 1.96;
        let spread = Z * Z / probes;
        let middle = (share + spread / 2.0) / (1.0 + spread);
        let half = (share * (1.0 - share) * spread + spread * spread / 4.0).sqrt() / (1.0 + spread);
        Counted {
            count: whole(share),
            exact: false,
            low: whole(middle - half).max(self.hits),
            high: whole(middle + half),
        }
    }
}

fn as_float(number: i64) -> f64 {
    f64::from(i32::try_from(number).unwrap_or(i32::MAX))
}
