//! Judges a filter in memory: what the compiled statement has to agree with.
//!
//! Nothing fails; a segment that was not looked up has nobody in it.

use super::{
    condition::{Bounds, Claims, Condition, Messages, Quantity, Said, Surveys, Test},
    facts::{Held, Person},
    field::Field,
    segments::{Body, Segments},
    selection::{SegmentSet, Selection},
    tree::{Filter, Node},
    when::{Day, When},
};
use crate::ids::SegmentId;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

/// Whether the filter holds for a policy of the person, or for the person without one.
pub fn evaluate(node: &Node, day: Day, segments: &Segments, person: &Person, policy: Option<&Held>) -> bool {
    let inner = |node: &Node| evaluate(node, day, segments, person, policy);
    match node {
        Node::And(nodes) => nodes.iter().all(inner),
        Node::Or(nodes) => nodes.iter().any(inner),
        Node::Not(node) => !inner(node),
        Node::Is(condition) => holds(condition, day, segments, person, policy),
    }
}

/// Whether a segment's customers include the person.
pub fn is_member(id: SegmentId, day: Day, segments: &Segments, person: &Person) -> bool {
    is_row_of(id, day, segments, person, None) && person.policies.is_empty()
        || person.policies.iter().any(|policy| is_row_of(id, day, segments, person, Some(policy)))
}

/// Whether a selection addresses the policy.
pub fn is_selected(selection: &Selection, day: Day, segments: &Segments, person: &Person, policy: &Held) -> bool {
    let row = |id: &SegmentId| is_row_of(*id, day, segments, person, Some(policy));
    let member = |id: &SegmentId| is_member(*id, day, segments, person);
    let filter = |filter: &Filter| evaluate(&filter.root, day, segments, person, Some(policy));
    selection.filter.as_ref().is_none_or(filter)
        && selection.segments.as_ref().is_none_or(|set| match set {
            SegmentSet::Union(ids) => ids.iter().any(row),
            SegmentSet::Intersect(ids) => ids.iter().any(row) && ids.iter().all(member),
            SegmentSet::Minus(first, others) => row(first) && !others.iter().any(member),
        })
        && selection
            .recipients
            .as_ref()
            .is_none_or(|named| named.customers.contains(&person.id) || named.policies.contains(&policy.id))
}

fn is_row_of(id: SegmentId, day: Day, segments: &Segments, person: &Person, policy: Option<&Held>) -> bool {
    match segments.get(id) {
        Some(Body::Dynamic(filter)) => evaluate(&filter.root, day, segments, person, policy),
        Some(Body::Static) => person.lists.contains(&id),
        None => false,
    }
}

fn holds(condition: &Condition, day: Day, segments: &Segments, person: &Person, policy: Option<&Held>) -> bool {
    match condition {
        Condition::Field(field, test) => value(*field, day, person, policy).meets(test, day),
        Condition::Messages(count, messages) => {
            let found = person.messages.iter().filter(|sent| {
                let at = sent.events.iter().find(|(event, _)| *event == messages.event).map(|(_, at)| *at);
                !sent.rehearsal
                    && is_recent(at, messages.within_days, day)
                    && is_among(messages, sent.channel)
                    && messages.campaign.is_none_or(|campaign| sent.campaign == Some(campaign))
                    && messages.template.is_none_or(|template| sent.template == Some(template))
                    && (!messages.about_policy || (policy.is_some() && sent.policy == policy.map(|held| held.id)))
            });
            count.holds(found.count())
        }
        Condition::Surveys(count, surveys) => {
            let Surveys { survey, within_days, score } = surveys;
            let found = person.surveys.iter().filter(|answer| {
                survey.is_none_or(|survey| survey == answer.survey)
                    && is_recent(Some(answer.at), *within_days, day)
                    && score.is_none_or(|score| answer.score.is_some_and(|number| score.hold(number)))
            });
            count.holds(found.count())
        }
        Condition::Claims(count, claims) => {
            let policies = person
                .policies
                .iter()
                .filter(|held| !claims.of_policy || policy.is_some_and(|policy| policy.id == held.id));
            count.holds(policies.flat_map(|held| &held.claims).filter(|claim| is_meant(claims, claim, day)).count())
        }
        Condition::Uploads { ids, negated } => {
            policy.is_some_and(|policy| policy.uploads.iter().any(|upload| ids.contains(upload))) != *negated
        }
        Condition::Tags(quantity, tags) => {
            let mut has = tags.iter().map(|tag| person.tags.contains(tag));
            match quantity {
                Quantity::Any => has.any(|has| has),
                Quantity::All => has.all(|has| has),
                Quantity::None => !has.any(|has| has),
            }
        }
        Condition::Consent { channel, purpose, said } => {
            let word = person.consents.iter().find(|(on, about, _)| (on, about) == (channel, purpose));
            match said {
                Said::Granted => word.is_some_and(|(.., granted)| *granted),
                Said::Refused => word.is_some_and(|(.., granted)| !granted),
                Said::Unknown => word.is_none(),
            }
        }
        Condition::Segments { ids, negated } => ids.iter().any(|id| is_member(*id, day, segments, person)) != *negated,
    }
}

fn is_among(messages: &Messages, channel: crate::messaging::Channel) -> bool {
    messages.channels.is_empty() || messages.channels.contains(&channel)
}

fn is_recent(at: Option<DateTime<Utc>>, within_days: Option<i32>, day: Day) -> bool {
    at.is_some_and(|at| within_days.is_none_or(|days| at >= day.start_of(day.plus(-days))))
}

