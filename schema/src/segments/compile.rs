//! Filters as SQL: one condition over a customer, a policy and its renewal case.
//!
//! Every value is bound; the text is made of constants alone. A condition is true, false or unknown, as SQL has it, and
//! is kept when true; whatever is negated is asked to be not true, so that an unknown one counts as false throughout.

use crate::reach::Statement;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Date, Numeric, Text, Timestamptz};
use domain::campaigns::audience::{
    Body, Condition, Day, Filter, Node, Recipients, SegmentSet, Segments, Selection, Subject,
};
use domain::ids::SegmentId;
use rust_decimal::Decimal;

/// A bound value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Texts(Vec<String>),
    Id(i64),
    Ids(Vec<i64>),
    Number(Decimal),
    Date(NaiveDate),
    Moment(DateTime<Utc>),
}

impl Value {
    fn sql_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "TEXT",
            Self::Texts(_) => "TEXT[]",
            Self::Id(_) => "BIGINT",
            Self::Ids(_) => "BIGINT[]",
            Self::Number(_) => "NUMERIC",
            Self::Date(_) => "DATE",
            Self::Moment(_) => "TIMESTAMPTZ",
        }
    }

    fn bind(self, statement: Statement) -> Statement {
        match self {
            Self::Text(text) => statement.bind::<Text, _>(text),
            Self::Texts(texts) => statement.bind::<Array<Text>, _>(texts),
            Self::Id(id) => statement.bind::<BigInt, _>(id),
            Self::Ids(ids) => statement.bind::<Array<BigInt>, _>(ids),
            Self::Number(number) => statement.bind::<Numeric, _>(number),
            Self::Date(date) => statement.bind::<Date, _>(date),
            Self::Moment(at) => statement.bind::<Timestamptz, _>(at),
        }
    }
}

/// Values in the order of their parameters, from `$1`.
#[derive(Debug, Default)]
pub(crate) struct Values(Vec<Value>);

impl Values {
    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Binds them all.
    pub(crate) fn bind(self, statement: Statement) -> Statement {
        self.0.into_iter().fold(statement, |statement, value| value.bind(statement))
    }
}

/// What the tables are called at a place of the statement.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) customer: String,
    pub(crate) policy: String,
    pub(crate) case: String,
}

impl Names {
    /// At the top.
    pub(crate) fn top() -> Self {
        Self { customer: "c".to_owned(), policy: "p".to_owned(), case: "rc".to_owned() }
    }
}

/// What a filter is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// Many customers: segments are read once.
    Many,
    /// One customer: segments are looked up for them.
    One,
}

/// Compiles filters, and collects their values.
pub(crate) struct Compiler<'a> {
    pub(super) day: Day,
    segments: &'a Segments,
    mode: For,
    values: Vec<Value>,
    nested: usize,
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(day: Day, segments: &'a Segments, mode: For) -> Self {
        Self { day, segments, mode, values: Vec::new(), nested: 0 }
    }

    /// The values so far.
    pub(crate) fn values(self) -> Values {
        Values(self.values)
    }

    /// The parameter of a value.
    pub(crate) fn bind(&mut self, value: Value) -> String {
        let sql_type = value.sql_type();
        self.values.push(value);
        format!("${}::{sql_type}", self.values.len())
    }

    /// A filter as a condition.
    pub(crate) fn node(&mut self, node: &Node, at: &Names) -> String {
        match node {
            Node::And(nodes) => self.joined(nodes, at, " AND ", "TRUE"),
            Node::Or(nodes) => self.joined(nodes, at, " OR ", "FALSE"),
            Node::Not(node) => not(&self.node(node, at)),
            Node::Is(condition) => self.condition(condition, at),
        }
    }

    fn joined(&mut self, nodes: &[Node], at: &Names, with: &str, empty: &str) -> String {
        let each: Vec<String> = nodes.iter().map(|node| self.node(node, at)).collect();
        if each.is_empty() { empty.to_owned() } else { format!("({})", each.join(with)) }
    }

    /// One condition.
    pub(crate) fn condition(&mut self, condition: &Condition, at: &Names) -> String {
        match condition {
            Condition::Field(field, test) => self.field(*field, test, at),
            Condition::Messages(count, messages) => self.messages(*count, messages, at),
            Condition::Surveys(count, surveys) => self.surveys(*count, surveys, at),
            Condition::Claims(count, claims) => self.claims(*count, claims, at),
            Condition::Uploads { ids, negated } => {
                let found = self.uploads(ids.iter().map(|id| id.0).collect(), at);
                negated_if(*negated, found)
            }
            Condition::Tags(quantity, tags) => self.tags(*quantity, tags, at),
            Condition::Consent { channel, purpose, said } => self.consent(*channel, *purpose, *said, at),
            Condition::Segments { ids, negated } => {
                let each: Vec<String> = ids.iter().map(|id| self.member(*id, at)).collect();
                negated_if(*negated, format!("({})", each.join(" OR ")))
            }
        }
    }

    /// Whether a policy, at a place that has one, is addressed by a selection.
    pub(crate) fn selection(&mut self, selection: &Selection, at: &Names) -> String {
        let mut all = Vec::new();
        if let Some(filter) = &selection.filter {
            all.push(self.node(&filter.root, at));
        }
        if let Some(set) = &selection.segments {
            all.push(self.set(set, at));
        }
        if let Some(named) = &selection.recipients {
            all.push(self.recipients(named, at));
        }
        if all.is_empty() { "TRUE".to_owned() } else { all.join(" AND ") }
    }

    fn recipients(&mut self, named: &Recipients, at: &Names) -> String {
        let Names { customer, policy, .. } = at;
        let mut bind = |ids: Vec<i64>| (!ids.is_empty()).then(|| self.bind(Value::Ids(ids)));
        let customers = bind(named.customers.iter().map(|id| id.0).collect());
        let policies = bind(named.policies.iter().map(|id| id.0).collect());
        match (customers, policies) {
            (Some(customers), None) => format!("{customer}.id = ANY({customers})"),
            (None, Some(policies)) => format!("{policy}.id = ANY({policies})"),
            // by the people first, who may have no policy
            (Some(customers), Some(policies)) => format!(
                "{customer}.id IN (SELECT unnest({customers}) \
                                   UNION SELECT customer_id FROM policies WHERE id = ANY({policies})) \
                 AND ({customer}.id = ANY({customers}) OR {policy}.id = ANY({policies}))"
            ),
            (None, None) => "FALSE".to_owned(),
        }
    }

    fn set(&mut self, set: &SegmentSet, at: &Names) -> String {
        let rows: Vec<String> = set.addressed().iter().map(|id| self.row(*id, at)).collect();
        let rows = format!("({})", rows.join(" OR "));
        match set {
            SegmentSet::Union(_) => rows,
            // of one, its rows are all there is to it
            SegmentSet::Intersect(ids) if ids.len() == 1 => rows,
            SegmentSet::Intersect(ids) => {
                let members: Vec<String> = ids.iter().map(|id| self.member(*id, at)).collect();
                format!("{rows} AND {}", members.join(" AND "))
            }
            SegmentSet::Minus(_, others) => {
                let members: Vec<String> = others.iter().map(|id| not(&self.member(*id, at))).collect();
                format!("{rows} AND {}", members.join(" AND "))
            }
        }
    }

    /// Whether what is judged is one of a segment's rows.
    pub(crate) fn row(&mut self, id: SegmentId, at: &Names) -> String {
        match self.segments.get(id).cloned() {
            Some(Body::Dynamic(filter)) => self.node(&filter.root, at),
            Some(Body::Static) => self.listed(id, at),
            None => "FALSE".to_owned(),
        }
    }

    /// Whether the customer is in a segment.
    pub(crate) fn member(&mut self, id: SegmentId, at: &Names) -> String {
        match self.segments.get(id).cloned() {
            Some(Body::Dynamic(filter)) if filter.root.subject() == Subject::Customer => self.node(&filter.root, at),
            Some(Body::Dynamic(filter)) => self.any_row(&filter, at),
            Some(Body::Static) => self.listed(id, at),
            None => "FALSE".to_owned(),
        }
    }

    fn listed(&mut self, id: SegmentId, at: &Names) -> String {
        let (segment, customer) = (self.bind(Value::Id(id.0)), &at.customer);
        format!(
            "EXISTS (SELECT FROM segment_members listed \
                     WHERE listed.segment_id = {segment} AND listed.customer_id = {customer}.id)"
        )
    }

    fn any_row(&mut self, filter: &Filter, at: &Names) -> String {
        self.nested += 1;
        let n = self.nested;
        let (outer, customer) = (&at.customer, format!("c{n}"));
        let inner = Names {
            customer: if self.mode == For::Many { customer.clone() } else { outer.clone() },
            policy: format!("p{n}"),
            case: format!("rc{n}"),
        };
        let condition = self.node(&filter.root, &inner);
        let rows = rows(filter.root.subject(), &inner);
        match self.mode {
            For::Many => {
                format!("{outer}.id IN (SELECT {customer}.id FROM customers {customer} {rows} WHERE {condition})")
            }
            For::One => format!("EXISTS (SELECT FROM (SELECT) once {rows} WHERE {condition})"),
        }
    }
}

/// The joins that bring in what a filter is about, after a customer.
pub(crate) fn rows(subject: Subject, at: &Names) -> String {
    let Names { customer, policy, case } = at;
    let policies = format!("LEFT JOIN policies {policy} ON {policy}.customer_id = {customer}.id");
    match subject {
        Subject::Customer => String::new(),
        Subject::Policy => policies,
        Subject::Case => format!(
            "{policies} LEFT JOIN renewal_cases {case} \
                 ON {case}.policy_id = {policy}.id AND {case}.term_end = {policy}.end_date"
        ),
    }
}

pub(super) fn not(condition: &str) -> String {
    format!("({condition}) IS NOT TRUE")
}

pub(super) fn negated_if(negated: bool, condition: String) -> String {
    if negated { not(&condition) } else { condition }
}