fn is_meant(claims: &Claims, claim: &super::facts::Claimed, day: Day) -> bool {
    (claims.statuses.is_empty() || claims.statuses.contains(&claim.status))
        && (claims.types.is_empty() || claims.types.contains(&claim.kind.to_lowercase()))
        && claims.amount.is_none_or(|amount| amount.hold(claim.amount))
        && claims.within_days.is_none_or(|days| claim.reported >= day.plus(-days))
}

/// A field's value.
enum Value {
    Text(String),
    Number(Decimal),
    Date(NaiveDate),
    Moment(DateTime<Utc>),
    Id(i64),
    Flag(bool),
    Absent,
}

impl Value {
    fn of<T>(value: Option<T>, kind: impl Fn(T) -> Self) -> Self {
        value.map_or(Self::Absent, kind)
    }

    fn meets(&self, test: &Test, day: Day) -> bool {
        match (test, self) {
            (Test::Set(set), Self::Absent) => !set,
            (Test::Set(set), _) => *set,
            (Test::OneOf { values, negated }, Self::Text(text)) => values.contains(&text.to_lowercase()) != *negated,
            (Test::Ids { ids, negated }, Self::Id(id)) => ids.contains(id) != *negated,
            (Test::OneOf { negated, .. } | Test::Ids { negated, .. }, _) => *negated,
            (Test::Contains(part), Self::Text(text)) => text.to_lowercase().contains(part),
            (Test::StartsWith(part), Self::Text(text)) => text.to_lowercase().starts_with(part),
            (Test::Number(bounds), Self::Number(number)) => Bounds::hold(*bounds, *number),
            (Test::When(when), Self::Date(date)) => is_on(*when, *date, day),
            (Test::When(when), Self::Moment(at)) => {
                let (from, to) = when.resolve(day);
                let before = to.and_then(|to| to.succ_opt()).map(|next| day.start_of(next));
                from.is_none_or(|from| *at >= day.start_of(from)) && before.is_none_or(|before| *at < before)
            }
            (Test::Flag(wanted), Self::Flag(is)) => wanted == is,
            _ => false,
        }
    }
}

fn is_on(when: When, date: NaiveDate, day: Day) -> bool {
    let (from, to) = when.resolve(day);
    from.is_none_or(|from| date >= from) && to.is_none_or(|to| date <= to)
}

fn value(field: Field, day: Day, person: &Person, policy: Option<&Held>) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    let known = |text: &Option<String>| Value::of(text.clone(), Value::Text);
    let held = |of: &dyn Fn(&Held) -> Value| policy.map_or(Value::Absent, of);
    let renewal = |of: &dyn Fn(&super::facts::Renewal) -> Value| {
        policy.and_then(|held| held.case.as_ref()).map_or(Value::Absent, of)
    };
    match field {
        Field::CustomerName => Value::Text(format!("{} {}", person.first_name, person.last_name)),
        Field::CustomerCode => text(&person.code),
        Field::CustomerEmail => known(&person.email),
        Field::CustomerPhone => known(&person.phone),
        Field::CustomerCity => known(&person.city),
        Field::CustomerState => known(&person.state),
        Field::CustomerPostalCode => known(&person.postal_code),
        Field::CustomerCountry => known(&person.country),
        Field::CustomerTimeZone => known(&person.time_zone),
        Field::CustomerLanguage => known(&person.language),
        Field::CustomerDateOfBirth => Value::of(person.date_of_birth, Value::Date),
        Field::CustomerAge => {
            let years = person.date_of_birth.and_then(|born| day.today.years_since(born));
            Value::of(years, |years| Value::Number(years.into()))
        }
        Field::CustomerKyc => text(&person.kyc_status),
        Field::CustomerCreated => Value::Moment(person.created_at),
        Field::PolicyNumber => held(&|held| text(&held.number)),
        Field::PolicyType => held(&|held| text(&held.kind)),
        Field::PolicyPremium => held(&|held| Value::Number(held.premium)),
        Field::PolicyCurrency => held(&|held| text(&held.currency)),
        Field::PolicyStatus => held(&|held| text(&held.status)),
        Field::PolicyStart => held(&|held| Value::Date(held.start)),
        Field::PolicyEnd => held(&|held| Value::Date(held.end)),
        Field::PolicyRenewal => held(&|held| Value::of(held.renewal, Value::Date)),
        Field::PolicyDaysToExpiry => {
            held(&|held| Value::Number(held.end.signed_duration_since(day.today).num_days().into()))
        }
        Field::PolicyBranch => held(&|held| Value::of(held.branch, |id| Value::Id(id.0))),
        Field::PolicyAgent => held(&|held| Value::of(held.agent, |id| Value::Id(id.0))),
        Field::PolicyGraceDays => held(&|held| Value::Number(held.grace_days.into())),
        Field::PolicyInGrace => held(&|held| {
            let since = day.today.signed_duration_since(held.end).num_days();
            Value::Flag((1..=i64::from(held.grace_days)).contains(&since))
        }),
        Field::PolicyCreated => held(&|held| Value::Moment(held.created_at)),
        Field::CaseStatus => renewal(&|case| text(&case.status)),
        Field::CasePriority => renewal(&|case| text(&case.priority)),
        Field::CaseAssigned => renewal(&|case| Value::of(case.assigned_to, |id| Value::Id(id.0))),
        Field::CasePayment => renewal(&|case| text(&case.payment_status)),
        Field::CaseAmount => renewal(&|case| Value::of(case.amount, Value::Number)),
        Field::CaseAttempts => renewal(&|case| Value::Number(case.attempts.into())),
        Field::CaseLastContact => renewal(&|case| Value::of(case.last_contact, Value::Moment)),
    }
}
